import { type ApprovalTerms, type GrantLimits, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { mayActivate, type TaskDocument, type WorkflowDocument } from '@taskgate/policy';
import { noTask } from '../tasks/load-tasks.ts';
import { readWorkflowDocument } from '../tasks/task-documents.ts';
import { noWorkflow } from '../workflows/load-workflows.ts';
import type { GrantRow } from './grant-row.ts';
import { loadPinnedTask, loadTaskSource, type PinnedOf, toResourceFacts } from './load-terms.ts';
import { narrowDocument } from './narrow-document.ts';

/** What a grant is of, with what follows from it for the grant. */
export interface GrantSubject {
  readonly name: string;
  readonly document: TaskDocument | WorkflowDocument;
  /** SCRAM salt of its grants' tokens. */
  readonly salt: Uint8Array;
  readonly terms: {
    readonly reasonRequired: boolean;
    readonly ticketRequired: boolean;
    readonly approvals: ApprovalTerms | null;
    readonly stepUp: TaskDocument['access']['stepUp'];
    readonly ttlMs: number;
    /** With policies, and with what the grants above allow. */
    readonly limits: GrantLimits;
  };
  /** Columns of the grant's row. */
  readonly columns:
    | { readonly taskId: string; readonly taskRevision: number }
    | {
        readonly workflowId: string;
        readonly workflowRevision: number;
        readonly pinned: Readonly<Record<string, number>>;
      };
}

const TASK_SELECT = {
  id: true,
  name: true,
  salt: true,
  publishedRevision: true,
  resource: { select: { name: true, labels: true } },
} as const;

/** What a new grant of the task is of: its published revision, narrowed where that was asked for. */
export async function findTaskSubject(
  tx: Transaction,
  name: string,
  narrow: Parameters<typeof narrowDocument>[1] | undefined,
): Promise<GrantSubject & { readonly narrowed: string | null }> {
  const task = await tx.task.findUnique({ where: { name }, select: TASK_SELECT });
  if (task === null) throw (await tx.workflow.count({ where: { name } })) > 0 ? isWorkflow(name) : noTask(name);
  const taskRevision = requirePublished(task, `task \`${name}\``);
  const narrowed =
    narrow === undefined ? null : narrowDocument(await loadTaskSource(tx, task.id, taskRevision), narrow);
  const subject = await taskSubject(tx, task, { taskId: task.id, taskRevision, document: narrowed });
  return { ...subject, narrowed };
}

/** What a new grant of the workflow is of: its published revision, and the published revisions of its steps' tasks. */
export async function findWorkflowSubject(tx: Transaction, name: string): Promise<GrantSubject> {
  const workflow = await tx.workflow.findUnique({ where: { name } });
  if (workflow === null) throw noWorkflow(name);
  const revision = requirePublished(workflow, `workflow \`${name}\``);
  const { document, terms } = await workflowSubject(tx, workflow.id, revision);
  const tasks = await tx.task.findMany({
    where: { name: { in: document.steps.map((step) => step.task) } },
    select: { name: true, publishedRevision: true },
  });
  const pinned: Record<string, number> = {};
  for (const { task: step } of document.steps) {
    const task = tasks.find((one) => one.name === step);
    if (task === undefined)
      throw new TaskgateError('invalid-state', `step \`${step}\` of workflow \`${name}\` names no task that is here`);
    pinned[step] = requirePublished(task, `task \`${step}\`, a step of workflow \`${name}\`,`);
  }
  return {
    name,
    document,
    salt: workflow.salt,
    terms,
    columns: { workflowId: workflow.id, workflowRevision: revision, pinned },
  };
}

/** What a grant that exists is of. */
export async function loadSubject(tx: Transaction, row: GrantRow): Promise<GrantSubject> {
  if (row.taskId !== null && row.taskRevision !== null) {
    const task = await tx.task.findUniqueOrThrow({ where: { id: row.taskId }, select: TASK_SELECT });
    const { document, limits } = row;
    return taskSubject(tx, task, { taskId: task.id, taskRevision: row.taskRevision, document, limits });
  }
  const { name, salt, id } = await tx.workflow.findUniqueOrThrow({ where: { id: row.workflowId! } });
  const { document, terms } = await workflowSubject(tx, id, row.workflowRevision!);
  return {
    name,
    document,
    salt,
    terms,
    columns: { workflowId: id, workflowRevision: row.workflowRevision!, pinned: readPinned(row) },
  };
}

/** Of a workflow's grant: the revisions of its steps' tasks. */
export function readPinned(row: Pick<GrantRow, 'pinned'>): Readonly<Record<string, number>> {
  // Written by `findWorkflowSubject`, and a trigger refuses changes.
  return (row.pinned ?? {}) as Readonly<Record<string, number>>;
}

export async function taskSubject(
  tx: Transaction,
  task: { readonly name: string; readonly salt: Uint8Array; readonly resource: Parameters<typeof toResourceFacts>[0] },
  of: PinnedOf,
): Promise<GrantSubject> {
  const { document, terms } = await loadPinnedTask(tx, of, toResourceFacts(task.resource));
  const { taskId, taskRevision } = of;
  return { name: task.name, document, salt: task.salt, terms, columns: { taskId, taskRevision } };
}

async function workflowSubject(tx: Transaction, workflowId: string, revision: number) {
  const { source } = await tx.workflowRevision.findUniqueOrThrow({
    where: { workflowId_revision: { workflowId, revision } },
    select: { source: true },
  });
  const document = readWorkflowDocument(source);
  return { document, terms: { ...document.access, limits: document.limits } };
}

function requirePublished(row: { readonly publishedRevision: number | null }, what: string): number {
  if (row.publishedRevision !== null) return row.publishedRevision;
  throw new TaskgateError('invalid-state', `${what} is a draft; ask for its publication`);
}

/** Throws `forbidden` where this identity may not ask for that now: by who it is for, then by its condition. */
export function requireMayActivate(
  document: TaskDocument | WorkflowDocument,
  identity: Parameters<typeof mayActivate>[1],
  now: number,
): void {
  const may = mayActivate(document, identity, { epochMs: now });
  if (!may.ok) throw new TaskgateError('forbidden', may.reason);
}

const isWorkflow = (name: string): TaskgateError =>
  new TaskgateError(
    'not-found',
    `\`${name}\` is a workflow, not a task: ask for it as \`workflow\` (\`taskgate run --workflow ${name} -- COMMAND\`)`,
  );
