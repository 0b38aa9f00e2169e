'use client';
import { useQuery } from '@tanstack/react-query';
import { Checkbox } from '@/components/input.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { query } from '@/lib/api.ts';

/** The groups a person is in; each says which roles it gives. */
export function GroupChoice({ value, onChange }: { value: readonly string[]; onChange: (groups: string[]) => void }) {
  const groups = useQuery(query.people.groups.queryOptions());
  return (
    <fieldset>
      <legend className="mb-1 font-medium text-sm">Groups</legend>
      <QueryState query={groups} what="the groups">
        {(all) => (
          <div className="flex flex-col gap-0.5">
            {all.map((group) => (
              <Checkbox
                key={group.id}
                label={`${group.name}${group.roles.length > 0 ? ` (${group.roles.join(', ')})` : ''}`}
                checked={value.includes(group.name)}
                onChange={(event) =>
                  onChange(event.target.checked ? [...value, group.name] : value.filter((name) => name !== group.name))
                }
              />
            ))}
          </div>
        )}
      </QueryState>
    </fieldset>
  );
}
