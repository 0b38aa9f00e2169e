import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { createToken, hashToken } from '@taskgate/identity';
import { mayActivate } from '@taskgate/policy';
import * as z from 'zod';
import { grantContent, needsSignatures } from '../approvals/approval-content.ts';
import { whyNotSigned } from '../approvals/check-signatures.ts';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requirePrincipal } from '../principals/require-principal.ts';
import { requireIdentity } from '../require-scope.ts';
import { readTaskDocument } from '../tasks/task-documents.ts';
import { withTransaction } from '../with-transaction.ts';
import { changeGrant, lockGrantFor } from './change-grant.ts';
import { requireConfirmed } from './confirm-grant.ts';
import { type ConnectView, toConnectStrings } from './connect-strings.ts';
import type { GrantRow } from './grant-row.ts';
import { encodeScramVerifier } from './scram-verifier.ts';
import { type GrantView, toGrantViews } from './to-grant-view.ts';

const ById = z.object({ id: z.string().max(60) });

export interface ActivationView {
  grant: GrantView;
  /** Shown this once and kept nowhere. */
  token: string;
  connect: ConnectView;
}

/**
 * Active grants of one task that one person has at a time. The gate tries a token against a bounded number of a task's
 * grants: whoever could fill that number would lock everybody else out of the task.
 */
const MAX_ACTIVE_PER_TASK = 25;

/** Starts the grant's time and mints its token. */
export async function activateGrant(ctx: ServiceContext, input: z.input<typeof ById>): Promise<ActivationView> {
  const actor = requireIdentity(ctx, 'grant:request');
  const { id } = parseInput(ById, input);
  const token = createToken('grant', ctx.services.randomBytes);
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const before = await lockGrantFor(tx, actor, id, 'activate', now);
    const revision = await tx.taskRevision.findUniqueOrThrow({
      where: { taskId_revision: { taskId: before.taskId, revision: before.taskRevision } },
      select: { source: true, task: { select: { salt: true } } },
    });
    // Between the request and now the person may have left the group, or the task's hours may be over.
    const may = mayActivate(
      readTaskDocument(revision.source),
      { email: actor.email, groups: actor.groups, kind: 'person' },
      { epochMs: now },
    );
    if (!may.ok) throw new TaskgateError('forbidden', may.reason);
    requireConfirmed(ctx, before);
    await requireSigned(tx, before);
    await requirePrincipal(tx, before);
    // Counted under the person's own row lock: parallel activations see each other.
    await tx.$queryRaw`select id from identities where id = ${actor.identityId} for update`;
    const active = await tx.grant.count({
      where: { identityId: actor.identityId, taskId: before.taskId, state: 'active', expiresAt: { gt: new Date(now) } },
    });
    if (active >= MAX_ACTIVE_PER_TASK)
      throw new TaskgateError('rate-limited', `you have ${active} active grants of this task; end some first`);
    const after = await changeGrant(
      tx,
      ctx,
      before,
      { kind: 'activate', by: actor.identityId },
      {
        now,
        action: 'grant.activate',
        also: {
          activatedAt: new Date(now),
          verifier: await encodeScramVerifier(token, revision.task.salt),
          tokenHash: hashToken(token),
        },
      },
    );
    return {
      grant: (await toGrantViews(tx, actor, [after], now))[0]!,
      token: token.reveal((text) => text),
      connect: toConnectStrings(ctx.services.settings, after.task.name, after.task.resource.database),
    };
  });
}

/** What was signed is what is activated, for at most as long. Throws `conflict`. */
async function requireSigned(tx: Transaction, grant: GrantRow): Promise<void> {
  const why = await whyNotSigned(grant.approvals, needsSignatures(grant), (said, { subject }) =>
    grantContent(tx, grant, subject.kind === 'grant' ? Math.max(subject.ttlMs, grant.ttlMs) : grant.ttlMs, said),
  );
  if (why !== null) throw new TaskgateError('conflict', `${why}; ask for a new grant`);
}
