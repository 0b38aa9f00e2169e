/** What a provider proved about whoever signed in there. Nothing of it is what they may do here. */
export interface SignInProof {
  /** The provider's own name for them, which it never gives to anybody else. */
  readonly subject: string;
  readonly email: string | null;
  /** Whether the provider says that it has checked the address. */
  readonly emailVerified: boolean;
  readonly name: string | null;
  /** Empty where it names none, and where the claim is missing. */
  readonly groups: readonly string[];
}

/** `refused`: the provider did not sign them in. `not-valid`: its answer is not to be believed. `unreachable`: it did not answer. */
export type ProviderFault = 'refused' | 'not-valid' | 'unreachable';

/** Why a provider proved nothing. The message is for admins: it may quote the provider, and holds no secret. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly fault: ProviderFault;

  constructor(fault: ProviderFault, message: string, options: { cause?: unknown } = {}) {
    super(message.slice(0, MAX_MESSAGE), options.cause === undefined ? undefined : { cause: options.cause });
    this.fault = fault;
  }
}
const MAX_MESSAGE = 1000;

export interface ProviderTestStep {
  readonly name: string;
  readonly ok: boolean;
  readonly message: string;
}

const MAX_GROUPS = 1000;
const MAX_GROUP_LENGTH = 300;
const MAX_TEXT_LENGTH = 300;

/** A claim that lists groups: an array, or one text. What is no text, too long, or beyond the limit gives no group. */
export function readGroups(value: unknown): readonly string[] {
  const items = Array.isArray(value) ? value : [value];
  const texts = items.filter((item): item is string => typeof item === 'string' && isStorable(item, MAX_GROUP_LENGTH));
  return [...new Set(texts)].slice(0, MAX_GROUPS);
}

/** One text of a claim, or `null`. */
export function readText(value: unknown): string | null {
  const text = typeof value === 'string' ? value.trim() : '';
  return isStorable(text, MAX_TEXT_LENGTH) ? text : null;
}

const isStorable = (text: string, maxLength: number): boolean =>
  text.length > 0 && text.length <= maxLength && !/[\p{Cc}\p{Surrogate}]/u.test(text);
