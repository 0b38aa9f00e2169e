'use client';
import { useQuery } from '@tanstack/react-query';
import { ISSUER_PROFILES, reviewClaims } from '@taskgate/core';
import { type FormEvent, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input, Select } from '@/components/input.tsx';
import { Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { query } from '@/lib/api.ts';
import { fieldErrors } from '@/lib/problem.ts';
import type { IssuerView, MachineView } from '@/lib/views.ts';
import { ClaimEditor, type ClaimRow, filledRows, newRow } from './claim-editor.tsx';
import { IssuerDialog } from './issuer-dialog.tsx';
import { TaskChoice } from './task-choice.tsx';

export interface MachineValues {
  readonly name: string;
  readonly actsFor: string | null;
  readonly tasks: string[];
  readonly proof: { issuer: string; audience: string | null; claims: { claim: string; pattern: string }[] } | null;
}

/** The claims that a set of patterns for this provider begins with. */
const firstRows = (issuer: IssuerView | undefined): readonly ClaimRow[] =>
  issuer === undefined
    ? []
    : ISSUER_PROFILES[issuer.kind].claims
        .filter(({ claim }) => FIRST_CLAIMS[issuer.kind].includes(claim))
        .map(({ claim }) => newRow(claim));
const FIRST_CLAIMS: Readonly<Record<IssuerView['kind'], readonly string[]>> = {
  github: ['repository', 'repository_owner_id', 'ref', 'event_name'],
  gitlab: ['project_path', 'ref_protected'],
  kubernetes: ['sub'],
  spiffe: ['sub'],
  oidc: ['sub'],
};

export function MachineForm(props: {
  kind: MachineView['kind'];
  machine: MachineView | null;
  saving: boolean;
  error: unknown;
  onSave: (values: MachineValues) => void;
}) {
  const issuers = useQuery(query.issuers.list.queryOptions());
  return (
    <QueryState query={issuers} what="the issuers">
      {(all) => <Form {...props} issuers={all} />}
    </QueryState>
  );
}

function Form({
  kind,
  machine,
  issuers,
  saving,
  error,
  onSave,
}: Parameters<typeof MachineForm>[0] & { issuers: readonly IssuerView[] }) {
  const [name, setName] = useState(machine?.name ?? '');
  const [actsFor, setActsFor] = useState('');
  const [issuerName, setIssuerName] = useState(machine?.proof?.issuer.name ?? '');
  const [audience, setAudience] = useState(machine?.proof?.audience ?? '');
  const [rows, setRows] = useState<readonly ClaimRow[]>(
    machine?.proof?.claims.map(({ claim, pattern }) => newRow(claim, pattern)) ?? [],
  );
  const [tasks, setTasks] = useState<string[]>(machine?.tasks.map((task) => task.name) ?? []);
  const [adding, setAdding] = useState(false);
  const issuer = issuers.find((one) => one.name === issuerName);
  const errors = fieldErrors(error, ['name', 'actsFor', 'proof', 'tasks'] as const);
  const claims = filledRows(rows);
  const refused = issuer === undefined ? null : reviewClaims(issuer.kind, issuer.url, claims).problems[0];

  const choose = (next: string) => {
    setIssuerName(next);
    const chosen = issuers.find((one) => one.name === next);
    if (filledRows(rows).every(({ pattern }) => pattern === '')) setRows(firstRows(chosen));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const proof = issuer === undefined ? null : { issuer: issuer.name, audience: audience.trim() || null, claims };
    onSave({ name: name.trim(), actsFor: kind === 'agent' ? actsFor.trim() : null, tasks, proof });
  };
  // The dialog has a form of its own, and forms are not nested: the browser would submit the outer one.
  return (
    <>
      <form onSubmit={submit} className="flex flex-col gap-4">
        {machine === null && (
          <Panel title="Who it is">
            <div className="grid gap-4 sm:grid-cols-2">
              <Field
                label="Name"
                error={errors.byField.name}
                hint={`What tasks call it in who.${kind}s. It cannot be changed.`}
              >
                {(props) => (
                  <Input
                    {...props}
                    required
                    maxLength={63}
                    pattern="[a-z][a-z0-9\-]{0,62}"
                    title="A lower-case letter first, then lower-case letters, digits and dashes"
                    autoComplete="off"
                    value={name}
                    onChange={(event) => setName(event.target.value)}
                  />
                )}
              </Field>
              {kind === 'agent' && (
                <Field
                  label="Acts for"
                  error={errors.byField.actsFor}
                  hint="E-mail of a person, or name of a machine. It may never do more than they may."
                >
                  {(props) => (
                    <Input
                      {...props}
                      required
                      maxLength={254}
                      autoComplete="off"
                      value={actsFor}
                      onChange={(event) => setActsFor(event.target.value)}
                    />
                  )}
                </Field>
              )}
            </div>
          </Panel>
        )}
        <Panel
          title="How it proves that"
          actions={
            <Button size="sm" onClick={() => setAdding(true)}>
              New issuer
            </Button>
          }
        >
          <div className="flex flex-col gap-4">
            <div className="grid gap-4 sm:grid-cols-2">
              <Field label="Issuer" hint="Who signs the tokens that it shows.">
                {(props) => (
                  <Select {...props} value={issuerName} onChange={(event) => choose(event.target.value)}>
                    <option value="">
                      {kind === 'agent' ? 'none: it is given grants, or has a static secret' : 'none: a static secret'}
                    </option>
                    {issuers.map((one) => (
                      <option key={one.id} value={one.name}>
                        {one.name} ({ISSUER_PROFILES[one.kind].title})
                      </option>
                    ))}
                  </Select>
                )}
              </Field>
              {issuer && (
                <Field label="Audience" optional hint={`What the token must be for; else ${issuer.audience}.`}>
                  {(props) => (
                    <Input
                      {...props}
                      maxLength={300}
                      autoComplete="off"
                      value={audience}
                      placeholder={issuer.audience}
                      onChange={(event) => setAudience(event.target.value)}
                    />
                  )}
                </Field>
              )}
            </div>
            {issuer ? (
              <ClaimEditor issuer={issuer} audience={audience.trim() || null} rows={rows} onChange={setRows} />
            ) : (
              <p className="text-muted">
                {issuers.length === 0 ? 'There is no issuer yet. ' : ''}A static secret can leak and has to be kept and
                rotated: choose an issuer where there is one.
              </p>
            )}
            <FormError message={errors.byField.proof} />
          </div>
        </Panel>
        <Panel title="Tasks that it may activate">
          <TaskChoice kind={kind} name={name.trim()} value={tasks} onChange={setTasks} />
        </Panel>
        <FormError message={errors.byField.tasks ?? errors.form} />
        <div>
          <Button type="submit" variant="primary" loading={saving} disabledReason={refused}>
            {machine === null ? `Create the ${kind}` : 'Save'}
          </Button>
        </div>
      </form>
      {adding && (
        <IssuerDialog
          issuer={null}
          onClose={() => setAdding(false)}
          onSaved={(saved) => {
            setIssuerName(saved.name);
            setRows(firstRows(saved));
          }}
        />
      )}
    </>
  );
}
