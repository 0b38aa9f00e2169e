import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';

/** Whether the directory's token may take over people who are here, which only an admin can let it. */
export async function mayTakeOver(tx: Transaction, { actor }: ServiceContext): Promise<boolean> {
  if (actor.kind !== 'system' || actor.tokenId === undefined) return false;
  return (await tx.scimToken.count({ where: { id: actor.tokenId, adopts: true } })) > 0;
}
