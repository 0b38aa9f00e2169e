import type { Transaction } from '@taskgate/db';

/** Remembers that the address is this person's no more. The caller writes the audit row. */
export async function noteFormerAddress(tx: Transaction, identityId: string, email: string): Promise<void> {
  await tx.formerAddress.createMany({ data: [{ email, identityId }], skipDuplicates: true });
}

/**
 * Whether somebody else than `exceptId` had this address whose lock an admin's hand holds: no renaming or removal by the
 * directory takes it off, and nobody comes in by the address without an admin.
 */
export async function isOfLockedByHand(tx: Transaction, email: string, exceptId?: string): Promise<boolean> {
  const held = await tx.formerAddress.count({
    where: { email, identity: { lockedByHand: true, ...(exceptId === undefined ? {} : { id: { not: exceptId } }) } },
  });
  return held > 0;
}

/** An admin has let somebody in who has it now: whose it was before counts no more. The caller writes the audit row. */
export async function forgetFormerAddress(tx: Transaction, email: string): Promise<void> {
  await tx.formerAddress.deleteMany({ where: { email } });
}
