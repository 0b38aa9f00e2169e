import { createId, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type { TaskDocument } from '@taskgate/policy';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { SYSTEM_PERSON } from '../grants/person-ref.ts';
import { notifyChange } from '../live/notify-change.ts';
import { documentRefused, fieldProblem } from './document-problem.ts';

export const SALT_BYTES = 16;

export interface PutInput<D> {
  readonly source: string;
  /** What `source` parses to. */
  readonly document: D;
  readonly publish: boolean;
  /** The revision that was edited; `null`: whatever is there. */
  readonly baseRevision: number | null;
}

export interface PutResult {
  readonly name: string;
  /** The newest one. */
  readonly revision: number;
  readonly outcome: 'created' | 'updated' | 'unchanged';
}

/** Saves a task's source as a new revision, where it says anything new, and publishes it where asked. */
export async function putTask(tx: Transaction, ctx: ServiceContext, input: PutInput<TaskDocument>): Promise<PutResult> {
  const { source, document } = input;
  const { name } = document;
  const now = ctx.services.clock.now();
  const resource = await tx.resource.findUnique({ where: { name: document.resource }, select: { id: true } });
  if (resource === null)
    throw documentRefused([
      fieldProblem(source, 'resource', `there is no resource \`${document.resource}\`; make it first`),
    ]);

  await requireFreeName(tx, 'workflow', source, name);
  await tx.$queryRaw`select id from tasks where name = ${name} for update`;
  const task = await tx.task.findUnique({ where: { name } });
  requireBase(input.baseRevision, task?.latestRevision ?? 0, `task \`${name}\``);
  // Grants stand on older revisions: with another resource they would open what nobody granted.
  if (task !== null && task.resourceId !== resource.id)
    throw documentRefused([
      fieldProblem(source, 'resource', 'a task stays on its resource; make a new task for another one'),
    ]);
  const latest =
    task === null
      ? null
      : await tx.taskRevision.findUniqueOrThrow({
          where: { taskId_revision: { taskId: task.id, revision: task.latestRevision } },
        });
  const taskId = task?.id ?? createId('tsk', now, ctx.services.randomBytes);
  const changed = latest?.source !== source;
  const revision = (task?.latestRevision ?? 0) + (changed ? 1 : 0);

  if (changed) {
    if (task === null)
      await tx.task.create({
        data: {
          id: taskId,
          name,
          resourceId: resource.id,
          salt: new Uint8Array(ctx.services.randomBytes(SALT_BYTES)),
          publishedRevision: null,
          latestRevision: revision,
          createdAt: new Date(now),
          updatedAt: new Date(now),
        },
      });
    else await tx.task.update({ where: { id: taskId }, data: { latestRevision: revision, updatedAt: new Date(now) } });
    await tx.taskRevision.create({
      data: {
        taskId,
        revision,
        source,
        createdById: ctx.actor.kind !== 'system' ? ctx.actor.identityId : SYSTEM_PERSON.id,
        createdAt: new Date(now),
      },
    });
    await emitAudit(tx, ctx, {
      action: 'task.save',
      subjectKind: 'task',
      subject: taskId,
      before: task === null ? null : { name, revision: task.latestRevision },
      after: { name, revision },
    });
    await notifyChange(tx, { topic: 'tasks', id: name });
  }
  const publish = input.publish && task?.publishedRevision !== revision;
  if (publish) await publishTaskRevision(tx, ctx, taskId, revision);
  return { name, revision, outcome: task === null ? 'created' : changed || publish ? 'updated' : 'unchanged' };
}

/**
 * Throws where the name is the other kind's: clients say whom they mean by the name alone. Under a lock of the name, so
 * that a task and a workflow that are made at the same moment see each other.
 */
export async function requireFreeName(
  tx: Transaction,
  other: 'task' | 'workflow',
  source: string,
  name: string,
): Promise<void> {
  await tx.$queryRaw`select pg_advisory_xact_lock(hashtextextended(${`document ${name}`}, 0))::text`;
  const select = { id: true } as const;
  const taken =
    other === 'task'
      ? await tx.task.findUnique({ where: { name }, select })
      : await tx.workflow.findUnique({ where: { name }, select });
  if (taken !== null)
    throw documentRefused([fieldProblem(source, 'name', `there is a ${other} \`${name}\`; choose another name`)]);
}

/** Throws `conflict` where somebody saved a revision since the one that was edited. */
export function requireBase(base: number | null, latest: number, what: string): void {
  if (base === null || base === latest) return;
  throw new TaskgateError(
    'conflict',
    latest === 0
      ? `${what} does not exist any more`
      : `${what} is at revision ${latest} by now, not ${base}; look at what changed and save again`,
  );
}

/** Makes a revision the one that new grants are of; an older one may come back. The row is locked by the caller. */
export async function publishTaskRevision(
  tx: Transaction,
  ctx: ServiceContext,
  taskId: string,
  revision: number,
): Promise<void> {
  const at = new Date(ctx.services.clock.now());
  const task = await tx.task.findUniqueOrThrow({ where: { id: taskId } });
  await tx.taskRevision.updateMany({ where: { taskId, revision, publishedAt: null }, data: { publishedAt: at } });
  await tx.task.update({ where: { id: taskId }, data: { publishedRevision: revision, updatedAt: at } });
  await emitAudit(tx, ctx, {
    action: 'task.publish',
    subjectKind: 'task',
    subject: taskId,
    before: { name: task.name, publishedRevision: task.publishedRevision },
    after: { name: task.name, publishedRevision: revision },
  });
  await notifyChange(tx, { topic: 'tasks', id: task.name, change: 'published' });
}
