import { createHash } from 'node:crypto';
import { SecretValue } from '@taskgate/core';

/** The prefix says what a token is, for people and for scanners of leaked secrets. */
export const TOKEN_PREFIXES = {
  /** For the HTTP API. */
  api: 'tg_',
  /** The password of a grant's native clients. */
  grant: 'tgt_',
  /** Makes the first admin, once. */
  setup: 'tgs_',
  /** A device asks with it whether its sign-in was allowed. */
  device: 'tgv_',
  /** Opens one console's WebSocket. */
  console: 'tgc_',
  /** Lets a directory keep people and groups: SCIM alone. */
  scim: 'tgd_',
  /** Keeps a sign-in at a provider with the browser that began it. */
  browser: 'tgb_',
  /** What a provider's proof is handed on as, for seconds. */
  code: 'tgo_',
} as const;
export type TokenKind = keyof typeof TOKEN_PREFIXES;

const RANDOM_BYTES = 32;
/** Characters after the prefix: 32 bytes in base64url. */
const RANDOM_LENGTH = 43;

/** A token of 256 random bits. Shown once; kept only as {@link hashToken}. */
export function createToken(kind: TokenKind, randomBytes: (length: number) => Uint8Array): SecretValue {
  return new SecretValue(TOKEN_PREFIXES[kind] + Buffer.from(randomBytes(RANDOM_BYTES)).toString('base64url'));
}

/** Whether it has a token's form; says nothing of whether it is valid. */
export function isToken(text: string, kind: TokenKind): boolean {
  const prefix = TOKEN_PREFIXES[kind];
  return text.length === prefix.length + RANDOM_LENGTH && text.startsWith(prefix) && /^\w+_[\w-]+$/.test(text);
}

/** SHA-256, 32 bytes: enough for a secret of 256 random bits, which nobody can guess. */
export function hashToken(token: SecretValue): Uint8Array<ArrayBuffer> {
  return token.reveal((text) => new Uint8Array(createHash('sha256').update(text).digest()));
}
