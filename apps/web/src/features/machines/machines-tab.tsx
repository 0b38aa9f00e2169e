'use client';
import { useQuery } from '@tanstack/react-query';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { LinkButton } from '@/components/button.tsx';
import { EmptyState } from '@/components/empty-state.tsx';
import { Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Table } from '@/components/table.tsx';
import { Time } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { machineLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import type { MachineView } from '@/lib/views.ts';

const TEXTS = {
  machine: {
    one: 'machine',
    empty: 'No machines yet',
    why: 'A CI job or a service shows a token of its provider and gets a short-lived grant: nothing secret is kept in the job.',
  },
  agent: {
    one: 'agent',
    empty: 'No agents yet',
    why: 'An agent acts for a person or a machine, does never more than they may, and is named with them in every record.',
  },
} as const;

export function MachinesTab({ kind }: { kind: MachineView['kind'] }) {
  const mayWrite = useCan()('people:write');
  const machines = useQuery(query.machines.list.queryOptions({ input: { kind } }));
  const text = TEXTS[kind];
  const create = mayWrite && (
    <LinkButton variant="primary" size="sm" href={`/machines/new?kind=${kind}`}>
      New {text.one}
    </LinkButton>
  );
  return (
    <Panel flush title={kind === 'machine' ? 'Machines' : 'Agents'} actions={create}>
      <QueryState query={machines} what={`the ${text.one}s`}>
        {(all) =>
          all.length === 0 ? (
            <EmptyState title={text.empty}>{text.why}</EmptyState>
          ) : (
            <Table
              caption={plural(all.length, text.one)}
              rows={all}
              rowKey={(machine) => machine.id}
              rowHref={(machine) => machineLink(machine.id)}
              columns={[
                { key: 'name', header: 'Name', cell: (machine) => machine.name },
                ...(kind === 'agent'
                  ? [{ key: 'for', header: 'Acts for', cell: (machine: MachineView) => machine.actsFor?.email }]
                  : []),
                {
                  key: 'proof',
                  header: 'Proves itself by',
                  hideBelow: 'sm',
                  cell: (machine) => <ProofOf machine={machine} />,
                },
                {
                  key: 'tasks',
                  header: 'Tasks',
                  cell: (machine) => <TasksOf machine={machine} />,
                },
                {
                  key: 'used',
                  header: 'Last seen',
                  hideBelow: 'md',
                  cell: (machine) => {
                    const at = lastSeen(machine);
                    return at === null ? 'never' : <Time at={at} />;
                  },
                },
                {
                  key: 'state',
                  header: 'State',
                  hideBelow: 'sm',
                  cell: (machine) =>
                    machine.disabledAt ? <StateBadge state="disabled" /> : <span className="text-muted">enabled</span>,
                },
              ]}
            />
          )
        }
      </QueryState>
    </Panel>
  );
}

function ProofOf({ machine }: { machine: MachineView }) {
  return (
    <span className="flex flex-wrap gap-1">
      {machine.proof && (
        <Badge tone={machine.proof.issuer.disabled ? 'deny' : 'plain'}>{machine.proof.issuer.name}</Badge>
      )}
      {machine.secrets.length > 0 && <Badge tone="hold">{plural(machine.secrets.length, 'static secret')}</Badge>}
      {!machine.proof && machine.secrets.length === 0 && <span className="text-muted">nothing</span>}
    </span>
  );
}

function TasksOf({ machine }: { machine: MachineView }) {
  const unnamed = machine.tasks.filter((task) => !task.named).length;
  if (machine.tasks.length === 0) return <span className="text-muted">none</span>;
  return (
    <span className="flex flex-wrap items-center gap-1">
      {machine.tasks.map((task) => task.name).join(', ')}
      {unnamed > 0 && <Badge tone="hold">{unnamed} not open to it</Badge>}
    </span>
  );
}

const lastSeen = (machine: MachineView): string | null =>
  [machine.proof?.lastUsedAt, ...machine.secrets.map((secret) => secret.lastUsedAt)]
    .filter((at) => at != null)
    .sort()
    .at(-1) ?? null;
