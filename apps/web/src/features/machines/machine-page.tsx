'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ISSUER_PROFILES } from '@taskgate/core';
import { Check, Hourglass, TriangleAlert } from 'lucide-react';
import Link from 'next/link';
import { useState } from 'react';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { Button, LinkButton } from '@/components/button.tsx';
import { ConfirmDialog } from '@/components/confirm-dialog.tsx';
import { CopyField } from '@/components/copy-field.tsx';
import { EmptyState, NoPermission } from '@/components/empty-state.tsx';
import { FormError } from '@/components/field.tsx';
import { Facts, Page, PageHeader, Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { Time } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { machineLink, taskLink, workflowLink } from '@/lib/links.ts';
import { useCan, useMe } from '@/lib/me.tsx';
import { problemOf } from '@/lib/problem.ts';
import type { MachineView } from '@/lib/views.ts';
import { SecretsPanel } from './secrets-panel.tsx';
import { NotNamed } from './task-choice.tsx';
import { whyNotMayBe } from './why-not-may-be.ts';
import { workflowSnippet } from './workflow-snippets.ts';

export function MachinePage({ id }: { id: string }) {
  const can = useCan();
  const machine = useQuery({ ...query.machines.get.queryOptions({ input: { id } }), enabled: can('people:read') });
  return (
    <Page>
      {can('people:read') ? (
        <QueryState query={machine} what="the machine" page>
          {(found) => <Details machine={found} />}
        </QueryState>
      ) : (
        <NoPermission what="the machines here" heading="h1" />
      )}
    </Page>
  );
}

function Details({ machine }: { machine: MachineView }) {
  const mayWrite = useCan()('people:write');
  const whyNotBe = whyNotMayBe(useMe(), machine);
  return (
    <>
      <PageHeader
        title={machine.name}
        description={
          machine.actsFor === null
            ? 'A machine: it may do what its tasks allow, by itself.'
            : `An agent that acts for ${machine.actsFor.email}: it may never do more than they may.`
        }
        badges={
          <>
            <Badge>{machine.kind}</Badge>
            {machine.disabledAt && <StateBadge state="disabled" />}
          </>
        }
        crumbs={[{ label: 'Machines', href: `/machines?tab=${machine.kind}s` }]}
        actions={
          mayWrite && (
            <>
              {whyNotBe === null ? (
                <LinkButton href={`${machineLink(machine.id)}/edit`}>Change</LinkButton>
              ) : (
                <Button disabledReason={whyNotBe}>Change</Button>
              )}
              <DisableButton machine={machine} whyNotBe={whyNotBe} />
            </>
          )
        }
      />
      <Panel title="Tasks">
        {machine.tasks.length === 0 ? (
          <p className="text-muted">None: it can activate nothing.</p>
        ) : (
          <ul className="flex flex-col gap-1.5">
            {machine.tasks.map((task) => (
              <li key={task.name}>
                {task.exists ? (
                  <Link className="link" href={linkOf(task)}>
                    {task.name}
                  </Link>
                ) : (
                  <span>
                    {task.name} <span className="text-muted">is not published</span>
                  </span>
                )}
                {task.exists && !task.named && (
                  <NotNamed kind={machine.kind} name={machine.name} task={task.name} href={linkOf(task)} />
                )}
              </li>
            ))}
          </ul>
        )}
      </Panel>
      {machine.proof ? (
        <>
          <ProofPanel machine={machine} proof={machine.proof} />
          <SnippetPanel machine={machine} proof={machine.proof} />
        </>
      ) : (
        <Panel title="Proof" flush>
          <EmptyState title="No issuer vouches for it">
            {machine.kind === 'agent'
              ? 'Whom it acts for can hand it a grant of their own, made narrower. Otherwise bind it to claims of an issuer.'
              : 'Bind it to claims of an issuer: then nothing secret has to be kept where it runs.'}
          </EmptyState>
        </Panel>
      )}
      <SecretsPanel machine={machine} whyNotBe={whyNotBe} />
    </>
  );
}

const linkOf = ({ name, workflow }: MachineView['tasks'][number]): string =>
  workflow ? workflowLink(name) : taskLink(name);

type Proof = NonNullable<MachineView['proof']>;

function ProofPanel({ machine, proof }: { machine: MachineView; proof: Proof }) {
  const can = useCan();
  return (
    <Panel title="Proof">
      <div className="flex flex-col gap-3">
        <FirstToken lastUsedAt={proof.lastUsedAt} />
        <Facts
          items={[
            [
              'Issuer',
              <>
                {proof.issuer.name} <span className="text-muted">{ISSUER_PROFILES[proof.issuer.kind].title}</span>{' '}
                {proof.issuer.disabled && <StateBadge state="disabled" />}
              </>,
            ],
            ...(proof.audience === null ? [] : [['Audience', proof.audience] as const]),
            ...proof.claims.map(
              ({ claim, pattern }) =>
                [
                  claim,
                  <code key={claim} className="font-mono">
                    {pattern}
                  </code>,
                ] as const,
            ),
            ['Active grants', String(machine.activeGrants)],
          ]}
        />
        {proof.warnings.length > 0 && (
          <ul aria-label="Warnings" className="flex flex-col gap-1">
            {proof.warnings.map((warning) => (
              <li key={warning} className="flex items-start gap-2 text-hold">
                <TriangleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
                <span className="first-letter:uppercase">
                  <Ticked text={warning} />
                </span>
              </li>
            ))}
          </ul>
        )}
        {can('audit:read') && (
          <p className="text-sm">
            <Link className="link" href={`/audit?subject=${machine.id}`}>
              Tokens that were accepted
            </Link>
            {' · '}
            <Link className="link" href="/audit?action=machine.refuse">
              Tokens that were refused, and why
            </Link>
          </p>
        )}
      </div>
    </Panel>
  );
}

/** Changes by itself when the first token comes. */
function FirstToken({ lastUsedAt }: { lastUsedAt: string | null }) {
  return (
    <p role="status" className="flex items-center gap-2">
      {lastUsedAt === null ? (
        <>
          <Hourglass aria-hidden="true" className="size-4 text-hold" />
          Waiting for its first token
        </>
      ) : (
        <>
          <Check aria-hidden="true" className="size-4 text-allow" />
          <span>
            A token of it was accepted <Time at={lastUsedAt} />
          </span>
        </>
      )}
    </p>
  );
}

function SnippetPanel({ machine, proof }: { machine: MachineView; proof: Proof }) {
  const issuers = useQuery(query.issuers.list.queryOptions());
  const audience = proof.audience ?? issuers.data?.find((one) => one.name === proof.issuer.name)?.audience;
  // The token of a workflow opens nothing itself.
  const task = machine.tasks.find(({ workflow }) => !workflow) ?? machine.tasks[0];
  if (audience === undefined || task === undefined) return null;
  const { label, text } = workflowSnippet(proof.issuer.kind, {
    origin: window.location.origin,
    audience,
    task: task.name,
  });
  return (
    <Panel title="In the job">
      <CopyField label={label} value={text} />
    </Panel>
  );
}

function DisableButton({ machine, whyNotBe }: { machine: MachineView; whyNotBe: string | null }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const update = useMutation(
    query.machines.update.mutationOptions({
      onSuccess: () => {
        setAsking(false);
        void client.invalidateQueries({ queryKey: query.machines.key() });
      },
    }),
  );
  if (machine.disabledAt)
    return (
      <>
        <FormError message={update.error ? problemOf(update.error).detail : null} />
        <Button
          loading={update.isPending}
          disabledReason={whyNotBe}
          onClick={() => update.mutate({ id: machine.id, disabled: false })}
        >
          Enable again
        </Button>
      </>
    );
  return (
    <>
      <Button variant="danger" onClick={() => setAsking(true)}>
        Disable
      </Button>
      <ConfirmDialog
        open={asking}
        onClose={() => setAsking(false)}
        title={`Disable ${machine.name}?`}
        action={`Disable ${machine.name}`}
        loading={update.isPending}
        error={update.error ? problemOf(update.error).detail : null}
        onConfirm={() => update.mutate({ id: machine.id, disabled: true })}
      >
        Its tokens are refused, its static secrets are revoked and {plural(machine.activeGrants, 'active grant')} ends
        with its connections. So do those of the agents that act for it.
      </ConfirmDialog>
    </>
  );
}
