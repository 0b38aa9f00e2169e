import { assert, assertNever, utf8Decode } from '@taskgate/core';
import { ByteReader, type FormatCode } from './byte-reader.ts';
import { ByteWriter, encodeEmpty } from './byte-writer.ts';
import type { Frame } from './frame-decoder.ts';
import { PROTOCOL_LIMITS } from './limits.ts';
import { FRONTEND_TAG, showTag } from './message-tags.ts';
import { ProtocolError, violation } from './protocol-error.ts';

/** Byte arrays are views of the frame. */
export type FrontendMessage =
  | { readonly kind: 'query'; readonly text: string }
  | ParseMessage
  | BindMessage
  | { readonly kind: 'describe'; readonly target: StatementOrPortal; readonly name: string }
  | { readonly kind: 'execute'; readonly portal: string /** 0 or less: all. */; readonly maxRows: number }
  | { readonly kind: 'close'; readonly target: StatementOrPortal; readonly name: string }
  | { readonly kind: 'sync' }
  | { readonly kind: 'flush' }
  | { readonly kind: 'copy-data'; readonly data: Uint8Array }
  | { readonly kind: 'copy-done' }
  | { readonly kind: 'copy-fail'; readonly message: string }
  | { readonly kind: 'terminate' }
  /** What the body is (password, SASL) only the state of the handshake says: see `decodePassword` and its siblings. */
  | { readonly kind: 'authentication'; readonly data: Uint8Array }
  | FunctionCallMessage;

export type StatementOrPortal = 'statement' | 'portal';

export interface ParseMessage {
  readonly kind: 'parse';
  /** Empty: the unnamed one. */
  readonly statement: string;
  readonly text: string;
  /** Type OIDs; 0: not said. */
  readonly parameterTypes: readonly number[];
}

export interface BindMessage {
  readonly kind: 'bind';
  readonly portal: string;
  readonly statement: string;
  /** None (all text), one for all, or one a parameter. */
  readonly parameterFormats: readonly FormatCode[];
  readonly parameters: readonly (Uint8Array | null)[];
  /** None (all text), one for all, or one a column. */
  readonly resultFormats: readonly FormatCode[];
}

export interface FunctionCallMessage {
  readonly kind: 'function-call';
  readonly functionOid: number;
  readonly argumentFormats: readonly FormatCode[];
  readonly arguments: readonly (Uint8Array | null)[];
  readonly resultFormat: FormatCode;
}

/**
 * Decodes a client's message whole: every count is checked against the length, and no byte is left over. Throws
 * {@link ProtocolError}: `08P01`, or `22021` where the frame is sound but a text is not UTF-8 or holds a NUL (Postgres
 * refuses such a query, while a parser in C would read only what is in front of the NUL).
 */
export function decodeFrontendMessage(frame: Frame): FrontendMessage {
  const raw = frame.raw;
  switch (frame.tag) {
    case FRONTEND_TAG.query:
      return { kind: 'query', text: decodeQueryText(raw) };
    case FRONTEND_TAG.parse:
      return decodeParse(new ByteReader(raw, 5, 'parse'));
    case FRONTEND_TAG.bind:
      return decodeBind(new ByteReader(raw, 5, 'bind'));
    case FRONTEND_TAG.describe:
      return { kind: 'describe', ...decodeTarget(new ByteReader(raw, 5, 'describe')) };
    case FRONTEND_TAG.close:
      return { kind: 'close', ...decodeTarget(new ByteReader(raw, 5, 'close')) };
    case FRONTEND_TAG.execute: {
      const reader = new ByteReader(raw, 5, 'execute');
      const portal = reader.text('portal name');
      const maxRows = reader.i32();
      reader.end();
      return { kind: 'execute', portal, maxRows };
    }
    case FRONTEND_TAG.sync:
      return withoutBody(raw, 'sync');
    case FRONTEND_TAG.flush:
      return withoutBody(raw, 'flush');
    case FRONTEND_TAG.copyDone:
      return withoutBody(raw, 'copy-done');
    case FRONTEND_TAG.terminate:
      return withoutBody(raw, 'terminate');
    case FRONTEND_TAG.copyData:
      return { kind: 'copy-data', data: raw.subarray(5) };
    case FRONTEND_TAG.copyFail: {
      const reader = new ByteReader(raw, 5, 'copy-fail');
      const message = reader.text('reason of the copy failure');
      reader.end();
      return { kind: 'copy-fail', message };
    }
    case FRONTEND_TAG.authentication:
      return { kind: 'authentication', data: raw.subarray(5) };
    case FRONTEND_TAG.functionCall:
      return decodeFunctionCall(new ByteReader(raw, 5, 'function-call'));
    default:
      throw violation(`unknown message type ${showTag(frame.tag)}`);
  }
}

