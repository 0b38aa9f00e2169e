'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Badge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { FormError } from '@/components/field.tsx';
import { Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Table } from '@/components/table.tsx';
import { Time } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { problemOf } from '@/lib/problem.ts';
import { signOut } from '@/lib/sign-in.ts';

/** `Firefox on Linux` of a user agent; the whole of it where it is none that is known. */
function browserName(userAgent: string): string {
  const browser = /(Edg|OPR|Firefox|Chrome|Safari)\//.exec(userAgent)?.[1];
  const system = /(Windows|Mac OS X|Android|iPhone|Linux)/.exec(userAgent)?.[1];
  const names: Record<string, string> = { Edg: 'Edge', OPR: 'Opera' };
  if (!browser) return userAgent || 'unknown';
  return `${names[browser] ?? browser}${system ? ` on ${system}` : ''}`;
}

export function WebSessions() {
  const client = useQueryClient();
  const sessions = useQuery(query.people.webSessions.queryOptions());
  const end = useMutation(
    query.people.endWebSession.mutationOptions({
      onSuccess: () => void client.invalidateQueries({ queryKey: query.people.webSessions.key() }),
    }),
  );
  return (
    <Panel title="Where you are signed in" flush>
      <FormError message={end.error ? problemOf(end.error).detail : null} />
      <QueryState query={sessions} what="your sign-ins">
        {(all) => (
          <Table
            caption={plural(all.length, 'sign-in')}
            rows={all}
            rowKey={(session) => session.id}
            columns={[
              {
                key: 'browser',
                header: 'Browser',
                cell: (session) => (
                  <span className="flex flex-wrap items-center gap-2">
                    {browserName(session.userAgent)}
                    {session.current && <Badge tone="info">this one</Badge>}
                  </span>
                ),
              },
              { key: 'since', header: 'Since', hideBelow: 'sm', cell: (session) => <Time at={session.createdAt} /> },
              { key: 'seen', header: 'Last seen', cell: (session) => <Time at={session.lastSeenAt} /> },
              {
                key: 'end',
                header: '',
                align: 'right',
                cell: (session) =>
                  session.current ? (
                    <Button size="sm" onClick={() => void signOut()}>
                      Sign out
                    </Button>
                  ) : (
                    <Button
                      size="sm"
                      aria-label={`End the sign-in of ${browserName(session.userAgent)}`}
                      loading={end.isPending && end.variables.id === session.id}
                      onClick={() => end.mutate({ id: session.id })}
                    >
                      End
                    </Button>
                  ),
              },
            ]}
          />
        )}
      </QueryState>
    </Panel>
  );
}
