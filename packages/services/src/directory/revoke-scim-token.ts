import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { SCIM_TOKEN_SELECT, type ScimTokenView, toScimTokenView } from './load-directory.ts';

/** Holds for the directory's next request. Whom it keeps stays as they are. Done again it changes nothing. */
export async function revokeScimToken(ctx: ServiceContext, input: unknown): Promise<ScimTokenView> {
  requireScope(ctx, 'people:write');
  const { id } = parseInput(inputOf(contract.directory.revokeToken), input);
  return withTransaction(ctx, async (tx) => {
    const before = await tx.scimToken.findUnique({ where: { id }, select: SCIM_TOKEN_SELECT });
    if (before === null) throw new TaskgateError('not-found', `there is no SCIM token \`${id}\``);
    if (before.revokedAt !== null) return toScimTokenView(before);
    return revoke(tx, ctx, before);
  });
}

/** Revokes every SCIM token that these people made, each with its audit row; gives the number of those that still stood. */
export async function revokeScimTokensOf(
  tx: Transaction,
  ctx: ServiceContext,
  createdByIds: readonly string[],
): Promise<number> {
  const standing = await tx.scimToken.findMany({
    where: {
      createdById: { in: [...createdByIds] },
      revokedAt: null,
      expiresAt: { gt: new Date(ctx.services.clock.now()) },
    },
    select: SCIM_TOKEN_SELECT,
  });
  for (const before of standing) await revoke(tx, ctx, before);
  return standing.length;
}

async function revoke(
  tx: Transaction,
  ctx: ServiceContext,
  before: Parameters<typeof toScimTokenView>[0],
): Promise<ScimTokenView> {
  const { id } = before;
  const revokedAt = new Date(ctx.services.clock.now());
  const after = await tx.scimToken.update({ where: { id }, data: { revokedAt }, select: SCIM_TOKEN_SELECT });
  await emitAudit(tx, ctx, {
    action: 'scim-token.revoke',
    subjectKind: 'scim-token',
    subject: id,
    before: toScimTokenView(before),
    after: toScimTokenView(after),
  });
  await notifyChange(tx, { topic: 'people', id });
  return toScimTokenView(after);
}
