import { contract } from '@taskgate/contracts';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { requireOwnPasskey } from './own-passkey.ts';
import { toPasskeyAudit } from './passkey-row.ts';
import { provePerson } from './prove-person.ts';

/** Removes one of the caller's own. What it signed stays verifiable: its key is kept with it. */
export async function removePasskey(ctx: ServiceContext, input: unknown): Promise<{ left: number }> {
  const actor = requirePerson(ctx);
  const { id, ...proof } = parseInput(inputOf(contract.passkeys.remove), input);
  // Without a passkey a person approves unsigned again: who stole their session must not bring that about.
  await provePerson(ctx, actor, proof);
  const { identityId } = actor;
  return withTransaction(ctx, async (tx) => {
    const row = await requireOwnPasskey(tx, identityId, id);
    await tx.passkey.delete({ where: { id } });
    await emitAudit(tx, ctx, {
      action: 'passkey.remove',
      subjectKind: 'passkey',
      subject: id,
      before: toPasskeyAudit(row),
      after: null,
    });
    await notifyChange(tx, { topic: 'people', id: identityId, userId: identityId });
    return { left: await tx.passkey.count({ where: { identityId } }) };
  });
}
