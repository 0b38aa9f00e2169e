import { createId } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type { PolicyDocument } from '@taskgate/policy';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { SYSTEM_PERSON } from '../grants/person-ref.ts';
import { notifyChange } from '../live/notify-change.ts';
import { type PutInput, type PutResult, requireBase } from '../tasks/put-task.ts';

/** Saves a policy's source as a new revision, where it says anything new, and publishes it where asked. */
export async function putPolicy(
  tx: Transaction,
  ctx: ServiceContext,
  input: PutInput<PolicyDocument>,
): Promise<PutResult> {
  const { source } = input;
  const { name } = input.document;
  const now = ctx.services.clock.now();
  await tx.$queryRaw`select id from policies where name = ${name} for update`;
  const policy = await tx.policy.findUnique({ where: { name } });
  requireBase(input.baseRevision, policy?.latestRevision ?? 0, `policy \`${name}\``);
  const latest =
    policy === null
      ? null
      : await tx.policyRevision.findUniqueOrThrow({
          where: { policyId_revision: { policyId: policy.id, revision: policy.latestRevision } },
        });
  const policyId = policy?.id ?? createId('pol', now, ctx.services.randomBytes);
  const changed = latest?.source !== source;
  const revision = (policy?.latestRevision ?? 0) + (changed ? 1 : 0);

  if (changed) {
    if (policy === null)
      await tx.policy.create({
        data: {
          id: policyId,
          name,
          publishedRevision: null,
          latestRevision: revision,
          createdAt: new Date(now),
          updatedAt: new Date(now),
        },
      });
    else
      await tx.policy.update({ where: { id: policyId }, data: { latestRevision: revision, updatedAt: new Date(now) } });
    await tx.policyRevision.create({
      data: {
        policyId,
        revision,
        source,
        createdById: ctx.actor.kind !== 'system' ? ctx.actor.identityId : SYSTEM_PERSON.id,
        createdAt: new Date(now),
      },
    });
    await emitAudit(tx, ctx, {
      action: 'policy.save',
      subjectKind: 'policy',
      subject: policyId,
      before: policy === null ? null : { name, revision: policy.latestRevision },
      after: { name, revision },
    });
    await notifyChange(tx, { topic: 'policies', id: name });
  }
  const publish = input.publish && policy?.publishedRevision !== revision;
  if (publish) await publishPolicyRevision(tx, ctx, policyId, revision);
  return { name, revision, outcome: policy === null ? 'created' : changed || publish ? 'updated' : 'unchanged' };
}

/** Makes a revision the one in force, for open sessions too. The row is locked by the caller. */
export async function publishPolicyRevision(
  tx: Transaction,
  ctx: ServiceContext,
  policyId: string,
  revision: number,
): Promise<void> {
  const at = new Date(ctx.services.clock.now());
  const policy = await tx.policy.findUniqueOrThrow({ where: { id: policyId } });
  await tx.policyRevision.updateMany({ where: { policyId, revision, publishedAt: null }, data: { publishedAt: at } });
  await tx.policy.update({ where: { id: policyId }, data: { publishedRevision: revision, updatedAt: at } });
  await emitAudit(tx, ctx, {
    action: 'policy.publish',
    subjectKind: 'policy',
    subject: policyId,
    before: { name: policy.name, publishedRevision: policy.publishedRevision },
    after: { name: policy.name, publishedRevision: revision },
  });
  await notifyChange(tx, { topic: 'policies', id: policy.name, change: 'published' });
}
