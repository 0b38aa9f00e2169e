import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { requireAdmin, requireNoEscalation } from './require-no-escalation.ts';
import { requireUnnamed } from './require-unnamed.ts';
import { rightsOf } from './rights-of.ts';
import type { UserRow } from './user-view.ts';

/**
 * For what lets the caller be that identity: a proof or a secret of a machine, an issuer that it trusts. What a document in
 * force opens to a machine by its name is beyond whoever may only change people. Throws `forbidden`.
 */
export async function requireMayBe(tx: Transaction, ctx: ServiceContext, row: UserRow): Promise<void> {
  requireNoEscalation(ctx, rightsOf(row));
  const { id, kind, name } = row.actsFor ?? row;
  const { actor } = ctx;
  if (kind === 'person' && (actor.kind === 'system' || actor.identityId !== id))
    requireAdmin(ctx, 'an agent of somebody else can do what they may, also what they may later');
  if (kind === 'machine') await requireUnnamed(tx, ctx, name);
}
