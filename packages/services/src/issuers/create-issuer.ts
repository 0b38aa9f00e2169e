import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import { Prisma } from '@taskgate/db';
import { newId, type ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { keptKeyFields, requireUsableIssuer } from './check-issuer.ts';
import { ISSUER_SELECT, type IssuerView, toIssuerView } from './issuer-view.ts';

/** Its keys are not asked for here: `checkIssuerKeys` does that, and each token that comes. */
export async function createIssuer(ctx: ServiceContext, input: unknown): Promise<IssuerView> {
  requireScope(ctx, 'people:write');
  const wish = parseInput(inputOf(contract.issuers.create), input);
  requireUsableIssuer(wish);
  return withTransaction(ctx, async (tx) => {
    const taken = await tx.issuer.findFirst({ where: { OR: [{ name: wish.name }, { url: wish.url }] } });
    if (taken !== null)
      throw new TaskgateError(
        'conflict',
        taken.url === wish.url
          ? `\`${wish.url}\` is the issuer \`${taken.name}\` already; machines can each have an audience of their own`
          : `there is an issuer \`${wish.name}\` already`,
      );
    const at = new Date(ctx.services.clock.now());
    const { jwksUrl, jwks } = keptKeyFields(wish);
    const row = await tx.issuer.create({
      data: {
        ...wish,
        id: newId(ctx.services, 'iss'),
        jwksUrl,
        jwks: jwks ?? Prisma.DbNull,
        createdAt: at,
        updatedAt: at,
      },
      select: ISSUER_SELECT,
    });
    const view = toIssuerView(row);
    await emitAudit(tx, ctx, {
      action: 'issuer.create',
      subjectKind: 'issuer',
      subject: row.id,
      before: null,
      after: view,
    });
    await notifyChange(tx, { topic: 'machines', id: row.id });
    return view;
  });
}
