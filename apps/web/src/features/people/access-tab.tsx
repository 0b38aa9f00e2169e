// biome-ignore-all lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
'use client';
import { useQuery } from '@tanstack/react-query';
import type { Scope } from '@taskgate/core';
import { Check, Minus, Plus } from 'lucide-react';
import Link from 'next/link';
import { parseAsString, useQueryState } from 'nuqs';
import { Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import type { AccessView } from '@/lib/views.ts';

/** Who may do what on the control plane: scope by role and by group, and who has each. */
export function AccessTab() {
  const access = useQuery(query.people.access.queryOptions());
  return (
    <QueryState query={access} what="who may do what">
      {(data) => <Loaded access={data} />}
    </QueryState>
  );
}

function Loaded({ access }: { access: AccessView }) {
  const [chosen, setChosen] = useQueryState('scope', parseAsString);
  const scope = access.scopes.find((one) => one.name === chosen)?.name ?? access.scopes[0]!.name;
  return (
    <div className="flex flex-col gap-4">
      <Panel flush>
        <section className="overflow-x-auto" tabIndex={0} aria-label="Scopes by role and group">
          <table className="w-full border-collapse text-left">
            <caption className="sr-only">Which role and which group gives which scope</caption>
            <thead>
              <tr className="text-muted text-xs">
                <th scope="col" rowSpan={2} className="border-line border-b px-4 py-1.5 align-bottom font-medium">
                  Scope
                </th>
                <th
                  scope="colgroup"
                  colSpan={access.roles.length}
                  className="border-line border-l px-3 pt-1.5 font-medium"
                >
                  Roles
                </th>
                <th
                  scope="colgroup"
                  colSpan={access.groups.length + 1}
                  className="border-line border-l px-3 pt-1.5 font-medium"
                >
                  Groups
                </th>
              </tr>
              <tr className="text-muted text-xs">
                {access.roles.map((role, index) => (
                  <th
                    key={role.name}
                    scope="col"
                    className={`border-line border-b px-3 py-1.5 font-medium ${index === 0 ? 'border-l' : ''}`}
                  >
                    {role.name}
                  </th>
                ))}
                {access.groups.map((group, index) => (
                  <th
                    key={group.name}
                    scope="col"
                    className={`border-line border-b px-3 py-1.5 font-medium ${index === 0 ? 'border-l' : ''}`}
                  >
                    {group.name}
                  </th>
                ))}
                <th scope="col" className="border-line border-b border-l px-3 py-1.5 text-right font-medium">
                  People
                </th>
              </tr>
            </thead>
            <tbody>
              {access.scopes.map(({ name, words }) => (
                <tr
                  key={name}
                  aria-current={name === scope ? 'true' : undefined}
                  className={`border-line border-b last:border-b-0 ${name === scope ? 'bg-selected' : 'hover:bg-hover'}`}
                >
                  <th scope="row" className="min-w-64 px-4 py-1 text-left font-normal">
                    <button
                      type="button"
                      className="min-h-6 text-left font-medium hover:underline"
                      aria-pressed={name === scope}
                      onClick={() => void setChosen(name)}
                    >
                      {name}
                    </button>
                    <span className="block text-muted text-sm">{words}</span>
                  </th>
                  {access.roles.map((role, index) => (
                    <td key={role.name} className={`px-3 ${index === 0 ? 'border-line border-l' : ''}`}>
                      <Mark given={role.scopes.includes(name)} />
                    </td>
                  ))}
                  {access.groups.map((group, index) => (
                    <td key={group.name} className={`px-3 ${index === 0 ? 'border-line border-l' : ''}`}>
                      <Mark
                        given={group.scopes.includes(name)}
                        added={group.added.includes(name)}
                        withheld={group.withheld.includes(name) && !group.scopes.includes(name)}
                      />
                    </td>
                  ))}
                  <td className="border-line border-l px-3 text-right tabular-nums">
                    {access.people.filter((one) => one.scopes.includes(name)).length}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
        <p className="flex flex-wrap gap-x-4 border-line border-t px-4 py-2 text-muted text-sm">
          <span className="inline-flex items-center gap-1">
            <Check aria-hidden="true" className="size-3.5" /> given by its roles
          </span>
          <span className="inline-flex items-center gap-1">
            <Plus aria-hidden="true" className="size-3.5" /> given beyond its roles
          </span>
          <span className="inline-flex items-center gap-1">
            <Minus aria-hidden="true" className="size-3.5" /> of its roles, withheld
          </span>
        </p>
      </Panel>
      <Holders access={access} scope={scope} />
    </div>
  );
}

/** Never by its sign alone. */
function Mark({ given, added = false, withheld = false }: { given: boolean; added?: boolean; withheld?: boolean }) {
  if (withheld)
    return (
      <>
        <Minus aria-hidden="true" className="size-4 text-hold" />
        <span className="sr-only">withheld</span>
      </>
    );
  if (!given) return <span className="sr-only">no</span>;
  const Icon = added ? Plus : Check;
  return (
    <>
      <Icon aria-hidden="true" className={added ? 'size-4 text-info' : 'size-4 text-allow'} />
      <span className="sr-only">{added ? 'given beyond its roles' : 'given'}</span>
    </>
  );
}

function Holders({ access, scope }: { access: AccessView; scope: Scope }) {
  const holders = access.people.filter((one) => one.scopes.includes(scope));
  const givers = access.groups.filter((group) => group.scopes.includes(scope)).map((group) => group.name);
  return (
    <Panel title={`Who has ${scope}`}>
      {holders.length === 0 ? (
        <p className="text-muted">Nobody.</p>
      ) : (
        <ul aria-label={plural(holders.length, 'person', 'people')} className="flex flex-col gap-1">
          {holders.map(({ person, groups }) => (
            <li key={person.id} className="min-h-6">
              <Link className="link" href={`/people/${person.id}`}>
                {person.name}
              </Link>{' '}
              <span className="text-muted text-sm">by {groups.filter((name) => givers.includes(name)).join(', ')}</span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
