import { type NamedRights, TaskgateError, whyEscalates, whyMore, whyNotAdmin } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';

/** {@link whyEscalates} of the caller; the product itself is trusted as the role `admin` is. Throws `forbidden`. */
export function requireNoEscalation({ actor }: ServiceContext, groups: readonly NamedRights[]): void {
  if (actor.kind !== 'system') refuse(whyEscalates(actor, groups));
}

/** {@link whyMore} of the caller. Throws `forbidden`. */
export function requireNoMore({ actor }: ServiceContext, groups: readonly NamedRights[]): void {
  if (actor.kind !== 'system') refuse(whyMore(actor, groups));
}

/** For what is a way to become anybody at all. `what` says which. Throws `forbidden`. */
export function requireAdmin({ actor }: ServiceContext, what: string): void {
  if (actor.kind !== 'system') refuse(whyNotAdmin(actor, what));
}

function refuse(why: string | null): void {
  if (why !== null) throw new TaskgateError('forbidden', why);
}
