import { assertNever } from '@taskgate/core';
import { type AuthenticationRequest, decodeAuthentication, encodeAuthentication } from './authentication-request.ts';
import { ByteReader, type FormatCode } from './byte-reader.ts';
import { ByteWriter, encodeEmpty } from './byte-writer.ts';
import { dataRowValue, decodeDataRow, encodeDataRow } from './data-row.ts';
import { decodeErrorFields, type ErrorFields, encodeErrorFields } from './error-fields.ts';
import type { Frame } from './frame-decoder.ts';
import { encodeCopyData, encodeCopyDone } from './frontend-messages.ts';
import { PROTOCOL_LIMITS } from './limits.ts';
import { BACKEND_TAG, showTag } from './message-tags.ts';
import { violation } from './protocol-error.ts';
import { encodeNegotiateProtocolVersion } from './startup.ts';

/** Byte arrays are views of the frame. */
export type BackendMessage =
  | { readonly kind: 'authentication'; readonly request: AuthenticationRequest }
  | { readonly kind: 'backend-key' /** Signed 32 bits. */; readonly processId: number; readonly secret: Uint8Array }
  | { readonly kind: 'parameter-status'; readonly name: string; readonly value: string }
  | { readonly kind: 'ready'; readonly status: TransactionStatus }
  | { readonly kind: 'row-description'; readonly fields: readonly FieldDescription[] }
  | { readonly kind: 'parameter-description'; readonly typeOids: readonly number[] }
  | { readonly kind: 'data-row'; readonly values: readonly (Uint8Array | null)[] }
  | { readonly kind: 'command-complete' /** See {@link parseCommandTag}. */; readonly tag: string }
  | { readonly kind: 'error'; readonly fields: ErrorFields }
  | { readonly kind: 'notice'; readonly fields: ErrorFields }
  | { readonly kind: BodylessKind }
  | CopyResponse
  | { readonly kind: 'copy-data'; readonly data: Uint8Array }
  | { readonly kind: 'notification'; readonly processId: number; readonly channel: string; readonly payload: string }
  | { readonly kind: 'negotiate-version'; readonly minor: number; readonly unsupported: readonly string[] }
  | { readonly kind: 'function-result'; readonly value: Uint8Array | null };

export type BodylessKind =
  | 'parse-complete'
  | 'bind-complete'
  | 'close-complete'
  | 'no-data'
  | 'portal-suspended'
  | 'empty-query'
  | 'copy-done';

/** `failed`: in a transaction that can only be rolled back. */
export type TransactionStatus = 'idle' | 'transaction' | 'failed';

export interface FieldDescription {
  readonly name: string;
  /** 0: not a plain column of a table. */
  readonly tableOid: number;
  /** 0: not a plain column of a table. */
  readonly attnum: number;
  readonly typeOid: number;
  /** Negative: of varying width. */
  readonly typeSize: number;
  readonly typeModifier: number;
  /** Not known yet (0) where a statement, not a portal, was described. */
  readonly format: FormatCode;
}

export interface CopyResponse {
  readonly kind: 'copy-in' | 'copy-out' | 'copy-both';
  readonly format: FormatCode;
  readonly columnFormats: readonly FormatCode[];
}

/**
 * Decodes a server's message whole: every count is checked against the length, and no byte is left over. Throws
 * {@link ProtocolError}, whatever a hostile server sends.
 */
