'use client';
import { useInfiniteQuery, usePrefetchQuery } from '@tanstack/react-query';
import { parseAsString, useQueryState } from 'nuqs';
import { useState } from 'react';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { EmptyState, NoMatch } from '@/components/empty-state.tsx';
import { Field } from '@/components/field.tsx';
import { Input } from '@/components/input.tsx';
import { Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Table } from '@/components/table.tsx';
import { Time } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { useCan } from '@/lib/me.tsx';
import { useDebounced } from '@/lib/use-debounced.ts';
import type { UserView } from '@/lib/views.ts';
import { CreateUserDialog } from './create-user-dialog.tsx';
import { UserSheet } from './user-sheet.tsx';

export function UsersTab() {
  const can = useCan();
  const [q, setQ] = useQueryState('q', parseAsString.withDefault(''));
  const [creating, setCreating] = useState(false);
  const [editing, setEditing] = useState<UserView | null>(null);
  // Both forms show them: there at once, nothing in them moves.
  usePrefetchQuery(query.people.groups.queryOptions());
  const asked = useDebounced(q, 200);
  const users = useInfiniteQuery({
    ...query.people.users.infiniteOptions({
      input: (cursor: string | undefined) => ({
        ...(asked === '' ? {} : { q: asked }),
        ...(cursor === undefined ? {} : { cursor }),
      }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (last) => last.nextCursor ?? undefined,
    }),
    placeholderData: (previous) => previous,
  });
  const mayWrite = can('people:write');
  return (
    <Panel flush>
      <div className="flex flex-wrap items-end gap-3 border-line border-b px-4 py-3">
        <div className="min-w-48 flex-1">
          <Field label="Find">
            {(props) => (
              <Input
                {...props}
                type="search"
                value={q}
                placeholder="Name or e-mail"
                onChange={(event) => void setQ(event.target.value || null)}
              />
            )}
          </Field>
        </div>
        <Button
          variant="primary"
          disabledReason={mayWrite ? null : 'you may not change people and groups'}
          onClick={() => setCreating(true)}
        >
          New user
        </Button>
      </div>
      <QueryState query={users} what="the people here">
        {({ pages }) => {
          const rows = pages.flatMap((page) => page.items);
          if (rows.length === 0)
            return q === '' ? (
              <EmptyState title="Nobody is here yet" />
            ) : (
              <NoMatch what="people" onClear={() => void setQ(null)} />
            );
          return (
            <>
              <Table
                caption={plural(rows.length, 'person', 'people')}
                rows={rows}
                rowKey={(user) => user.id}
                rowHref={(user) => `/people/${user.id}`}
                columns={[
                  {
                    key: 'name',
                    header: 'Name',
                    cell: (user) => (
                      <span className="block py-1">
                        <span className="font-medium">{user.name}</span>
                        <span className="block text-muted text-sm">{user.email}</span>
                      </span>
                    ),
                  },
                  { key: 'groups', header: 'Groups', cell: (user) => user.groups.join(', ') || '—' },
                  {
                    key: 'roles',
                    header: 'Roles',
                    hideBelow: 'md',
                    cell: (user) => (
                      <span className="flex flex-wrap gap-1">
                        {user.roles.map((role) => (
                          <Badge key={role}>{role}</Badge>
                        ))}
                      </span>
                    ),
                  },
                  {
                    key: 'last',
                    header: 'Last sign-in',
                    hideBelow: 'md',
                    cell: (user) => (user.lastSignInAt ? <Time at={user.lastSignInAt} /> : 'never'),
                  },
                  {
                    key: 'state',
                    header: 'State',
                    hideBelow: 'sm',
                    cell: (user) =>
                      user.disabledAt ? <StateBadge state="disabled" /> : <span className="text-muted">enabled</span>,
                  },
                  {
                    key: 'edit',
                    header: '',
                    align: 'right',
                    cell: (user) => (
                      <Button
                        size="sm"
                        className="relative z-10"
                        aria-label={`Edit ${user.name}`}
                        disabledReason={mayWrite ? null : 'you may not change people and groups'}
                        onClick={() => setEditing(user)}
                      >
                        Edit
                      </Button>
                    ),
                  },
                ]}
              />
              {users.hasNextPage && (
                <div className="border-line border-t px-4 py-3 text-center">
                  <Button loading={users.isFetchingNextPage} onClick={() => void users.fetchNextPage()}>
                    More
                  </Button>
                </div>
              )}
            </>
          );
        }}
      </QueryState>
      <CreateUserDialog open={creating} onClose={() => setCreating(false)} />
      {editing && <UserSheet key={editing.id} user={editing} onClose={() => setEditing(null)} />}
    </Panel>
  );
}
