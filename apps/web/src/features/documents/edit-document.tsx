'use client';
import { useQuery } from '@tanstack/react-query';
import { NoPermission } from '@/components/empty-state.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { query } from '@/lib/api.ts';
import { useCan } from '@/lib/me.tsx';
import type { RevisionView } from '@/lib/views.ts';
import { DocumentEditor, type EditableKind, FOLDERS } from './document-editor.tsx';

interface Editable {
  name: string;
  current: RevisionView | null;
  latest: RevisionView;
}

function EditExisting({ kind, document }: { kind: EditableKind; document: Editable }) {
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

function EditWorkflow({ name }: { name: string }) {
  const workflow = useQuery(query.workflows.get.queryOptions({ input: { name } }));
  return (
    <QueryState query={workflow} what="the workflow" page>
      {(data) => <EditExisting kind="Workflow" document={data} />}
    </QueryState>
  );
}

function NewDocument({ kind }: { kind: EditableKind }) {
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

const EDITORS = { Task: EditTask, Policy: EditPolicy, Workflow: EditWorkflow } as const;

/** Writes a document anew (`name` is `null`) or a further revision of one. */
export function EditDocument({ kind, name }: { kind: EditableKind; name: string | null }) {
  const can = useCan();
  if (!can('task:write')) return <NoPermission heading="h1" what={`the editor of ${FOLDERS[kind]}`} />;
  if (name === null) return <NewDocument kind={kind} />;
  const Edit = EDITORS[kind];
  return <Edit name={name} />;
}
