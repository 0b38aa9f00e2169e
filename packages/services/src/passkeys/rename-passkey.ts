import { contract } from '@taskgate/contracts';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { requireOwnPasskey } from './own-passkey.ts';
import { PASSKEY_SELECT, type PasskeyView, toPasskeyAudit, toPasskeyView } from './passkey-row.ts';
import { passkeySite } from './passkey-site.ts';

export async function renamePasskey(ctx: ServiceContext, input: unknown): Promise<PasskeyView> {
  const { identityId } = requirePerson(ctx);
  const { id, name } = parseInput(inputOf(contract.passkeys.rename), input);
  return withTransaction(ctx, async (tx) => {
    const before = await requireOwnPasskey(tx, identityId, id);
    const after = await tx.passkey.update({ where: { id }, data: { name }, select: PASSKEY_SELECT });
    await emitAudit(tx, ctx, {
      action: 'passkey.rename',
      subjectKind: 'passkey',
      subject: id,
      before: toPasskeyAudit(before),
      after: toPasskeyAudit(after),
    });
    return toPasskeyView(after, passkeySite(ctx.services.settings));
  });
}
