'use client';
import { EMAIL_TRUSTS, type EmailTrust, whyNotAdmin } from '@taskgate/core';
import { type FormEvent, useId, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Checkbox, Input, Select, Textarea } from '@/components/input.tsx';
import { Panel } from '@/components/page.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { useMe } from '@/lib/me.tsx';
import { fieldErrors } from '@/lib/problem.ts';
import type { ProviderView } from '@/lib/views.ts';
import { KIND_WORDS, TRUST_WORDS } from './provider-words.ts';

export interface ProviderValues {
  name: string;
  title: string;
  settings: ProviderView['settings'];
  emailTrust: EmailTrust;
  createPeople: boolean;
  /** Left out: it stays. */
  clientSecret?: string;
}

const FIELDS = [
  ...['name', 'title', 'clientSecret', 'settings.issuer', 'settings.clientId', 'settings.scopes'],
  ...['settings.groupsClaim', 'settings.entityId', 'settings.signInUrl', 'settings.certificates'],
] as const;

/** One attribute of a provider: a text with its label, hint and error. */
function TextField({
  name,
  label,
  hint,
  error,
  value,
  optional = false,
  type = 'text',
}: {
  name: string;
  label: string;
  hint?: string;
  error?: string | undefined;
  value?: string | undefined;
  optional?: boolean;
  type?: 'text' | 'url' | 'password';
}) {
  return (
    <Field label={label} optional={optional} hint={hint} error={error}>
      {(props) => (
        <Input
          {...props}
          name={name}
          type={type}
          required={!optional}
          maxLength={2000}
          autoComplete={type === 'password' ? 'new-password' : 'off'}
          spellCheck={false}
          defaultValue={value}
        />
      )}
    </Field>
  );
}

