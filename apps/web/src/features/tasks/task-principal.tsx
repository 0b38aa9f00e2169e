'use client';
import { useQuery } from '@tanstack/react-query';
import { Badge } from '@/components/badge.tsx';
import { Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { query } from '@/lib/api.ts';

/** What grants of the task are at the target itself. */
export function TaskPrincipal({ name }: { name: string }) {
  const principal = useQuery(query.tasks.principal.queryOptions({ input: { name } }));
  return (
    <Panel title="At the target">
      <QueryState query={principal} what="the role at the target">
        {(data) => (
          <div className="flex flex-col gap-2">
            {data.kind === 'credential' ? (
              <p className="wrap-anywhere">
                <Badge tone="deny">no role of its own</Badge> Uses the resource's credential:{' '}
                <Ticked text={data.reason ?? ''} />.
              </p>
            ) : (
              <>
                <p>
                  <Badge tone="allow">a role for each grant</Badge> with these rights and no others:
                </p>
                <ul className="flex flex-col gap-1">
                  {data.privileges.map((one) => (
                    <li key={one} className="wrap-anywhere font-mono text-sm">
                      {one}
                    </li>
                  ))}
                </ul>
              </>
            )}
            {data.wider.map((one) => (
              <p key={one} className="text-muted text-sm">
                More than the task allows: {one}.
              </p>
            ))}
            {data.roles.length > 0 && (
              <p className="wrap-anywhere text-muted text-sm">
                There now: <span className="font-mono">{data.roles.map((role) => role.name).join(', ')}</span>
              </p>
            )}
          </div>
        )}
      </QueryState>
    </Panel>
  );
}
