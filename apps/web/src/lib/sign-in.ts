'use client';
import { signIn as authenticate, signOut as leave } from 'next-auth/react';
import { api } from './api.ts';
import { askPasskey } from './passkey.ts';
import { problemOf } from './problem.ts';

/** `null` when signed in, else the code of what was wrong. */
export async function signIn(email: string, password: string): Promise<string | null> {
  try {
    const answer = await authenticate('credentials', { email, password, redirect: false });
    return answer?.ok && !answer.error ? null : (answer?.error ?? 'network');
  } catch {
    return 'network';
  }
}

/** The same by a passkey, which says who it is. */
export async function signInWithPasskey(): Promise<string | null> {
  try {
    const assertion = await askPasskey(() => api.passkeys.askToSignIn());
    const answer = await authenticate('passkey', { assertion: JSON.stringify(assertion), redirect: false });
    return answer?.ok && !answer.error ? null : (answer?.error ?? 'network');
  } catch (error) {
    return problemOf(error).code;
  }
}

/** The one-time code of a provider's proof. `null` when signed in, else `<refusal> <reference>`. */
export async function redeemCode(code: string): Promise<string | null> {
  try {
    const answer = await authenticate('provider', { code, redirect: false });
    return answer?.ok && !answer.error ? null : (answer?.error ?? 'network');
  } catch {
    return 'network';
  }
}

/** Ends this sign-in on the server as well, and leaves nothing of the page behind. */
export async function signOut(): Promise<void> {
  await leave({ redirect: false });
  window.location.assign('/login');
}
