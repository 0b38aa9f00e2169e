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
  refuseGrantToken(actor);
  if (scope !== null) requireScope(ctx, scope);
  return actor;
}

/** For verbs about whoever asks, person, machine or agent: what they do is done as them. */
export function requireIdentity(
  ctx: ServiceContext,
  scope: Scope | null = null,
  options: { /** The verb keeps to the token's own grant and what is below it. */ readonly grantToken?: boolean } = {},
): IdentityActor {
  const { actor } = ctx;
  if (actor.kind === 'system') throw new TaskgateError('forbidden', 'only a person, a machine or an agent can do this');
  if (options.grantToken !== true) refuseGrantToken(actor);
  if (scope !== null) requireScope(ctx, scope);
  return actor;
}

function refuseGrantToken(actor: IdentityActor): void {
  if (actor.via === 'grant-token')
    throw new TaskgateError(
      'forbidden',
      'the token of a grant can show, end and make grants of its own tree; for this use an API token',
    );
}

/** For verbs that only the product itself calls. */
export function requireSystem(ctx: ServiceContext, ...vias: readonly SystemActor['via'][]): void {
  const { actor } = ctx;
  if (actor.kind === 'system' && vias.includes(actor.via)) return;
  throw new TaskgateError('forbidden', 'only the product itself can do this');
}
