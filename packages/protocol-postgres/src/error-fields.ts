import { assert } from '@taskgate/core';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { BACKEND_TAG } from './message-tags.ts';
import { violation } from './protocol-error.ts';

/**
 * Fields of an error or notice by their letter, in the order in which they came ("Error and Notice Message Fields" in
 * the Postgres manual): S and V severity, C sqlstate, M message, D detail, H hint, P position, ...
 */
export type ErrorFields = ReadonlyMap<string, string>;

/**
 * Decodes ErrorResponse or NoticeResponse. Bytes that are not UTF-8 become U+FFFD: before the session's encoding is
 * set, a server speaks its own. Any field may be missing: see {@link sqlstateOf}.
 */
export function decodeErrorFields(raw: Uint8Array): ErrorFields {
  const reader = new ByteReader(raw, 5, 'error');
  const fields = new Map<string, string>();
  for (;;) {
    const letter = reader.u8();
    if (letter === 0) break;
    const name = String.fromCharCode(letter);
    if (fields.has(name)) throw violation('error message gives a field twice');
    fields.set(name, reader.lossyText());
  }
  reader.end();
  return fields;
}

const SQLSTATE = /^[0-9A-Z]{5}$/;

/** Five characters, whatever the server sent: `XX000` (internal error) where there is no sqlstate. */
export function sqlstateOf(fields: ErrorFields): string {
  const sqlstate = fields.get('C');
  return sqlstate !== undefined && SQLSTATE.test(sqlstate) ? sqlstate : 'XX000';
}

export function encodeErrorFields(kind: 'error' | 'notice', fields: ErrorFields): Uint8Array {
  const writer = new ByteWriter(kind === 'error' ? BACKEND_TAG.error : BACKEND_TAG.notice);
  for (const [letter, text] of fields) {
    const code = letter.charCodeAt(0);
    assert(letter.length === 1 && code > 0 && code < 256, 'a field of an error has one letter');
    // User input may be in it: a nul would end the field and start another of the user's choosing.
    writer.u8(code).text(text.replaceAll('\0', '\ufffd'));
  }
  return writer.u8(0).finish();
}

/** Fields of an error by name. `null` or left out: not sent. */
export interface ErrorContent {
  readonly severity: 'ERROR' | 'FATAL' | 'PANIC' | 'WARNING' | 'NOTICE' | 'DEBUG' | 'INFO' | 'LOG';
  readonly sqlstate: string;
  readonly message: string;
  readonly detail?: string | null;
  readonly hint?: string | null;
  /** Character of the statement, from 1. */
  readonly position?: number | null;
  readonly where?: string | null;
  readonly schema?: string | null;
  readonly table?: string | null;
  readonly column?: string | null;
  readonly dataType?: string | null;
  readonly constraint?: string | null;
}

export function toErrorFields(content: ErrorContent): ErrorFields {
  assert(SQLSTATE.test(content.sqlstate), 'a sqlstate has five characters');
  const fields = new Map<string, string>([
    ['S', content.severity],
    ['V', content.severity],
    ['C', content.sqlstate],
    ['M', content.message],
  ]);
  const add = (letter: string, value: string | null | undefined): void => {
    if (value !== null && value !== undefined) fields.set(letter, value);
  };
  add('D', content.detail);
  add('H', content.hint);
  add('P', content.position?.toString());
  add('W', content.where);
  add('s', content.schema);
  add('t', content.table);
  add('c', content.column);
  add('d', content.dataType);
  add('n', content.constraint);
  return fields;
}

/** An ErrorResponse. */
export function encodeError(content: ErrorContent): Uint8Array {
  return encodeErrorFields('error', toErrorFields(content));
}
