import { type Scope, TaskgateError } from '@taskgate/core';
import type { IdentityActor, ServiceContext, SystemActor } from './context.ts';

/**
 * The first line of a verb. Setup may do everything; of the other system actors none passes: their verbs say
 * {@link requireSystem}. Throws `forbidden`.
 */
export function requireScope(ctx: ServiceContext, scope: Scope): void {
  const { actor } = ctx;
  if (actor.kind === 'system' ? actor.via === 'setup' : actor.scopes.includes(scope)) return;
  throw new TaskgateError('forbidden', `this needs the scope \`${scope}\`, which you do not have; ask an admin`);
}

/** For verbs that only a person can ask for, as what they do is about that person. */
export function requirePerson(ctx: ServiceContext, scope: Scope | null = null): IdentityActor {
  const { actor } = ctx;
  if (actor.kind !== 'person') throw new TaskgateError('forbidden', 'only a person can do this');
  if (scope !== null) requireScope(ctx, scope);
  return actor;
}

/** For verbs about whoever asks, person, machine or agent: what they do is done as them. */
export function requireIdentity(ctx: ServiceContext, scope: Scope | null = null): IdentityActor {
  const { actor } = ctx;
  if (actor.kind === 'system') throw new TaskgateError('forbidden', 'only a person, a machine or an agent can do this');
  if (scope !== null) requireScope(ctx, scope);
  return actor;
}

/** For verbs that only the product itself calls. */
export function requireSystem(ctx: ServiceContext, ...vias: readonly SystemActor['via'][]): void {
  const { actor } = ctx;
  if (actor.kind === 'system' && vias.includes(actor.via)) return;
  throw new TaskgateError('forbidden', 'only the product itself can do this');
}