function withoutBody<K extends 'sync' | 'flush' | 'copy-done' | 'terminate'>(raw: Uint8Array, kind: K): { kind: K } {
  new ByteReader(raw, 5, kind).end();
  return { kind };
}

function decodeQueryText(raw: Uint8Array): string {
  const end = raw.indexOf(0, 5);
  if (end === -1) throw violation('query message holds a string without its terminator');
  if (end !== raw.length - 1) throw new ProtocolError('22021', 'the query holds a nul byte; take it out');
  const text = utf8Decode(raw.subarray(5, end));
  if (text === null) throw new ProtocolError('22021', 'the query is not valid utf-8; set the client to utf-8');
  return text;
}

function decodeParse(reader: ByteReader): ParseMessage {
  const statement = reader.text('statement name');
  const text = reader.text('the query');
  const count = reader.u16();
  const parameterTypes: number[] = [];
  for (let i = 0; i < count; i++) parameterTypes.push(reader.u32());
  reader.end();
  return { kind: 'parse', statement, text, parameterTypes };
}

function decodeBind(reader: ByteReader): BindMessage {
  const portal = reader.text('portal name');
  const statement = reader.text('statement name');
  const parameterFormats = reader.formats();
  const parameters = decodeValues(reader);
  checkFormats('bind', parameterFormats, parameters.length);
  const resultFormats = reader.formats();
  reader.end();
  return { kind: 'bind', portal, statement, parameterFormats, parameters, resultFormats };
}

function decodeFunctionCall(reader: ByteReader): FunctionCallMessage {
  const functionOid = reader.u32();
  const argumentFormats = reader.formats();
  const values = decodeValues(reader);
  checkFormats('function-call', argumentFormats, values.length);
  const resultFormat = reader.format();
  reader.end();
  return { kind: 'function-call', functionOid, argumentFormats, arguments: values, resultFormat };
}

function decodeValues(reader: ByteReader): (Uint8Array | null)[] {
  const count = reader.u16();
  const values: (Uint8Array | null)[] = [];
  for (let i = 0; i < count; i++) values.push(reader.value());
  return values;
}

function checkFormats(what: string, formats: readonly FormatCode[], values: number): void {
  if (formats.length > 1 && formats.length !== values)
    throw violation(`${what} message has ${formats.length} formats for ${values} values`);
}

function decodeTarget(reader: ByteReader): { target: StatementOrPortal; name: string } {
  const letter = reader.u8();
  if (letter !== STATEMENT && letter !== PORTAL) throw violation('describe and close name a statement or a portal');
  const name = reader.text(letter === STATEMENT ? 'statement name' : 'portal name');
  reader.end();
  return { target: letter === STATEMENT ? 'statement' : 'portal', name };
}

const STATEMENT = 0x53;
const PORTAL = 0x50;

/** Body of an `authentication` message in answer to a request for a password. */
export function decodePassword(data: Uint8Array): string {
  const reader = new ByteReader(data, 0, 'password');
  const password = reader.text('the password');
  reader.end();
  return password;
}

/** Body of an `authentication` message in answer to a request for SASL. */
export function decodeSaslInitialResponse(data: Uint8Array): {
  readonly mechanism: string;
  readonly response: Uint8Array | null;
} {
  const reader = new ByteReader(data, 0, 'sasl');
  const mechanism = reader.text('the sasl mechanism');
  const response = reader.value();
  reader.end();
  return { mechanism, response };
}

