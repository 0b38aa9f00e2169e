'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Badge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { EmptyState } from '@/components/empty-state.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input } from '@/components/input.tsx';
import { Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { useCan } from '@/lib/me.tsx';
import { problemOf } from '@/lib/problem.ts';

const MAX_SHOWN = 200;

/** What the gate knows of the target's relations; tasks are checked and completed against this. */
export function CatalogBrowser({ name, known }: { name: string; known: boolean }) {
  const can = useCan();
  const client = useQueryClient();
  const [q, setQ] = useState('');
  const catalog = useQuery({ ...query.resources.catalog.queryOptions({ input: { name } }), enabled: known });
  const refresh = useMutation(
    query.resources.refreshCatalog.mutationOptions({
      onSuccess: () => void client.invalidateQueries({ queryKey: query.resources.key() }),
    }),
  );
  const read = (
    <Button
      size="sm"
      loading={refresh.isPending}
      disabledReason={can('resource:write') ? null : 'only admins can read it anew'}
      onClick={() => refresh.mutate({ name })}
    >
      Read {known ? 'again' : 'now'}
    </Button>
  );
  return (
    <Panel title="Catalog" actions={read} flush>
      <div className="px-4">
        <FormError message={refresh.error ? problemOf(refresh.error).detail : null} />
      </div>
      {!known ? (
        <EmptyState title="Not read yet">
          The gate needs the target's relations before it can decide anything.
        </EmptyState>
      ) : (
        <QueryState query={catalog} what="the catalog">
          {({ relations }) => {
            const words = q.toLowerCase();
            const found = relations.filter((relation) =>
              `${relation.schema}.${relation.name} ${relation.columns.map((column) => column.name).join(' ')}`
                .toLowerCase()
                .includes(words),
            );
            return (
              <>
                <div className="border-line border-b px-4 py-3">
                  <Field label={`Find in ${plural(relations.length, 'relation')}`}>
                    {(props) => (
                      <Input
                        {...props}
                        type="search"
                        value={q}
                        placeholder="Relation or column"
                        onChange={(event) => setQ(event.target.value)}
                      />
                    )}
                  </Field>
                </div>
                <ul>
                  {found.slice(0, MAX_SHOWN).map((relation) => (
                    <li key={`${relation.schema}.${relation.name}`} className="border-line border-b last:border-b-0">
                      <details>
                        <summary className="flex min-h-9 items-center gap-2 px-4 hover:bg-hover">
                          <span className="wrap-anywhere font-mono text-sm">
                            <span className="text-muted">{relation.schema}.</span>
                            {relation.name}
                          </span>
                          <Badge>{relation.kind}</Badge>
                          <span className="ml-auto text-muted text-sm">
                            {plural(relation.columns.length, 'column')}
                          </span>
                        </summary>
                        <ul className="grid gap-x-6 gap-y-0.5 bg-sunken px-4 py-2 font-mono text-sm sm:grid-cols-2">
                          {relation.columns.map((column) => (
                            <li key={column.name} className="flex justify-between gap-4">
                              <span className="wrap-anywhere">{column.name}</span>
                              <span className="text-muted">{column.typeName}</span>
                            </li>
                          ))}
                        </ul>
                      </details>
                    </li>
                  ))}
                </ul>
                {found.length > MAX_SHOWN && (
                  <p className="px-4 py-2 text-muted text-sm">
                    The first {MAX_SHOWN} of {found.length}. Type more to narrow it down.
                  </p>
                )}
                {found.length === 0 && <p className="px-4 py-3 text-muted">Nothing is called that.</p>}
              </>
            );
          }}
        </QueryState>
      )}
    </Panel>
  );
}
