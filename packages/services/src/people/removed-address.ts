import type { Transaction } from '@taskgate/db';

/**
 * What the address of somebody becomes whom the directory removed: still to be read in what they did, and no address any
 * more, so that nobody signs in with it and the next person of the address is somebody new.
 */
export const removedAddress = (email: string, id: string): string => `${email} (removed ${id})`;

/** Whether an admin's hand held the lock of the last one removed who had this address: no removal takes that off. */
export async function wasLockedByHand(tx: Transaction, email: string): Promise<boolean> {
  const removed = await tx.identity.findMany({
    where: { email: { startsWith: `${email} (removed ` }, directoryUser: { removedAt: { not: null } } },
    select: { id: true, email: true, lockedByHand: true },
    orderBy: { directoryUser: { removedAt: 'desc' } },
  });
  return removed.find((one) => one.email === removedAddress(email, one.id))?.lockedByHand ?? false;
}
