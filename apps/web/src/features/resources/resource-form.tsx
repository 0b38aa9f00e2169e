'use client';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input, Select, Textarea } from '@/components/input.tsx';
import { Panel } from '@/components/page.tsx';
import { query } from '@/lib/api.ts';
import { formatDuration } from '@/lib/format.ts';
import { fieldErrors, problemOf } from '@/lib/problem.ts';
import type { ResourceView } from '@/lib/views.ts';
import { labelsText, parseLabels } from './labels-text.ts';
import { TestSteps } from './test-steps.tsx';

export interface ResourceValues {
  name: string;
  host: string;
  port: number;
  database: string;
  tlsMode: ResourceView['tlsMode'];
  tlsCa: string | null;
  labels: Record<string, string>;
  username: string;
  principals: ResourceView['principals'];
  rotateMs: number | null;
  secret?: string;
}

const FIELDS = [
  'name',
  'host',
  'port',
  'database',
  'tlsMode',
  'tlsCa',
  'labels',
  'username',
  'principals',
  'rotateMs',
  'secret',
] as const;
const TLS_WORDS = {
  disable: 'disable: no TLS',
  require: 'require: encrypted, not checked who answers',
  'verify-ca': 'verify-ca: the certificate is signed by the CA',
  'verify-full': 'verify-full: the certificate is signed by the CA and names the host',
} as const;

const PRINCIPALS_WORDS = {
  'when-possible': 'when possible: a role for each grant, where the user may make roles',
  'per-grant': 'per grant: always, or nobody gets in',
  none: 'none: every task uses this user',
} as const;

const DAY_MS = 86_400_000;
/** With what is set, which a manifest may have set to anything. */
const rotationChoices = (now: number | null): number[] =>
  [...new Set([1, 7, 30, 90].map((days) => days * DAY_MS).concat(now ?? []))].sort((a, b) => a - b);

