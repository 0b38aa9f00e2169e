import { implement } from '@orpc/server';
import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { IdentityActor, ServiceContext, Services } from '@taskgate/services';

/** What a call has before its verb. */
export interface CallContext {
  readonly services: Services;
  /** `null` only for the calls that nobody has to sign in for. */
  readonly actor: IdentityActor | null;
  /** Where the call came from, for rate limits and the audit. */
  readonly clientAddress: string;
  readonly userAgent: string;
}

export const implementer = implement(contract).$context<CallContext>();

/** What the verbs take. Throws `not-signed-in`. */
export function asCaller({ services, actor }: CallContext): ServiceContext {
  if (!actor) throw new TaskgateError('not-signed-in', 'sign in first');
  return { services, actor };
}
