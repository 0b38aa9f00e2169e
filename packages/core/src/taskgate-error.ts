/** Every error code a client can meet. Stable: clients match on them. `docs/errors.md` says what each means and what to check. */
export const ERROR_CODES = [
  'bad-input',
  'not-signed-in',
  'wrong-password',
  'wrong-passkey',
  'step-up-required',
  'forbidden',
  'not-found',
  'conflict',
  'invalid-state',
  'rate-limited',
  'too-large',
  'wrong-token',
  'grant-expired',
  'grant-ended',
  'wider-than-parent',
  'resource-unreachable',
  'credential-refused',
  'principal-unavailable',
  'store-unavailable',
  'record-unavailable',
  'not-supported',
  'internal',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** One place of a source text, both counted from 1. */
export interface SourcePosition {
  readonly line: number;
  readonly column: number;
}

/** One thing wrong with an input: where and what to do. */
export interface Problem {
  /** Dotted path into the input, such as `allow.0.columns`, or empty for the whole. */
  readonly path: string;
  readonly message: string;
  readonly position: SourcePosition | null;
}

/**
 * The one error class. `message` is written for the person who reads it (lower case, no full stop, their input in
 * backticks) and never holds a secret; `cause` is for the log only. Anything else that is thrown is `internal` and its
 * text never reaches a client.
 */
export class TaskgateError extends Error {
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; problems?: readonly Problem[] } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TaskgateError';
    this.code = code;
    this.problems = options.problems ?? [];
  }
}