export function encodeFrontendMessage(message: FrontendMessage): Uint8Array {
  switch (message.kind) {
    case 'query':
      return encodeQuery(message.text);
    case 'parse':
      return encodeParse(message);
    case 'bind':
      return encodeBind(message);
    case 'describe':
      return encodeDescribe(message.target, message.name);
    case 'execute':
      return encodeExecute(message.portal, message.maxRows);
    case 'close':
      return encodeClose(message.target, message.name);
    case 'sync':
      return encodeSync();
    case 'flush':
      return encodeFlush();
    case 'copy-data':
      return encodeCopyData(message.data);
    case 'copy-done':
      return encodeCopyDone();
    case 'copy-fail':
      return encodeCopyFail(message.message);
    case 'terminate':
      return encodeTerminate();
    case 'authentication':
      return encodeSaslResponse(message.data);
    case 'function-call':
      return encodeFunctionCall(message);
    default:
      return assertNever(message);
  }
}

export function encodeQuery(text: string): Uint8Array {
  return new ByteWriter(FRONTEND_TAG.query).text(text).finish();
}

export function encodeParse(message: Omit<ParseMessage, 'kind'>): Uint8Array {
  const writer = new ByteWriter(FRONTEND_TAG.parse).text(message.statement).text(message.text);
  writer.u16(message.parameterTypes.length);
  for (const oid of message.parameterTypes) writer.i32(oid);
  return writer.finish();
}

export function encodeBind(message: Omit<BindMessage, 'kind'>): Uint8Array {
  assert(message.parameters.length <= PROTOCOL_LIMITS.maxParameters, 'too many parameters');
  const writer = new ByteWriter(FRONTEND_TAG.bind).text(message.portal).text(message.statement);
  writer.formats(message.parameterFormats).u16(message.parameters.length);
  for (const value of message.parameters) writer.value(value);
  return writer.formats(message.resultFormats).finish();
}

export function encodeDescribe(target: StatementOrPortal, name: string): Uint8Array {
  return encodeTarget(FRONTEND_TAG.describe, target, name);
}

export function encodeClose(target: StatementOrPortal, name: string): Uint8Array {
  return encodeTarget(FRONTEND_TAG.close, target, name);
}

function encodeTarget(tag: number, target: StatementOrPortal, name: string): Uint8Array {
  return new ByteWriter(tag)
    .u8(target === 'statement' ? STATEMENT : PORTAL)
    .text(name)
    .finish();
}

/** `maxRows` 0: all. */
export function encodeExecute(portal: string, maxRows: number): Uint8Array {
  return new ByteWriter(FRONTEND_TAG.execute).text(portal).i32(maxRows).finish();
}

export function encodeSync(): Uint8Array {
  return encodeEmpty(FRONTEND_TAG.sync);
}

export function encodeFlush(): Uint8Array {
  return encodeEmpty(FRONTEND_TAG.flush);
}

/** The same bytes in both directions. */
export function encodeCopyData(data: Uint8Array): Uint8Array {
  return new ByteWriter(FRONTEND_TAG.copyData).bytes(data).finish();
}

/** The same bytes in both directions. */
export function encodeCopyDone(): Uint8Array {
  return encodeEmpty(FRONTEND_TAG.copyDone);
}

export function encodeCopyFail(message: string): Uint8Array {
  return new ByteWriter(FRONTEND_TAG.copyFail).text(message).finish();
}

export function encodeTerminate(): Uint8Array {
  return encodeEmpty(FRONTEND_TAG.terminate);
}

/** Answer to a request for a clear or an MD5 password. */
export function encodePassword(password: string): Uint8Array {
  return new ByteWriter(FRONTEND_TAG.authentication).text(password).finish();
}

export function encodeSaslInitialResponse(mechanism: string, response: Uint8Array | null): Uint8Array {
  return new ByteWriter(FRONTEND_TAG.authentication).text(mechanism).value(response).finish();
}

export function encodeSaslResponse(data: Uint8Array): Uint8Array {
  return new ByteWriter(FRONTEND_TAG.authentication).bytes(data).finish();
}

export function encodeFunctionCall(message: Omit<FunctionCallMessage, 'kind'>): Uint8Array {
  const writer = new ByteWriter(FRONTEND_TAG.functionCall).i32(message.functionOid);
  writer.formats(message.argumentFormats).u16(message.arguments.length);
  for (const value of message.arguments) writer.value(value);
  return writer.i16(message.resultFormat).finish();
}
