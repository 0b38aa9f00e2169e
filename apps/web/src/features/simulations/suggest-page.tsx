'use client';
import { useMutation, useQuery } from '@tanstack/react-query';
import dynamic from 'next/dynamic';
import Link from 'next/link';
import { parseAsString, useQueryStates } from 'nuqs';
import { Button } from '@/components/button.tsx';
import { NoPermission } from '@/components/empty-state.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input, Select } from '@/components/input.tsx';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { operationLink } from '@/lib/links.ts';
import { fromLocalInput, toLocalInput } from '@/lib/local-instant.ts';
import { useCan } from '@/lib/me.tsx';
import { problemOf } from '@/lib/problem.ts';

const DocumentEditor = dynamic(() =>
  import('@/features/documents/document-editor.tsx').then((module) => module.DocumentEditor),
);

const text = parseAsString.withDefault('');

/** A task from what people did: choose whose and when, look at the draft, and go on in the editor. */
export function SuggestPage() {
  const can = useCan();
  const [asked, set] = useQueryStates(
    { resource: text, task: text, person: text, session: text, from: text, to: text },
    { history: 'replace' },
  );
  const resources = useQuery({ ...query.resources.list.queryOptions(), enabled: can('task:write') });
  const suggest = useMutation(query.documents.suggest.mutationOptions());
  if (!can('task:write')) return <NoPermission heading="h1" what="suggestions" who="an author of tasks" />;
  const submit = () => {
    const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== ''));
    suggest.mutate({ ...given, resource: asked.resource });
  };
  if (suggest.data)
    return (
      <>
        <div className="mx-auto flex w-full max-w-[100rem] flex-col gap-2 px-4 pt-5 sm:px-6">
          <p role="status">
            Made from {plural(suggest.data.operations, 'operation')}. It allows what was done and no more: look at each
            rule, name it, and say what it is for.
          </p>
          {suggest.data.notRead > 0 && (
            <p className="text-hold text-sm">
              {plural(suggest.data.notRead, 'operation')} could not be read again and{' '}
              {suggest.data.notRead === 1 ? 'is' : 'are'} not in it.
            </p>
          )}
          {suggest.data.left.length > 0 && (
            <details className="text-sm">
              <summary className="min-h-6 cursor-pointer text-hold">
                {plural(suggest.data.left.length, 'statement')} that ran would be denied by it
              </summary>
              <ul className="mt-1 flex flex-col gap-1">
                {suggest.data.left.map((one) => (
                  <li key={one.decisionId} className="wrap-anywhere">
                    <Link className="link font-mono" href={operationLink(one.sessionId, one.decisionId)}>
                      {one.what}
                    </Link>
                    : <Ticked text={one.why} />
                  </li>
                ))}
              </ul>
            </details>
          )}
        </div>
        <DocumentEditor
          kind="Task"
          name={null}
          initialSource={suggest.data.source}
          baseRevision={null}
          published={null}
        />
      </>
    );
  return (
    <Page>
      <PageHeader
        crumbs={[{ label: 'Tasks', href: '/tasks' }]}
        title="Suggest a task"
        description="The least task that would have allowed what was done: which relations, columns and functions, with the masks and approvals that applied. It opens in the editor as a draft."
      />
      <Panel>
        <QueryState query={resources} what="the resources">
          {(all) => (
            <form
              className="grid max-w-3xl gap-4 sm:grid-cols-2"
              onSubmit={(event) => {
                event.preventDefault();
                if (asked.resource !== '') submit();
              }}
            >
              <Field label="Resource">
                {(props) => (
                  <Select
                    {...props}
                    value={asked.resource}
                    onChange={(event) => void set({ resource: event.target.value || null })}
                  >
                    <option value="">Choose a resource</option>
                    {all.map(({ name }) => (
                      <option key={name}>{name}</option>
                    ))}
                  </Select>
                )}
              </Field>
              <Field label="Person" optional hint="Their e-mail address">
                {(props) => (
                  <Input
                    {...props}
                    value={asked.person}
                    onChange={(event) => void set({ person: event.target.value || null })}
                  />
                )}
              </Field>
              <Field label="Task" optional hint="Narrow an existing task to what was used of it">
                {(props) => (
                  <Input
                    {...props}
                    value={asked.task}
                    onChange={(event) => void set({ task: event.target.value || null })}
                  />
                )}
              </Field>
              <Field label="Session" optional>
                {(props) => (
                  <Input
                    {...props}
                    value={asked.session}
                    onChange={(event) => void set({ session: event.target.value || null })}
                  />
                )}
              </Field>
              <Field label="From" optional hint="The last 30 days unless given">
                {(props) => (
                  <Input
                    {...props}
                    type="datetime-local"
                    value={toLocalInput(asked.from)}
                    onChange={(event) => void set({ from: fromLocalInput(event.target.value) })}
                  />
                )}
              </Field>
              <Field label="Before" optional>
                {(props) => (
                  <Input
                    {...props}
                    type="datetime-local"
                    value={toLocalInput(asked.to)}
                    onChange={(event) => void set({ to: fromLocalInput(event.target.value) })}
                  />
                )}
              </Field>
              <div className="flex flex-col gap-3 sm:col-span-2">
                <FormError message={suggest.error ? problemOf(suggest.error).detail : null} />
                <Button
                  type="submit"
                  variant="primary"
                  className="self-start"
                  loading={suggest.isPending}
                  disabledReason={asked.resource === '' ? 'choose a resource' : null}
                >
                  Suggest a task
                </Button>
              </div>
            </form>
          )}
        </QueryState>
      </Panel>
    </Page>
  );
}
