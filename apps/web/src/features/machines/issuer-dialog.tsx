'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ISSUER_KINDS, ISSUER_PROFILES, type IssuerKind, KEY_SOURCES, type KeySource } from '@taskgate/core';
import { type FormEvent, useId, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { Sheet } from '@/components/dialog.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Checkbox, Input, Select, Textarea } from '@/components/input.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { toast } from '@/components/toast.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { fieldErrors, problemOf } from '@/lib/problem.ts';
import type { IssuerView } from '@/lib/views.ts';

const KEY_WORDS: Readonly<Record<KeySource, string>> = {
  discovery: 'discovery: the address says where they are',
  url: 'an address of a key set',
  keys: 'pasted here: they do not rotate by themselves',
};
const FIELDS = ['name', 'url', 'audience', 'keySource', 'jwksUrl', 'jwks', 'skewMs', 'maxLifetimeMs'] as const;

function parseKeys(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

export function IssuerDialog({
  issuer,
  onClose,
  onSaved,
}: {
  issuer: IssuerView | null;
  onClose: () => void;
  onSaved?: (issuer: IssuerView) => void;
}) {
  const client = useQueryClient();
  const id = useId();
  const [kind, setKind] = useState<IssuerKind>(issuer?.kind ?? 'github');
  const [keySource, setKeySource] = useState<KeySource>(issuer?.keySource ?? ISSUER_PROFILES[kind].keySource);
  const [keysError, setKeysError] = useState<string | null>(null);
  const profile = ISSUER_PROFILES[kind];
  const saved = async (next: IssuerView) => {
    await client.invalidateQueries({ queryKey: query.issuers.key() });
    await client.invalidateQueries({ queryKey: query.machines.key() });
    toast(`${next.name} is saved`, { tone: 'allow' });
    onSaved?.(next);
    onClose();
  };
  const create = useMutation(query.issuers.create.mutationOptions({ onSuccess: saved }));
  const update = useMutation(query.issuers.update.mutationOptions({ onSuccess: saved }));
  const check = useMutation(query.issuers.checkKeys.mutationOptions());
  const errors = fieldErrors(create.error ?? update.error, FIELDS);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const text = (name: string): string => String(data.get(name) ?? '').trim();
    const jwks = keySource === 'keys' ? parseKeys(text('jwks')) : null;
    setKeysError(keySource === 'keys' && jwks === null ? 'this is not a JSON Web Key Set' : null);
    if (keySource === 'keys' && jwks === null) return;
    const fields = {
      audience: text('audience'),
      keySource,
      jwksUrl: keySource === 'url' ? text('jwksUrl') : null,
      jwks,
      skewMs: Number(text('skew')) * 1000,
      maxLifetimeMs: Number(text('lifetime')) * 60_000,
      singleUse: data.has('singleUse'),
      privateNetwork: data.has('privateNetwork'),
    };
    if (issuer === null) create.mutate({ name: text('name'), kind, url: text('url'), ...fields });
    else update.mutate({ name: issuer.name, ...fields });
  };
  return (
    <Sheet open onClose={onClose} title={issuer?.name ?? 'New issuer'} description={issuer?.url}>
      <form id={id} onSubmit={submit} className="flex flex-col gap-4">
        {issuer === null && (
          <>
            <Field label="Provider">
              {(props) => (
                <Select
                  {...props}
                  value={kind}
                  onChange={(event) => {
                    const next = event.target.value as IssuerKind;
                    setKind(next);
                    setKeySource(ISSUER_PROFILES[next].keySource);
                  }}
                >
                  {ISSUER_KINDS.map((one) => (
                    <option key={one} value={one}>
                      {ISSUER_PROFILES[one].title}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
            <Field label="Name" error={errors.byField.name}>
              {(props) => (
                <Input
                  {...props}
                  key={kind}
                  name="name"
                  required
                  maxLength={63}
                  pattern="[a-z][a-z0-9\-]{0,62}"
                  title="A lower-case letter first, then lower-case letters, digits and dashes"
                  defaultValue={kind === 'oidc' ? '' : kind}
                  autoComplete="off"
                />
              )}
            </Field>
            <Field
              label={kind === 'spiffe' ? 'Trust domain' : 'Address'}
              error={errors.byField.url}
              hint={
                kind === 'spiffe'
                  ? 'Such as spiffe://example.org.'
                  : 'What iss of its tokens says, letter by letter. It cannot be changed.'
              }
            >
              {(props) => (
                <Input
                  {...props}
                  key={kind}
                  name="url"
                  required
                  maxLength={500}
                  defaultValue={profile.url ?? ''}
                  placeholder={kind === 'spiffe' ? 'spiffe://example.org' : 'https://'}
                  autoComplete="off"
                />
              )}
            </Field>
          </>
        )}
        <Field
          label="Audience"
          error={errors.byField.audience}
          hint="What its tokens must be for: a token for somebody else opens nothing here."
        >
          {(props) => (
            <Input
              {...props}
              name="audience"
              required
              maxLength={300}
              defaultValue={issuer?.audience ?? window.location.origin}
              autoComplete="off"
            />
          )}
        </Field>
        <Field label="Keys" error={errors.byField.keySource}>
          {(props) => (
            <Select {...props} value={keySource} onChange={(event) => setKeySource(event.target.value as KeySource)}>
              {KEY_SOURCES.filter((source) => kind !== 'spiffe' || source !== 'discovery').map((source) => (
                <option key={source} value={source}>
                  {KEY_WORDS[source]}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {keySource === 'url' && (
          <Field label="Address of the keys" error={errors.byField.jwksUrl}>
            {(props) => (
              <Input {...props} name="jwksUrl" required maxLength={500} defaultValue={issuer?.jwksUrl ?? ''} />
            )}
          </Field>
        )}
        {keySource === 'keys' && (
          <Field
            label="Key set"
            error={keysError ?? errors.byField.jwks}
            hint={
              kind === 'kubernetes' ? (
                <Ticked text="What `kubectl get --raw /openid/v1/jwks` prints." />
              ) : (
                'Public keys, as JSON.'
              )
            }
          >
            {(props) => (
              <Textarea
                {...props}
                name="jwks"
                required
                rows={5}
                className="font-mono"
                spellCheck={false}
                defaultValue={issuer?.jwks ? JSON.stringify(issuer.jwks, null, 2) : ''}
              />
            )}
          </Field>
        )}
        <div className="grid grid-cols-2 gap-4">
          <Field label="Clocks may differ by (s)" error={errors.byField.skewMs}>
            {(props) => (
              <Input
                {...props}
                name="skew"
                type="number"
                min={0}
                max={300}
                required
                defaultValue={(issuer?.skewMs ?? 60_000) / 1000}
              />
            )}
          </Field>
          <Field label="Tokens live at most (min)" error={errors.byField.maxLifetimeMs}>
            {(props) => (
              <Input
                {...props}
                name="lifetime"
                type="number"
                min={1}
                max={1440}
                required
                defaultValue={(issuer?.maxLifetimeMs ?? 3_600_000) / 60_000}
              />
            )}
          </Field>
        </div>
        <div className="flex flex-col gap-1">
          <Checkbox name="singleUse" label="Each token counts once" defaultChecked={issuer?.singleUse ?? false} />
          <Checkbox
            name="privateNetwork"
            label="Its keys may be fetched from a private address"
            defaultChecked={issuer?.privateNetwork ?? false}
          />
        </div>
        <FormError message={errors.form} />
        <div className="flex flex-wrap gap-2">
          <Button type="submit" variant="primary" loading={create.isPending || update.isPending}>
            Save
          </Button>
          {issuer && (
            <>
              <Button loading={check.isPending} onClick={() => check.mutate({ name: issuer.name })}>
                Fetch its keys now
              </Button>
              <Button
                variant={issuer.disabledAt ? 'secondary' : 'danger'}
                onClick={() => update.mutate({ name: issuer.name, disabled: issuer.disabledAt === null })}
              >
                {issuer.disabledAt ? 'Enable again' : 'Disable'}
              </Button>
            </>
          )}
        </div>
        {issuer && issuer.disabledAt === null && issuer.bound > 0 && (
          <p className="text-muted text-sm">
            Disabling it ends the grants of the {plural(issuer.bound, 'machine or agent', 'machines and agents')} bound
            to it.
          </p>
        )}
        <div role="status">
          {check.data && (
            <p className="text-allow">
              {plural(check.data.keys.length, 'key')} {check.data.from === null ? 'pasted' : 'fetched'}:{' '}
              {check.data.keys.map((key) => key.kid ?? key.type).join(', ')}
            </p>
          )}
        </div>
        <FormError message={check.error ? problemOf(check.error).detail : null} />
      </form>
    </Sheet>
  );
}
