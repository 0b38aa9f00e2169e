'use client';
import { useQuery } from '@tanstack/react-query';
import { whyEscalates } from '@taskgate/core';
import { Checkbox } from '@/components/input.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { query } from '@/lib/api.ts';
import { useMe } from '@/lib/me.tsx';
import type { GroupView } from '@/lib/views.ts';

/** The groups a person is in; each says which roles it gives. */
export function GroupChoice({
  value,
  given = {},
  locked = false,
  onChange,
}: {
  value: readonly string[];
  /** Groups that a provider or the directory gives, and which: they are taken away there. */
  given?: Readonly<Record<string, readonly string[]>>;
  /** Nothing of it may be changed, for a reason that is said elsewhere. */
  locked?: boolean;
  onChange: (groups: string[]) => void;
}) {
  const me = useMe();
  const groups = useQuery(query.people.groups.queryOptions());
  return (
    <fieldset>
      <legend className="mb-1 font-medium text-sm">Groups</legend>
      <QueryState query={groups} what="the groups">
        {(all) => (
          <div className="flex flex-col gap-0.5">
            {all.map((group) => {
              const beyond = !locked && whyEscalates(me, [group]) !== null;
              return (
                <Checkbox
                  key={group.id}
                  label={`${labelOf(group, given[group.name])}${beyond ? ', not yours to give' : ''}`}
                  disabled={locked || beyond || given[group.name] !== undefined}
                  checked={value.includes(group.name)}
                  onChange={(event) =>
                    onChange(
                      event.target.checked ? [...value, group.name] : value.filter((name) => name !== group.name),
                    )
                  }
                />
              );
            })}
          </div>
        )}
      </QueryState>
    </fieldset>
  );
}

function labelOf(group: GroupView, sources: readonly string[] | undefined): string {
  const roles = group.roles.length > 0 ? ` (${group.roles.join(', ')})` : '';
  const from = sources?.map((source) => (source === 'scim' ? 'the directory' : source)).join(', ');
  return `${group.name}${roles}${from === undefined ? '' : `, given by ${from}`}`;
}