export function ResourceForm({
  resource,
  saving,
  error,
  onSave,
}: {
  resource: ResourceView | null;
  saving: boolean;
  error: unknown;
  onSave: (values: ResourceValues) => void;
}) {
  const form = useRef<HTMLFormElement>(null);
  const [tlsMode, setTlsMode] = useState<ResourceView['tlsMode']>(resource?.tlsMode ?? 'verify-full');
  const [labelError, setLabelError] = useState<string | null>(null);
  const test = useMutation(query.resources.test.mutationOptions());
  const errors = fieldErrors(error, FIELDS);
  const rotateMs = resource?.rotation.everyMs ?? null;

  const readValues = (): ResourceValues | null => {
    if (!form.current?.reportValidity()) return null;
    const data = new FormData(form.current);
    const text = (name: string): string => String(data.get(name) ?? '').trim();
    const { labels, error: wrongLabel } = parseLabels(String(data.get('labels') ?? ''));
    setLabelError(wrongLabel);
    if (wrongLabel !== null) return null;
    const secret = String(data.get('secret') ?? '');
    return {
      name: resource?.name ?? text('name'),
      host: text('host'),
      port: Number(text('port')),
      database: text('database'),
      tlsMode,
      tlsCa: text('tlsCa') || null,
      labels,
      username: text('username'),
      principals: text('principals') as ResourceView['principals'],
      rotateMs: text('rotateMs') === '' ? null : Number(text('rotateMs')),
      ...(secret === '' ? {} : { secret }),
    };
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const values = readValues();
    if (values) onSave(values);
  };

  return (
    <form ref={form} onSubmit={submit} className="flex flex-col gap-4">
      <Panel title="Where it is">
        <div className="grid gap-4 sm:grid-cols-6">
          {resource === null && (
            <div className="sm:col-span-6">
              <Field
                label="Name"
                error={errors.byField.name}
                hint="Lower-case letters, digits and dashes. It cannot be changed."
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
            </div>
          )}
          <div className="sm:col-span-4">
            <Field label="Host" error={errors.byField.host}>
              {(props) => <Input {...props} name="host" required maxLength={253} defaultValue={resource?.host} />}
            </Field>
          </div>
          <div className="sm:col-span-2">
            <Field label="Port" error={errors.byField.port}>
              {(props) => (
                <Input
                  {...props}
                  name="port"
                  type="number"
                  min={1}
                  max={65_535}
                  required
                  defaultValue={resource?.port ?? 5432}
                />
              )}
            </Field>
          </div>
          <div className="sm:col-span-3">
            <Field label="Database" error={errors.byField.database}>
              {(props) => (
                <Input {...props} name="database" required maxLength={63} defaultValue={resource?.database} />
              )}
            </Field>
          </div>
          <div className="sm:col-span-3">
            <Field label="TLS" error={errors.byField.tlsMode}>
              {(props) => (
                <Select
                  {...props}
                  value={tlsMode}
                  onChange={(event) => setTlsMode(event.target.value as ResourceView['tlsMode'])}
                >
                  {Object.entries(TLS_WORDS).map(([mode, words]) => (
                    <option key={mode} value={mode}>
                      {words}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
          </div>
          {(tlsMode === 'verify-ca' || tlsMode === 'verify-full') && (
            <div className="sm:col-span-6">
              <Field
                label="CA certificate"
                optional
                error={errors.byField.tlsCa}
                hint="PEM. Without one, the CAs of the system count."
              >
                {(props) => (
                  <Textarea
                    {...props}
                    name="tlsCa"
                    rows={4}
                    defaultValue={resource?.tlsCa ?? ''}
                    className="font-mono text-sm"
                  />
                )}
              </Field>
            </div>
          )}
        </div>
      </Panel>
      <Panel title="Credential">
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="User" error={errors.byField.username}>
            {(props) => (
              <Input
                {...props}
                name="username"
                required
                maxLength={63}
                autoComplete="off"
                defaultValue={resource?.username}
              />
            )}
          </Field>
          <Field
            label="Password"
            optional={resource !== null}
            error={errors.byField.secret}
            hint={
              resource === null ? 'Sealed in the vault, and never shown again.' : 'Left empty, the sealed one stays.'
            }
          >
            {(props) => (
              <Input
                {...props}
                name="secret"
                type="password"
                required={resource === null}
                maxLength={4096}
                autoComplete="new-password"
              />
            )}
          </Field>
          <div className="sm:col-span-2">
            <Field
              label="Rotate the password"
              error={errors.byField.rotateMs}
              hint="The gate sets a new one at the target, which nobody knows. Open sessions go on."
            >
              {(props) => (
                <Select {...props} name="rotateMs" defaultValue={rotateMs === null ? '' : String(rotateMs)}>
                  <option value="">only when asked</option>
                  {rotationChoices(rotateMs).map((ms) => (
                    <option key={ms} value={ms}>
                      every {formatDuration(ms)}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
          </div>
          <div className="sm:col-span-2">
            <Field
              label="Roles for grants"
              error={errors.byField.principals}
              hint="A role has the rights of its task and no others, and ends with its grant. The user needs CREATEROLE."
            >
              {(props) => (
                <Select {...props} name="principals" defaultValue={resource?.principals ?? 'when-possible'}>
                  {Object.entries(PRINCIPALS_WORDS).map(([mode, words]) => (
                    <option key={mode} value={mode}>
                      {words}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
          </div>
        </div>
      </Panel>
      <Panel title="Labels">
        <Field
          label="Labels"
          optional
          error={labelError ?? errors.byField.labels}
          hint="One on each line, such as env: production. Policies find resources by them."
        >
          {(props) => (
            <Textarea
              {...props}
              name="labels"
              rows={3}
              defaultValue={labelsText(resource?.labels ?? {})}
              className="font-mono text-sm"
            />
          )}
        </Field>
      </Panel>
      {(test.data || test.error) && (
        <Panel title="Test">
          {test.data && <TestSteps result={test.data} />}
          <FormError message={test.error ? problemOf(test.error).detail : null} />
        </Panel>
      )}
      <FormError message={errors.form} />
      <div className="flex flex-wrap gap-2">
        <Button
          loading={test.isPending}
          onClick={() => {
            const values = readValues();
            if (values) test.mutate(values);
          }}
        >
          Test these values
        </Button>
        <Button type="submit" variant="primary" loading={saving}>
          Save
        </Button>
      </div>
    </form>
  );
}
