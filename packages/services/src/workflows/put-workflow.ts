import { createId } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type { WorkflowDocument } from '@taskgate/policy';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { SYSTEM_PERSON } from '../grants/person-ref.ts';
import { notifyChange } from '../live/notify-change.ts';
import { documentRefused, fieldProblem } from '../tasks/document-problem.ts';
import { type PutInput, type PutResult, requireBase, requireFreeName, SALT_BYTES } from '../tasks/put-task.ts';

/** Saves a workflow's source as a new revision, where it says anything new, and publishes it where asked. */
export async function putWorkflow(
  tx: Transaction,
  ctx: ServiceContext,
  input: PutInput<WorkflowDocument>,
): Promise<PutResult> {
  const { source, document } = input;
  const { name } = document;
  const now = ctx.services.clock.now();
  await requireFreeName(tx, 'task', source, name);
  const missing = await missingSteps(tx, document);
  if (missing.length > 0)
    throw documentRefused(
      missing.map((step) => fieldProblem(source, 'steps', `there is no task \`${step}\`; make it first`)),
    );

  await tx.$queryRaw`select id from workflows where name = ${name} for update`;
  const workflow = await tx.workflow.findUnique({ where: { name } });
  requireBase(input.baseRevision, workflow?.latestRevision ?? 0, `workflow \`${name}\``);
  const latest =
    workflow === null
      ? null
      : await tx.workflowRevision.findUniqueOrThrow({
          where: { workflowId_revision: { workflowId: workflow.id, revision: workflow.latestRevision } },
        });
  const workflowId = workflow?.id ?? createId('wfl', now, ctx.services.randomBytes);
  const changed = latest?.source !== source;
  const revision = (workflow?.latestRevision ?? 0) + (changed ? 1 : 0);

  if (changed) {
    if (workflow === null)
      await tx.workflow.create({
        data: {
          id: workflowId,
          name,
          salt: new Uint8Array(ctx.services.randomBytes(SALT_BYTES)),
          publishedRevision: null,
          latestRevision: revision,
          createdAt: new Date(now),
          updatedAt: new Date(now),
        },
      });
    else
      await tx.workflow.update({
        where: { id: workflowId },
        data: { latestRevision: revision, updatedAt: new Date(now) },
      });
    await tx.workflowRevision.create({
      data: {
        workflowId,
        revision,
        source,
        createdById: ctx.actor.kind !== 'system' ? ctx.actor.identityId : SYSTEM_PERSON.id,
        createdAt: new Date(now),
      },
    });
    await emitAudit(tx, ctx, {
      action: 'workflow.save',
      subjectKind: 'workflow',
      subject: workflowId,
      before: workflow === null ? null : { name, revision: workflow.latestRevision },
      after: { name, revision },
    });
    await notifyChange(tx, { topic: 'workflows', id: name });
  }
  const publish = input.publish && workflow?.publishedRevision !== revision;
  if (publish) await publishWorkflowRevision(tx, ctx, workflowId, revision);
  return { name, revision, outcome: workflow === null ? 'created' : changed || publish ? 'updated' : 'unchanged' };
}

/** Steps that name no task that is here. */
export async function missingSteps(db: Transaction, document: WorkflowDocument): Promise<string[]> {
  const steps = document.steps.map((step) => step.task);
  const found = await db.task.findMany({ where: { name: { in: steps } }, select: { name: true } });
  return steps.filter((step) => !found.some((task) => task.name === step));
}

/** Makes a revision the one that new grants are of; an older one may come back. The row is locked by the caller. */
export async function publishWorkflowRevision(
  tx: Transaction,
  ctx: ServiceContext,
  workflowId: string,
  revision: number,
): Promise<void> {
  const at = new Date(ctx.services.clock.now());
  const workflow = await tx.workflow.findUniqueOrThrow({ where: { id: workflowId } });
  await tx.workflowRevision.updateMany({
    where: { workflowId, revision, publishedAt: null },
    data: { publishedAt: at },
  });
  await tx.workflow.update({ where: { id: workflowId }, data: { publishedRevision: revision, updatedAt: at } });
  await emitAudit(tx, ctx, {
    action: 'workflow.publish',
    subjectKind: 'workflow',
    subject: workflowId,
    before: { name: workflow.name, publishedRevision: workflow.publishedRevision },
    after: { name: workflow.name, publishedRevision: revision },
  });
  await notifyChange(tx, { topic: 'workflows', id: workflow.name, change: 'published' });
}
