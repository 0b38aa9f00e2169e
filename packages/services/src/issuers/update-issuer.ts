import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import { Prisma } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { revokeGrantsOf } from '../people/end-access.ts';
import { requireMayBe } from '../people/require-may-be.ts';
import { USER_SELECT } from '../people/user-view.ts';
import { requireScope } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { keptKeyFields, requireUsableIssuer } from './check-issuer.ts';
import { ISSUER_SELECT, type IssuerView, toIssuerView } from './issuer-view.ts';

/**
 * Its name, kind and address stay: who is bound to it was vouched for by that one. Disabling it ends the grants of all
 * who are bound to it.
 */
export async function updateIssuer(ctx: ServiceContext, input: unknown): Promise<IssuerView> {
  requireScope(ctx, 'people:write');
  const { name, disabled, ...wish } = parseInput(inputOf(contract.issuers.update), input);
  return withTransaction(ctx, async (tx) => {
    const row = await tx.issuer.findUnique({ where: { name }, select: ISSUER_SELECT });
    if (row === null) throw new TaskgateError('not-found', `there is no issuer \`${name}\``);
    const before = toIssuerView(row);
    const bound = await tx.claimBinding.findMany({
      where: { issuerId: row.id },
      select: { identity: { select: USER_SELECT } },
    });
    // With keys of one's own it says who one is.
    for (const { identity } of bound) await requireMayBe(tx, ctx, identity);
    const next = {
      audience: wish.audience ?? before.audience,
      keySource: wish.keySource ?? before.keySource,
      skewMs: wish.skewMs ?? before.skewMs,
      maxLifetimeMs: wish.maxLifetimeMs ?? before.maxLifetimeMs,
      singleUse: wish.singleUse ?? before.singleUse,
      privateNetwork: wish.privateNetwork ?? before.privateNetwork,
    };
    const origin = {
      ...next,
      ...{ kind: before.kind, url: before.url },
      jwksUrl: wish.jwksUrl === undefined ? before.jwksUrl : wish.jwksUrl,
      jwks: wish.jwks === undefined ? before.jwks : wish.jwks,
    };
    requireUsableIssuer(origin);
    const at = new Date(ctx.services.clock.now());
    const disabledAt = disabled === undefined ? row.disabledAt : disabled ? (row.disabledAt ?? at) : null;
    const { jwksUrl, jwks } = keptKeyFields(origin);
    const after = toIssuerView(
      await tx.issuer.update({
        where: { name },
        data: { ...next, jwksUrl, jwks: jwks ?? Prisma.DbNull, disabledAt, updatedAt: at },
        select: ISSUER_SELECT,
      }),
    );
    if (disabledAt !== null && row.disabledAt === null)
      await revokeGrantsOf(
        tx,
        ctx,
        bound.map(({ identity }) => identity.id),
      );
    await emitAudit(tx, ctx, { action: 'issuer.update', subjectKind: 'issuer', subject: row.id, before, after });
    await notifyChange(tx, { topic: 'machines', id: row.id });
    return after;
  });
}