export function decodeBackendMessage(frame: Frame): BackendMessage {
  const raw = frame.raw;
  switch (frame.tag) {
    case BACKEND_TAG.authentication:
      return { kind: 'authentication', request: decodeAuthentication(new ByteReader(raw, 5, 'authentication')) };
    case BACKEND_TAG.backendKey: {
      const reader = new ByteReader(raw, 5, 'backend-key');
      const processId = reader.i32();
      const secret = reader.rest();
      if (secret.length < PROTOCOL_LIMITS.minCancelSecretBytes || secret.length > PROTOCOL_LIMITS.maxCancelSecretBytes)
        throw violation('cancel key has an impossible length');
      return { kind: 'backend-key', processId, secret };
    }
    case BACKEND_TAG.parameterStatus: {
      const reader = new ByteReader(raw, 5, 'parameter-status');
      const name = reader.text('name of a setting');
      const value = reader.text('value of a setting');
      reader.end();
      return { kind: 'parameter-status', name, value };
    }
    case BACKEND_TAG.ready:
      return { kind: 'ready', status: decodeReadyForQuery(raw) };
    case BACKEND_TAG.rowDescription:
      return { kind: 'row-description', fields: decodeRowDescription(raw) };
    case BACKEND_TAG.parameterDescription: {
      const reader = new ByteReader(raw, 5, 'parameter-description');
      const count = reader.u16();
      const typeOids: number[] = [];
      for (let i = 0; i < count; i++) typeOids.push(reader.u32());
      reader.end();
      return { kind: 'parameter-description', typeOids };
    }
    case BACKEND_TAG.dataRow: {
      const row = decodeDataRow(raw);
      return { kind: 'data-row', values: Array.from({ length: row.columnCount }, (_, i) => dataRowValue(row, i)) };
    }
    case BACKEND_TAG.commandComplete: {
      const reader = new ByteReader(raw, 5, 'command-complete');
      const tag = reader.text('command tag');
      reader.end();
      return { kind: 'command-complete', tag };
    }
    case BACKEND_TAG.error:
      return { kind: 'error', fields: decodeErrorFields(raw) };
    case BACKEND_TAG.notice:
      return { kind: 'notice', fields: decodeErrorFields(raw) };
    case BACKEND_TAG.copyIn:
      return decodeCopyResponse(raw, 'copy-in');
    case BACKEND_TAG.copyOut:
      return decodeCopyResponse(raw, 'copy-out');
    case BACKEND_TAG.copyBoth:
      return decodeCopyResponse(raw, 'copy-both');
    case BACKEND_TAG.copyData:
      return { kind: 'copy-data', data: raw.subarray(5) };
    case BACKEND_TAG.notification: {
      const reader = new ByteReader(raw, 5, 'notification');
      const processId = reader.i32();
      const channel = reader.text('channel');
      const payload = reader.text('payload');
      reader.end();
      return { kind: 'notification', processId, channel, payload };
    }
    case BACKEND_TAG.negotiateVersion:
      return decodeNegotiateVersion(new ByteReader(raw, 5, 'negotiate-version'));
    case BACKEND_TAG.functionResult: {
      const reader = new ByteReader(raw, 5, 'function-result');
      const value = reader.value();
      reader.end();
      return { kind: 'function-result', value };
    }
    default: {
      const kind = BODYLESS_KINDS.get(frame.tag);
      if (kind === undefined) throw violation(`unknown message type ${showTag(frame.tag)}`);
      new ByteReader(raw, 5, kind).end();
      return { kind };
    }
  }
}

const BODYLESS_TAGS: Readonly<Record<BodylessKind, number>> = {
  'parse-complete': BACKEND_TAG.parseComplete,
  'bind-complete': BACKEND_TAG.bindComplete,
  'close-complete': BACKEND_TAG.closeComplete,
  'no-data': BACKEND_TAG.noData,
  'portal-suspended': BACKEND_TAG.portalSuspended,
  'empty-query': BACKEND_TAG.emptyQuery,
  'copy-done': BACKEND_TAG.copyDone,
};
const BODYLESS_KINDS: ReadonlyMap<number, BodylessKind> = new Map(
  (Object.keys(BODYLESS_TAGS) as BodylessKind[]).map((kind) => [BODYLESS_TAGS[kind], kind]),
);

const STATUS_LETTERS: Readonly<Record<TransactionStatus, number>> = { idle: 0x49, transaction: 0x54, failed: 0x45 };

export function decodeReadyForQuery(raw: Uint8Array): TransactionStatus {
  const reader = new ByteReader(raw, 5, 'ready');
  const letter = reader.u8();
  reader.end();
  for (const status of ['idle', 'transaction', 'failed'] as const) if (STATUS_LETTERS[status] === letter) return status;
  throw violation('ready message holds an unknown transaction status');
}

export function decodeRowDescription(raw: Uint8Array): FieldDescription[] {
  const reader = new ByteReader(raw, 5, 'row-description');
  const count = reader.u16();
  if (count > PROTOCOL_LIMITS.maxColumns) throw violation(`row description has ${count} columns`);
  const fields: FieldDescription[] = [];
  for (let i = 0; i < count; i++) {
    fields.push({
      name: reader.text('name of a column'),
      tableOid: reader.u32(),
      attnum: reader.i16(),
      typeOid: reader.u32(),
      typeSize: reader.i16(),
      typeModifier: reader.i32(),
      format: reader.format(),
    });
  }
  reader.end();
  return fields;
}

function decodeCopyResponse(raw: Uint8Array, kind: CopyResponse['kind']): CopyResponse {
  const reader = new ByteReader(raw, 5, kind);
  const format = reader.u8();
  if (format !== 0 && format !== 1) throw violation(`${kind} message holds the unknown format code ${format}`);
  const columnFormats = reader.formats();
  reader.end();
  return { kind, format, columnFormats };
}

function decodeNegotiateVersion(reader: ByteReader): BackendMessage {
  const version = reader.i32();
  if (version >>> 16 !== 3) throw violation('negotiate-version message names another major version');
  const count = reader.u32();
  const unsupported: string[] = [];
  for (let i = 0; i < count; i++) unsupported.push(reader.text('name of an option'));
  reader.end();
  return { kind: 'negotiate-version', minor: version & 0xffff, unsupported };
}

