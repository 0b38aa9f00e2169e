import { type AnyApprovalContent, APPROVAL_FORMAT, FIRST_APPROVAL_FORMAT, signedText } from './approval-content.ts';
import { type PublicJwk, parsePublicJwk } from './public-key.ts';

/** An approval as one takes it away: what was signed, and the passkey's answer to it. */
export interface ApprovalFile {
  /** As what was signed. */
  readonly format: AnyApprovalContent['format'];
  /** Of the approval, and what the reviewer called the passkey: for finding it, not signed. */
  readonly id: string;
  readonly passkeyName: string;
  /** The canonical JSON of an {@link AnyApprovalContent}; `null`: erased, and the answer's challenge is its SHA-256. */
  readonly signed: string | null;
  readonly publicKey: PublicJwk;
  /** Base64url, as the browser gave them. */
  readonly authenticatorData: string;
  readonly clientDataJSON: string;
  readonly signature: string;
}

/** More is no approval: a statement is at most some hundred kilobytes. */
const MAX_FILE_CHARACTERS = 8_000_000;

type Fields = Readonly<Record<string, unknown>>;
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/** Reads the text of an `approval-<id>.json`; the problem is in words. Says nothing of whether it is true. */
export function parseApprovalFile(text: string): Parsed<ApprovalFile> {
  if (text.length > MAX_FILE_CHARACTERS) return wrong('it is too large to be an approval');
  const fields = parseObject(text);
  if (fields === null) return wrong('it is not JSON');
  const { format } = fields;
  if (format !== APPROVAL_FORMAT && format !== FIRST_APPROVAL_FORMAT)
    return wrong(`its format is neither \`${APPROVAL_FORMAT}\` nor \`${FIRST_APPROVAL_FORMAT}\``);
  const publicKey = parsePublicJwk(fields.publicKey);
  if (publicKey === null) return wrong('it has no public key of a kind that passkeys have');
  const { id, passkeyName, signed, authenticatorData, clientDataJSON, signature } = fields;
  if (
    !isText(id) ||
    !isText(passkeyName) ||
    !isTextOrNull(signed) ||
    !isText(authenticatorData) ||
    !isText(clientDataJSON) ||
    !isText(signature)
  )
    return wrong('a part of it is missing');
  return {
    ok: true,
    value: {
      format,
      id,
      passkeyName,
      signed: signed as string | null,
      publicKey,
      authenticatorData,
      clientDataJSON,
      signature,
    },
  };
}

/** Reads what was signed, strictly: it must be its own canonical form, with every part and no other. */
export function parseSignedText(signed: string): Parsed<AnyApprovalContent> {
  const value = parseObject(signed);
  if (value === null || !hasShape(value, value.format === APPROVAL_FORMAT ? CONTENT : FIRST_CONTENT))
    return wrong('what was signed is not an approval');
  const subject = value.subject as Fields;
  if (!hasShape(subject, subject.kind === 'hold' ? HOLD : GRANT)) return wrong('what was signed is not an approval');
  const content = value as unknown as AnyApprovalContent;
  try {
    if (signedText(content) !== signed) return wrong('what was signed is not in its canonical form');
  } catch {
    return wrong('what was signed has no canonical form');
  }
  return { ok: true, value: content };
}

const wrong = (problem: string): { ok: false; problem: string } => ({ ok: false, problem });
const isText = (value: unknown): value is string => typeof value === 'string';
const isTextOrNull = (value: unknown): boolean => value === null || isText(value);
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

const isMapOf = (value: unknown, isPart: (part: unknown) => boolean): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isPart);

export function parseObject(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
  } catch {
    return null;
  }
}

interface Shape {
  readonly [name: string]: Shape | ((value: unknown) => boolean);
}

function hasShape(value: unknown, shape: Shape): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const names = Object.keys(shape);
  return (
    Object.keys(value).length === names.length &&
    names.every((name) => {
      const wanted = shape[name]!;
      const part = (value as Fields)[name];
      return typeof wanted === 'function' ? wanted(part) : hasShape(part, wanted);
    })
  );
}

const FIRST_CONTENT: Shape = {
  format: (value) => value === FIRST_APPROVAL_FORMAT,
  subject: (value) => typeof value === 'object' && value !== null,
  task: { name: isText, revision: Number.isSafeInteger, documentSha256: isText },
  resource: { id: isText, name: isText, database: isText },
  requester: { id: isText, kind: isText, email: isText },
  reviewer: { id: isText, email: isText },
  terms: { from: isTexts, count: Number.isSafeInteger, stepUp: (value) => typeof value === 'boolean' },
  comment: isTextOrNull,
  window: { notBefore: isText, notAfter: isText },
  nonce: isText,
  site: { origin: isText, rpId: isText },
};
const CONTENT: Shape = {
  ...FIRST_CONTENT,
  format: (value) => value === APPROVAL_FORMAT,
  resource: {
    id: isText,
    name: isText,
    host: isText,
    port: Number.isSafeInteger,
    database: isText,
    labels: (value) => isMapOf(value, isText),
  },
  limits: (value) => value === null || isMapOf(value, (limit) => limit === null || Number.isSafeInteger(limit)),
};
const HOLD: Shape = {
  kind: (value) => value === 'hold',
  holdId: isText,
  grantId: isText,
  sessionId: isText,
  decisionId: isText,
  binding: isText,
  statement: isText,
  parameters: (value) => Array.isArray(value) && value.every(isTextOrNull),
  affectsMax: (value) => value === null || Number.isSafeInteger(value),
};
const GRANT: Shape = {
  kind: (value) => value === 'grant',
  grantId: isText,
  ttlMs: Number.isSafeInteger,
  reason: isTextOrNull,
  ticket: isTextOrNull,
};
