import { ORPCError } from '@orpc/client';
import {
  type AuthenticationResponseJSON,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  startAuthentication,
  startRegistration,
} from '@simplewebauthn/browser';
import type { CreationOptionsView, RequestOptionsView } from './views.ts';

/** The passkey's answer to the question that `ask` gets. Rejections are for `problemOf`. */
export async function askPasskey(ask: () => Promise<RequestOptionsView>): Promise<AuthenticationResponseJSON> {
  const options = await ask();
  return inWords(() =>
    startAuthentication({ optionsJSON: options as unknown as PublicKeyCredentialRequestOptionsJSON }),
  );
}

export async function makePasskey(options: CreationOptionsView): Promise<RegistrationResponseJSON> {
  return inWords(() =>
    startRegistration({ optionsJSON: options as unknown as PublicKeyCredentialCreationOptionsJSON }),
  );
}

async function inWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const detail = wordsOf(error);
    const problem = { code: 'wrong-passkey', status: 0, detail, problems: [] };
    throw new ORPCError(problem.code, { message: detail, data: problem });
  }
}

/** Of the errors that browsers give (WebAuthn sections 5.1.3 and 5.1.4), which are as wrapped by the library. */
function wordsOf(error: unknown): string {
  const name = error instanceof Error ? error.name : '';
  switch (name) {
    case 'InvalidStateError':
      return 'This device has a passkey of yours already.';
    case 'SecurityError':
      return `Passkeys belong to a host name: open this page at ${window.location.href.replace(/\/\/(127\.0\.0\.1|\[::1\])/, '//localhost')}`;
    case 'NotSupportedError':
    case 'ConstraintError':
      return 'This device cannot verify who uses it. Use another one.';
    case 'NotAllowedError':
    case 'AbortError':
      return 'The passkey was not used: it was cancelled, or it took too long. Try again.';
    default:
      return 'This browser cannot use passkeys here.';
  }
}

/** Where passkeys work for this page: `null` here, else its address by a name. An IP address has none. */
export function passkeyAddress(origin: string | null): string | null {
  if (origin === null || origin === window.location.origin) return null;
  return origin + window.location.pathname + window.location.search;
}
