import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { PASSKEY_SELECT, type PasskeyRow } from './passkey-row.ts';

/** The locked row. A passkey of somebody else does not exist. */
export async function requireOwnPasskey(tx: Transaction, identityId: string, id: string): Promise<PasskeyRow> {
  await tx.$queryRaw`SELECT id FROM passkeys WHERE id = ${id} FOR UPDATE`;
  const row = await tx.passkey.findFirst({ where: { id, identityId }, select: PASSKEY_SELECT });
  if (row === null) throw new TaskgateError('not-found', `you have no passkey \`${id}\``);
  return row;
}
