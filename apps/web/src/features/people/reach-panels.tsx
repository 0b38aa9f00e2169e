'use client';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { Facts, Panel } from '@/components/page.tsx';
import { Table } from '@/components/table.tsx';
import { Time } from '@/components/time.tsx';
import { plural } from '@/lib/format.ts';
import { grantLink, sessionLink, taskLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import type { ReachView } from '@/lib/views.ts';

const none = (list: readonly string[]): ReactNode =>
  list.length === 0 ? <span className="text-muted">none</span> : list.join(', ');

/** What a person, machine or agent can reach, and what of it is alive now. */
export function ReachPanels({ reach }: { reach: ReachView }) {
  const can = useCan();
  const alive = [
    ...reach.sessions.map((one) => ({
      key: one.id,
      what: 'connection',
      state: 'live',
      about: `${one.task} on ${one.resource}`,
      href: sessionLink(one.id),
      owner: one.owner,
      at: one.startedAt,
      atWord: 'since',
    })),
    ...reach.holds.map((one) => ({
      key: one.id,
      what: 'held statement',
      state: 'waiting',
      about: one.task,
      href: null,
      owner: one.owner,
      at: one.createdAt,
      atWord: 'since',
    })),
    ...reach.grants.map((one) => ({
      key: one.id,
      what: 'grant',
      state: one.state,
      about: one.task,
      href: grantLink(one.id),
      owner: one.owner,
      at: one.expiresAt,
      atWord: 'until',
    })),
    ...(reach.apiTokens ?? []).map((one) => ({
      key: one.id,
      what: 'API token',
      state: 'active',
      about: `${one.name}: ${one.scopes.join(', ')}`,
      href: null,
      owner: one.owner,
      at: one.expiresAt,
      atWord: 'until',
    })),
    ...(reach.scimTokens ?? []).map((one) => ({
      key: one.id,
      what: 'SCIM token',
      state: 'active',
      about: one.adopts ? `${one.name}: may take people over` : one.name,
      href: null,
      owner: reach.identity,
      at: one.expiresAt,
      atWord: 'until',
    })),
    ...(reach.webSessions ?? []).map((one) => ({
      key: one.id,
      what: 'web sign-in',
      state: 'active',
      about: one.userAgent || 'an unnamed browser',
      href: null,
      owner: reach.identity,
      at: one.lastSeenAt,
      atWord: 'seen',
    })),
  ];
  return (
    <>
      <Panel title="Alive now" flush>
        {reach.apiTokens === null && (
          <p className="border-line border-b px-4 py-2 text-muted text-sm">
            Tokens and sign-ins are shown to who may change people.
          </p>
        )}
        {alive.length === 0 ? (
          <p className="p-4 text-muted">Nothing: no connection, grant, token or sign-in.</p>
        ) : (
          <Table
            caption={`${plural(alive.length, 'thing')} alive now`}
            rows={alive}
            rowKey={(row) => row.key}
            columns={[
              { key: 'what', header: 'What', cell: (row) => <span className="whitespace-nowrap">{row.what}</span> },
              {
                key: 'about',
                header: 'Of',
                cell: (row) =>
                  row.href !== null && (row.what !== 'connection' || can('session:read') || can('grant:revoke')) ? (
                    <Link className="link" href={row.href}>
                      {row.about}
                    </Link>
                  ) : (
                    <span className="wrap-anywhere line-clamp-2">{row.about}</span>
                  ),
              },
              {
                key: 'owner',
                header: 'Whose',
                hideBelow: 'md',
                cell: (row) => (
                  <span className="whitespace-nowrap">
                    {row.owner.id === reach.identity.id ? 'their own' : `agent ${row.owner.name}`}
                  </span>
                ),
              },
              { key: 'state', header: 'State', hideBelow: 'sm', cell: (row) => <StateBadge state={row.state} /> },
              {
                key: 'at',
                header: 'Time',
                cell: (row) =>
                  row.at === null ? (
                    '—'
                  ) : (
                    <span className="whitespace-nowrap">
                      <span className="text-muted">{row.atWord} </span>
                      <Time at={row.at} />
                    </span>
                  ),
              },
            ]}
          />
        )}
      </Panel>
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Panel title="Tasks they may activate">
          {reach.tasks.length === 0 ? (
            <p className="text-muted">None.</p>
          ) : (
            <ul className="flex flex-col gap-1">
              {reach.tasks.map((task) => (
                <li key={task.name} className="min-h-6">
                  <Link className="link" href={taskLink(task.name)}>
                    {task.name}
                  </Link>{' '}
                  <span className="text-muted text-sm">
                    on {task.resource}, by {task.by.join(', ') || 'name'}
                  </span>
                </li>
              ))}
            </ul>
          )}
        </Panel>
        <Panel title="Rights">
          <Facts
            items={[
              ['Groups', none(reach.groups)],
              [
                'Roles',
                reach.roles.length === 0 ? (
                  none([])
                ) : (
                  <span key="roles" className="flex flex-wrap gap-1">
                    {reach.roles.map((role) => (
                      <Badge key={role}>{role}</Badge>
                    ))}
                  </span>
                ),
              ],
              ['Scopes', none(reach.scopes)],
              ['Resources', none(reach.resources)],
              [
                'Agents',
                reach.agents.length === 0 ? (
                  none([])
                ) : (
                  <span key="agents" className="flex flex-wrap gap-x-2">
                    {reach.agents.map((agent) => (
                      <Link key={agent.id} className="link" href={`/people/${agent.id}`}>
                        {agent.name}
                      </Link>
                    ))}
                  </span>
                ),
              ],
            ]}
          />
        </Panel>
      </div>
      {reach.asked.length > 0 && (
        <Panel title="Waiting for their answer">
          <ul className="flex flex-col gap-1">
            {reach.asked.map((one) => (
              <li key={one.id} className="min-h-6">
                {one.kind === 'grant' ? 'Request' : 'Held statement'} of {one.requestedBy.name} for {one.task}{' '}
                {one.others === 0 ? (
                  <Badge tone="hold">nobody else can answer</Badge>
                ) : (
                  <span className="text-muted text-sm">{plural(one.others, 'other')} can answer too</span>
                )}
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </>
  );
}