/**
 * `INSERT 0 5` to `{command: 'INSERT', rows: 5}`, `CREATE TABLE` to `{command: 'CREATE TABLE', rows: null}`. A count
 * beyond what a number holds exactly becomes the greatest that it does.
 */
export function parseCommandTag(tag: string): CommandTag {
  // One operation's tag is asked for several times, and the next is mostly alike.
  if (tag !== lastTag) {
    lastParsed = parseTag(tag);
    lastTag = tag;
  }
  return lastParsed;
}

export interface CommandTag {
  readonly command: string;
  readonly rows: number | null;
}

let lastTag = '';
let lastParsed: CommandTag = { command: '', rows: null };

function parseTag(tag: string): CommandTag {
  const match = /^([A-Z ]*[A-Z])(?: \d+)?? (\d+)$/.exec(tag);
  if (match === null) return { command: tag, rows: null };
  return { command: match[1]!, rows: Math.min(Number(match[2]), Number.MAX_SAFE_INTEGER) };
}

export function encodeBackendMessage(message: BackendMessage): Uint8Array {
  switch (message.kind) {
    case 'authentication':
      return encodeAuthentication(message.request);
    case 'backend-key':
      return encodeBackendKeyData(message.processId, message.secret);
    case 'parameter-status':
      return encodeParameterStatus(message.name, message.value);
    case 'ready':
      return encodeReadyForQuery(message.status);
    case 'row-description':
      return encodeRowDescription(message.fields);
    case 'parameter-description':
      return encodeParameterDescription(message.typeOids);
    case 'data-row':
      return encodeDataRow(message.values);
    case 'command-complete':
      return encodeCommandComplete(message.tag);
    case 'error':
    case 'notice':
      return encodeErrorFields(message.kind, message.fields);
    case 'copy-in':
    case 'copy-out':
    case 'copy-both':
      return encodeCopyResponse(message);
    case 'copy-data':
      return encodeCopyData(message.data);
    case 'copy-done':
      return encodeCopyDone();
    case 'notification':
      return new ByteWriter(BACKEND_TAG.notification)
        .i32(message.processId)
        .text(message.channel)
        .text(message.payload)
        .finish();
    case 'negotiate-version':
      return encodeNegotiateProtocolVersion(message.minor, message.unsupported);
    case 'function-result':
      return new ByteWriter(BACKEND_TAG.functionResult).value(message.value).finish();
    case 'parse-complete':
    case 'bind-complete':
    case 'close-complete':
    case 'no-data':
    case 'portal-suspended':
    case 'empty-query':
      return encodeBodyless(message.kind);
    default:
      return assertNever(message);
  }
}

/** ParseComplete, BindComplete, CloseComplete, NoData, PortalSuspended, EmptyQueryResponse, CopyDone. */
export function encodeBodyless(kind: BodylessKind): Uint8Array {
  return encodeEmpty(BODYLESS_TAGS[kind]);
}

export function encodeBackendKeyData(processId: number, secret: Uint8Array): Uint8Array {
  return new ByteWriter(BACKEND_TAG.backendKey).i32(processId).bytes(secret).finish();
}

export function encodeParameterStatus(name: string, value: string): Uint8Array {
  return new ByteWriter(BACKEND_TAG.parameterStatus).text(name).text(value).finish();
}

export function encodeReadyForQuery(status: TransactionStatus): Uint8Array {
  return new ByteWriter(BACKEND_TAG.ready).u8(STATUS_LETTERS[status]).finish();
}

export function encodeRowDescription(fields: readonly FieldDescription[]): Uint8Array {
  const writer = new ByteWriter(BACKEND_TAG.rowDescription).u16(fields.length);
  for (const field of fields)
    writer
      .text(field.name)
      .i32(field.tableOid)
      .i16(field.attnum)
      .i32(field.typeOid)
      .i16(field.typeSize)
      .i32(field.typeModifier)
      .i16(field.format);
  return writer.finish();
}

export function encodeParameterDescription(typeOids: readonly number[]): Uint8Array {
  const writer = new ByteWriter(BACKEND_TAG.parameterDescription).u16(typeOids.length);
  for (const oid of typeOids) writer.i32(oid);
  return writer.finish();
}

export function encodeCommandComplete(tag: string): Uint8Array {
  return new ByteWriter(BACKEND_TAG.commandComplete).text(tag).finish();
}

export function encodeCopyResponse(message: CopyResponse): Uint8Array {
  const tag = { 'copy-in': BACKEND_TAG.copyIn, 'copy-out': BACKEND_TAG.copyOut, 'copy-both': BACKEND_TAG.copyBoth };
  return new ByteWriter(tag[message.kind]).u8(message.format).formats(message.columnFormats).finish();
}
