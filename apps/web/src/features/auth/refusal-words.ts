import type { SignInRefusal } from '@taskgate/core';

/** What a person is told whose sign-in at a provider came to nothing. Why exactly, the audit says. */
export const REFUSAL_WORDS: Record<SignInRefusal, string> = {
  'no-such-provider': 'This way to sign in is not there, or it is turned off. Choose another.',
  'provider-unreachable': 'The provider does not answer. Try again in a moment, or sign in another way.',
  'provider-refused': 'The provider did not sign you in.',
  'answer-not-valid': 'What the provider answered cannot be accepted. Start again; if it stays so, ask an admin.',
  'started-elsewhere': 'This sign-in was not begun in this browser, or is over. Start again here.',
  'too-late': 'This sign-in took too long, or was finished already. Start again.',
  'not-known-here':
    'The provider knows you, and you are not known here. If you have a password, a passkey or another provider here, sign in with that and link the provider in your Settings; else ask an admin to let you in.',
  disabled: 'Your account here is disabled. Ask an admin.',
  'too-many': 'Too many sign-ins failed from your address. Wait a few minutes, then try again.',
  internal: 'Something went wrong here. Try again; if it stays so, ask an admin.',
};
