import type { Prisma } from '@taskgate/db';
import type { IdentityActor } from '../context.ts';

/** Where a grant stands. */
export interface GrantPlace {
  readonly id: string;
  readonly ancestorIds: readonly string[];
}

/** Whether the caller reaches the grant at all: by a grant's token, that grant and what is below it, and nothing else. */
export function reaches(actor: IdentityActor, grant: GrantPlace): boolean {
  return actor.via !== 'grant-token' || grant.id === actor.viaId || grant.ancestorIds.includes(actor.viaId);
}

/** The same as a condition. */
export function reachedGrants(actor: IdentityActor): Prisma.GrantWhereInput {
  return actor.via === 'grant-token' ? subtreeOf(actor.viaId) : {};
}

/** A grant and every grant below it. */
export const subtreeOf = (id: string): Prisma.GrantWhereInput => ({ OR: [{ id }, { ancestorIds: { has: id } }] });
