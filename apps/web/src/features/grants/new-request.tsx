'use client';
import { useQuery } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { parseAsString, useQueryState, useQueryStates } from 'nuqs';
import { EmptyState } from '@/components/empty-state.tsx';
import { Field } from '@/components/field.tsx';
import { Select } from '@/components/input.tsx';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { query } from '@/lib/api.ts';
import { grantLink } from '@/lib/links.ts';
import { RequestForm } from './request-form.tsx';

/** `/requests/new?task=&reason=` or `?workflow=`: reached from its page, a refusal or a link in a message. */
export function NewRequest() {
  const [workflow] = useQueryState('workflow', parseAsString);
  return workflow === null ? <NewTaskRequest /> : <NewWorkflowRequest name={workflow} />;
}

function NewWorkflowRequest({ name }: { name: string }) {
  const router = useRouter();
  const [reason] = useQueryState('reason', parseAsString.withDefault(''));
  const workflow = useQuery(query.workflows.get.queryOptions({ input: { name } }));
  return (
    <Page>
      <PageHeader
        title={`Start ${name}`}
        description="Its steps start one by one, each under a grant of its own, and all of them end with it."
        crumbs={[{ label: 'Workflows', href: '/workflows' }]}
      />
      <Panel className="max-w-2xl">
        <QueryState query={workflow} what="the workflow">
          {(data) => (
            <RequestForm task={data} reason={reason} onRequested={(grant) => router.push(grantLink(grant.id))} />
          )}
        </QueryState>
      </Panel>
    </Page>
  );
}

function NewTaskRequest() {
  const router = useRouter();
  const [{ task: name, reason }, setParams] = useQueryStates({
    task: parseAsString.withDefault(''),
    reason: parseAsString.withDefault(''),
  });
  const tasks = useQuery(query.tasks.list.queryOptions());
  return (
    <Page>
      <PageHeader
        title={name === '' ? 'Ask for a task' : `Ask for ${name}`}
        description="A task opens one resource for one purpose, for a while."
        crumbs={[{ label: 'Tasks', href: '/tasks' }]}
      />
      <Panel className="max-w-2xl">
        <QueryState query={tasks} what="the tasks">
          {(all) => {
            const published = all.filter((task) => task.revision !== null);
            const task = published.find((candidate) => candidate.name === name);
            if (published.length === 0)
              return <EmptyState title="There is no task to ask for">An admin writes tasks.</EmptyState>;
            return (
              <div className="flex flex-col gap-4">
                <Field
                  label="Task"
                  error={name !== '' && !task ? `there is no published task \`${name}\` that you may see` : null}
                >
                  {(props) => (
                    <Select
                      {...props}
                      value={task ? name : ''}
                      onChange={(event) => void setParams({ task: event.target.value || null })}
                    >
                      <option value="">Choose a task</option>
                      {published.map((candidate) => (
                        <option key={candidate.name} value={candidate.name}>
                          {candidate.name} on {candidate.resource}
                        </option>
                      ))}
                    </Select>
                  )}
                </Field>
                {task && (
                  <RequestForm
                    key={task.name}
                    task={task}
                    reason={reason}
                    onRequested={(grant) => router.push(grantLink(grant.id))}
                  />
                )}
              </div>
            );
          }}
        </QueryState>
      </Panel>
    </Page>
  );
}
