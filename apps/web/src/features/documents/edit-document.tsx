'use client';
import { useQuery } from '@tanstack/react-query';
import { NoPermission } from '@/components/empty-state.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { query } from '@/lib/api.ts';
import { useCan } from '@/lib/me.tsx';
import type { RevisionView } from '@/lib/views.ts';
import { DocumentEditor } from './document-editor.tsx';

interface Editable {
  name: string;
  current: RevisionView | null;
  latest: RevisionView;
}

function EditExisting({ kind, document }: { kind: 'Task' | 'Policy'; document: Editable }) {
  return (
    <DocumentEditor
      // The editor keeps what is being written, whatever is read again meanwhile.
      key={document.name}
      kind={kind}
      name={document.name}
      initialSource={document.latest.source}
      baseRevision={document.latest.revision}
      published={document.current && { revision: document.current.revision, source: document.current.source }}
    />
  );
}

function EditTask({ name }: { name: string }) {
  const task = useQuery(query.tasks.get.queryOptions({ input: { name } }));
  return (
    <QueryState query={task} what="the task" page>
      {(data) => <EditExisting kind="Task" document={data} />}
    </QueryState>
  );
}

function EditPolicy({ name }: { name: string }) {
  const policy = useQuery(query.policies.get.queryOptions({ input: { name } }));
  return (
    <QueryState query={policy} what="the policy" page>
      {(data) => <EditExisting kind="Policy" document={data} />}
    </QueryState>
  );
}

function NewDocument({ kind }: { kind: 'Task' | 'Policy' }) {
  const template = useQuery({
    ...query.documents.template.queryOptions({ input: { kind } }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <QueryState query={template} what="the template" page>
      {({ source }) => (
        <DocumentEditor kind={kind} name={null} initialSource={source} baseRevision={null} published={null} />
      )}
    </QueryState>
  );
}

/** Writes a task or policy anew (`name` is `null`) or a further revision of one. */
export function EditDocument({ kind, name }: { kind: 'Task' | 'Policy'; name: string | null }) {
  const can = useCan();
  if (!can('task:write'))
    return <NoPermission heading="h1" what={kind === 'Task' ? 'the editor of tasks' : 'the editor of policies'} />;
  if (name === null) return <NewDocument kind={kind} />;
  return kind === 'Task' ? <EditTask name={name} /> : <EditPolicy name={name} />;
}