export function ProviderForm({
  provider,
  whyNot,
  saving,
  error,
  onSave,
}: {
  provider: ProviderView | null;
  /** Why it may not be saved by who is here. */
  whyNot: string | null;
  saving: boolean;
  error: unknown;
  onSave: (values: ProviderValues) => void;
}) {
  const whyNoTrust = whyNotAdmin(useMe(), 'Whoever controls a provider that is trusted can be anybody');
  const kindId = useId();
  const [kind, setKind] = useState<'oidc' | 'saml'>(provider?.settings.kind ?? 'oidc');
  const errors = fieldErrors(error, FIELDS);
  const oidc = provider?.settings.kind === 'oidc' ? provider.settings : null;
  const saml = provider?.settings.kind === 'saml' ? provider.settings : null;

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const text = (name: string): string => String(data.get(name) ?? '').trim();
    const secret = text('clientSecret');
    onSave({
      name: provider?.name ?? text('name'),
      title: text('title'),
      emailTrust: text('emailTrust') as EmailTrust,
      createPeople: data.get('createPeople') === 'on',
      settings:
        kind === 'oidc'
          ? {
              kind,
              issuer: text('issuer'),
              clientId: text('clientId'),
              scopes: text('scopes').split(/\s+/),
              groupsClaim: text('groupsClaim'),
            }
          : {
              kind,
              entityId: text('entityId'),
              signInUrl: text('signInUrl'),
              certificates: text('certificates'),
              emailAttribute: text('emailAttribute'),
              nameAttribute: text('nameAttribute'),
              groupsAttribute: text('groupsAttribute'),
              subjectAttribute: text('subjectAttribute') || null,
            },
      ...(kind === 'oidc' && secret !== '' ? { clientSecret: secret } : {}),
    });
  };

  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <Panel title="What it is">
        <div className="grid gap-4 sm:grid-cols-2">
          {provider === null && (
            <>
              <fieldset className="sm:col-span-2">
                <legend className="mb-1 font-medium text-sm">Protocol</legend>
                <div className="flex flex-wrap gap-x-5">
                  {(['oidc', 'saml'] as const).map((value) => (
                    <label key={value} className="inline-flex min-h-6 items-center gap-2">
                      <input
                        type="radio"
                        name={kindId}
                        className="size-4 accent-accent"
                        checked={kind === value}
                        onChange={() => setKind(value)}
                      />
                      {KIND_WORDS[value]}
                    </label>
                  ))}
                </div>
              </fieldset>
              <Field
                label="Name"
                error={errors.byField.name}
                hint="In addresses: lower-case letters, digits and dashes. It cannot be changed."
              >
                {(props) => (
                  <Input
                    {...props}
                    name="name"
                    required
                    maxLength={63}
                    pattern="[a-z][a-z0-9\-]{0,62}"
                    title="A lower-case letter first, then lower-case letters, digits and dashes"
                    autoComplete="off"
                  />
                )}
              </Field>
            </>
          )}
          <TextField
            name="title"
            label="Title"
            hint="The button says: Sign in with …"
            error={errors.byField.title}
            value={provider?.title}
          />
        </div>
      </Panel>
      {kind === 'oidc' ? (
        <Panel title="Where it is">
          <div className="grid gap-4 sm:grid-cols-2">
            <div className="sm:col-span-2">
              <TextField
                name="issuer"
                label="Issuer"
                type="url"
                hint="Its address before /.well-known/openid-configuration, exactly as it writes it."
                error={errors.byField['settings.issuer']}
                value={oidc?.issuer}
              />
            </div>
            <TextField
              name="clientId"
              label="Client id"
              error={errors.byField['settings.clientId']}
              value={oidc?.clientId}
            />
            <TextField
              name="clientSecret"
              label="Client secret"
              type="password"
              optional
              hint={
                provider?.secretSet
                  ? 'One is sealed here. Left empty, it stays; with another issuer or client it must be given again.'
                  : 'Sealed here and never shown. None for a public client.'
              }
              error={errors.byField.clientSecret}
            />
            <TextField
              name="scopes"
              label="Scopes"
              hint="With spaces between; openid must be there."
              error={errors.byField['settings.scopes']}
              value={oidc?.scopes.join(' ') ?? 'openid email profile'}
            />
            <TextField
              name="groupsClaim"
              label="Claim with the groups"
              hint="Its name, or its path with dots."
              error={errors.byField['settings.groupsClaim']}
              value={oidc?.groupsClaim ?? 'groups'}
            />
          </div>
        </Panel>
      ) : (
        <Panel title="Where it is">
          <div className="grid gap-4 sm:grid-cols-2">
            <TextField
              name="entityId"
              label="Entity id"
              hint="Of the identity provider, as its metadata say."
              error={errors.byField['settings.entityId']}
              value={saml?.entityId}
            />
            <TextField
              name="signInUrl"
              label="Single sign-on address"
              type="url"
              hint="For the redirect binding."
              error={errors.byField['settings.signInUrl']}
              value={saml?.signInUrl}
            />
            <div className="sm:col-span-2">
              <Field
                label="Certificates"
                hint="PEM; any of them may have signed, so the next key can be added before it is used."
                error={errors.byField['settings.certificates']}
              >
                {(props) => (
                  <Textarea
                    {...props}
                    name="certificates"
                    rows={5}
                    required
                    spellCheck={false}
                    className="font-mono text-sm"
                    defaultValue={saml?.certificates}
                  />
                )}
              </Field>
            </div>
            <TextField name="emailAttribute" label="E-mail attribute" value={saml?.emailAttribute ?? 'email'} />
            <TextField name="nameAttribute" label="Name attribute" value={saml?.nameAttribute ?? 'displayName'} />
            <TextField name="groupsAttribute" label="Groups attribute" value={saml?.groupsAttribute ?? 'groups'} />
            <TextField
              name="subjectAttribute"
              label="Attribute that says who somebody is"
              optional
              hint="Without it the NameID does; it must be the same at each sign-in."
              value={saml?.subjectAttribute ?? ''}
            />
          </div>
        </Panel>
      )}
      <Panel title="Who may come in">
        <div className="flex flex-col gap-4">
          <Field
            label="An e-mail address links to a person who is here already"
            hint={
              whyNoTrust === null ? (
                'Whoever controls the provider can then sign in as that person. Trust your own company’s, never a public one.'
              ) : (
                <Ticked text={`${whyNoTrust}.`} />
              )
            }
          >
            {(props) => (
              <Select {...props} name="emailTrust" defaultValue={provider?.emailTrust ?? 'never'}>
                {EMAIL_TRUSTS.map((trust) => (
                  <option key={trust} value={trust} disabled={trust !== 'never' && whyNoTrust !== null}>
                    {TRUST_WORDS[trust]}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          <Checkbox
            name="createPeople"
            defaultChecked={provider?.createPeople ?? false}
            label="The first sign-in makes the person, who is then in the groups that are mapped and no others"
          />
        </div>
      </Panel>
      <FormError message={errors.form} />
      <div>
        <Button type="submit" variant="primary" loading={saving} disabledReason={whyNot}>
          {provider === null ? 'Add the provider' : 'Save'}
        </Button>
      </div>
    </form>
  );
}
