import { type Scope, TaskgateError } from '@taskgate/core';
import type { IdentityActor, ServiceContext } from './context.ts';
import { requireIdentity } from './require-scope.ts';

/** The first line of a verb that several scopes open, each to some rows: which rows is decided row by row. */
export function requireAnyScope(
  ctx: ServiceContext,
  scopes: readonly Scope[],
  options: Parameters<typeof requireIdentity>[2] = {},
): IdentityActor {
  const actor = requireIdentity(ctx, null, options);
  if (scopes.some((scope) => actor.scopes.includes(scope))) return actor;
  const names = scopes.map((scope) => `\`${scope}\``).join(' or ');
  throw new TaskgateError('forbidden', `this needs the scope ${names}, which you do not have; ask an admin`);
}
