import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireAdmin, requireNoEscalation } from '../people/require-no-escalation.ts';
import { rightsOf } from '../people/rights-of.ts';
import { USER_SELECT } from '../people/user-view.ts';
import { requireScope } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { PASSKEY_SELECT, toPasskeyAudit } from './passkey-row.ts';
import { proveCaller } from './prove-person.ts';

/** All of somebody else's, by an admin: a device was lost. */
export async function removePasskeysOf(ctx: ServiceContext, input: unknown): Promise<{ removed: number }> {
  requireScope(ctx, 'people:write');
  const { id, ...proof } = parseInput(inputOf(contract.passkeys.removeAllOf), input);
  if (ctx.actor.kind !== 'system' && ctx.actor.identityId === id)
    throw new TaskgateError('forbidden', 'remove your own passkeys under Settings, Passkeys, each with a proof');
  requireAdmin(ctx, 'without a passkey somebody approves unsigned');
  // A stolen sign-in of an admin must not bring that about.
  await proveCaller(ctx, proof);
  return withTransaction(ctx, async (tx) => {
    await tx.$queryRaw`SELECT id FROM identities WHERE id = ${id} FOR UPDATE`;
    const person = await tx.identity.findUnique({ where: { id, kind: 'person' }, select: USER_SELECT });
    if (person === null) throw new TaskgateError('not-found', `there is no person \`${id}\``);
    // Without one they approve unsigned, and sign in by less.
    requireNoEscalation(ctx, rightsOf(person));
    const rows = await tx.passkey.findMany({ where: { identityId: id }, select: PASSKEY_SELECT });
    await tx.passkey.deleteMany({ where: { identityId: id } });
    await emitAudit(tx, ctx, {
      action: 'user.remove-passkeys',
      subjectKind: 'user',
      subject: id,
      before: { passkeys: rows.map(toPasskeyAudit) },
      after: { passkeys: [] },
    });
    await notifyChange(tx, { topic: 'people', id, userId: id });
    return { removed: rows.length };
  });
}
