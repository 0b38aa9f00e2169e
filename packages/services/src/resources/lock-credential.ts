import type { Transaction } from '@taskgate/db';

/** Says `rota`: with a resource, one change of its password at a time. */
const LOCK_KEY = 0x726f7461;

/**
 * Takes the lock under which a resource's password is changed, by a rotation or by somebody who gives another, until the
 * transaction ends; it goes with the process. False where somebody else has it: a rotation has it while it talks to the
 * target, which is not waited for.
 */
export async function lockCredential(tx: Transaction, resourceId: string): Promise<boolean> {
  const [lock] = await tx.$queryRaw<{ free: boolean }[]>`
    SELECT pg_try_advisory_xact_lock(${LOCK_KEY}::int, hashtext(${resourceId})) AS free`;
  return lock?.free === true;
}
