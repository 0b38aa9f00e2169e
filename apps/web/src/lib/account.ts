import 'server-only';
import type { UserActor } from '@taskgate/services';
import type { Session } from './me.tsx';
import { pending } from './pending.ts';

export async function startSignIn(_input: {
  email: string;
  password: string;
  userAgent: string;
}): Promise<{ webSessionId: string }> {
  return pending('signIn');
}
export async function endSignIn(_webSessionId: string): Promise<void> {
  return pending('endWebSession');
}
export async function actorOfWebSession(_webSessionId: string): Promise<UserActor | null> {
  return pending('checkWebSession');
}
export async function actorOfApiToken(_token: string): Promise<UserActor | null> {
  return pending('checkApiToken');
}
export async function sessionOf(_actor: UserActor): Promise<Session> {
  return pending('loadMe');
}
