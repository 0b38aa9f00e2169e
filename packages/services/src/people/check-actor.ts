import type { IdentityActor, Services } from '../context.ts';
import { findTokenActor } from './authenticate-api-token.ts';
import { findGrantActor } from './authenticate-grant-token.ts';
import { checkWebSession } from './check-web-session.ts';

/**
 * The same caller, now: `null` once the sign-in or token they came by has ended or they were disabled. For what goes on
 * after its first check, such as an event stream.
 */
export function checkActor(services: Services, actor: IdentityActor): Promise<IdentityActor | null> {
  switch (actor.via) {
    case 'session':
      return checkWebSession(services, actor.viaId);
    case 'grant-token':
      return findGrantActor(services, { id: actor.viaId });
    default:
      return findTokenActor(services, { id: actor.viaId });
  }
}
