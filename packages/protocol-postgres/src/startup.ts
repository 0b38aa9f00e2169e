import { assert, utf8Encode } from '@taskgate/core';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { PROTOCOL_LIMITS } from './limits.ts';
import { BACKEND_TAG } from './message-tags.ts';
import { ProtocolError, violation } from './protocol-error.ts';

/** A packet before the first tagged message. `bytes`: how many of the buffer it took. */
export type StartupPacket =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'ssl-request'; readonly bytes: number }
  | { readonly kind: 'gssenc-request'; readonly bytes: number }
  | {
      readonly kind: 'cancel';
      /** Signed 32 bits. */
      readonly processId: number;
      /** 4 bytes up to protocol 3.0, up to 256 from 3.2 on. A view. */
      readonly secret: Uint8Array;
      readonly bytes: number;
    }
  | {
      readonly kind: 'startup';
      readonly major: number;
      readonly minor: number;
      /** As sent, in order, unchecked: see {@link checkStartupParameters}. */
      readonly parameters: ReadonlyMap<string, string>;
      readonly bytes: number;
    };

const CANCEL_CODE = 80877102;
const SSL_CODE = 80877103;
const GSSENC_CODE = 80877104;
const MAJOR = 3;

/**
 * Reads the packet at the start of `buffer`. Throws {@link ProtocolError}: `08P01` for what is no such packet (checked
 * as soon as the length is there), `0A000` for another major version.
 */
export function decodeStartupPacket(buffer: Uint8Array): StartupPacket {
  if (buffer.length < 4) return { kind: 'incomplete' };
  const bytes = new ByteReader(buffer, 0, 'startup').i32();
  if (bytes < 8 || bytes > PROTOCOL_LIMITS.maxStartupBytes) throw violation('not a postgres startup packet');
  if (buffer.length < bytes) return { kind: 'incomplete' };
  const reader = new ByteReader(buffer.subarray(0, bytes), 4, 'startup');
  const code = reader.i32();
  switch (code) {
    case SSL_CODE:
      reader.end();
      return { kind: 'ssl-request', bytes };
    case GSSENC_CODE:
      reader.end();
      return { kind: 'gssenc-request', bytes };
    case CANCEL_CODE: {
      const processId = reader.i32();
      const secret = reader.rest();
      checkSecret(secret);
      return { kind: 'cancel', processId, secret, bytes };
    }
  }
  const major = code >>> 16;
  const minor = code & 0xffff;
  if (major !== MAJOR)
    throw new ProtocolError('0A000', `protocol version ${major}.${minor} is not supported; use version 3`);
  return { kind: 'startup', major, minor, parameters: decodeParameters(reader), bytes };
}

function decodeParameters(reader: ByteReader): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (;;) {
    const name = reader.text('name of a startup parameter');
    if (name === '') break;
    const value = reader.text('value of a startup parameter');
    // Which of two wins differs between servers and poolers: never let the target pick another than we checked.
    if (parameters.has(name)) throw violation('startup packet names a parameter twice');
    parameters.set(name, value);
  }
  reader.end();
  return parameters;
}

function checkSecret(secret: Uint8Array): void {
  if (secret.length < PROTOCOL_LIMITS.minCancelSecretBytes || secret.length > PROTOCOL_LIMITS.maxCancelSecretBytes)
    throw violation('cancel key has an impossible length');
}

/**
 * What speaks on a fresh connection: a Postgres packet starts with two zero bytes (it has at most 10,000), TLS with
 * 0x16 (Postgres 17 clients with `sslnegotiation=direct`), and whoever typed the wrong port with letters.
 */
export function detectFirstBytes(buffer: Uint8Array): 'incomplete' | 'postgres' | 'direct-tls' | 'http' | 'unknown' {
  const first = buffer[0];
  if (first === undefined) return 'incomplete';
  if (first === 0x16) return 'direct-tls';
  if (first === 0) return 'postgres';
  const word = String.fromCharCode(...buffer.subarray(0, 8));
  return /^(GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|CONNECT|TRACE) |^PRI \*/.test(word) ? 'http' : 'unknown';
}

export type StartupCheck =
  | {
      readonly ok: true;
      readonly user: string;
      /** `null`: not said (Postgres would take the user's name). */
      readonly database: string | null;
      /** What may go on to a target, under Postgres' own spelling; `client_encoding` is always UTF8. */
      readonly forward: ReadonlyMap<string, string>;
      /** `_pq_.` options, none of which we know: to be named in NegotiateProtocolVersion. */
      readonly unsupportedOptions: readonly string[];
      /** The client asked for an encoding other than UTF-8 and gets UTF-8: tell it with a notice. */
      readonly encodingOverridden: boolean;
    }
  | { readonly ok: false; readonly sqlstate: string; readonly message: string; readonly hint: string };

/** Lower case to Postgres' own spelling. Everything else can change what a statement means (search_path, role, ...). */
const ALLOWED: ReadonlyMap<string, string> = new Map(
  [
    'user',
    'database',
    'application_name',
    'client_encoding',
    'DateStyle',
    'TimeZone',
    'extra_float_digits',
    'IntervalStyle',
  ].map((name) => [name.toLowerCase(), name]),
);

/** Spellings under which clients ask for UTF-8, or for no conversion at all, without quotes and punctuation. */
const UTF8_SPELLINGS: ReadonlySet<string> = new Set(['utf8', 'unicode', 'sqlascii', 'auto', '']);

/** Applies the allow-list of startup parameters. Names are compared as Postgres compares settings: without case. */
export function checkStartupParameters(parameters: ReadonlyMap<string, string>): StartupCheck {
  const forward = new Map<string, string>();
  const unsupportedOptions: string[] = [];
  for (const [name, value] of parameters) {
    const folded = name.toLowerCase();
    if (folded.startsWith('_pq_.')) {
      unsupportedOptions.push(name);
      continue;
    }
    if (folded === 'options')
      return refuse(
        'startup parameter `options` is not allowed',
        'take `options` out of the connection string and unset PGOPTIONS; use SET once you are connected',
      );
    if (folded === 'replication')
      return refuse(
        'replication connections are not allowed',
        'take `replication` out of the connection string; a task gives access to statements, not to the log',
      );
    const canonical = ALLOWED.get(folded);
    if (canonical === undefined)
      return refuse(
        `startup parameter \`${shorten(name)}\` is not allowed`,
        `take it out of the connection settings; allowed are ${[...ALLOWED.values()].join(', ')}`,
      );
    if (forward.has(canonical))
      return refuse(`startup parameter \`${canonical}\` is given twice`, 'give it once, in one spelling');
    forward.set(canonical, value);
  }
  const user = forward.get('user') ?? '';
  if (user === '')
    return { ok: false, sqlstate: '28000', message: 'no user name was given', hint: 'the user name is the task name' };
  const database = forward.get('database') ?? '';
  const encoding = (forward.get('client_encoding') ?? '').toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  forward.set('client_encoding', 'UTF8');
  return {
    ok: true,
    user,
    database: database === '' ? null : database,
    forward,
    unsupportedOptions,
    encodingOverridden: !UTF8_SPELLINGS.has(encoding),
  };
}

/**
 * The parameters that {@link checkStartupParameters} refuses because they change what statements mean (`options`,
 * `search_path`, any setting), taken out. A replication connection is not among them: it speaks of other things.
 */
export function splitStartupParameters(parameters: ReadonlyMap<string, string>): {
  readonly plain: ReadonlyMap<string, string>;
  readonly meaningful: ReadonlyMap<string, string>;
} {
  const isPlain = ([name]: readonly [string, string]): boolean => {
    const folded = name.toLowerCase();
    return ALLOWED.has(folded) || folded === 'replication' || folded.startsWith('_pq_.');
  };
  const entries = [...parameters];
  return {
    plain: new Map(entries.filter(isPlain)),
    meaningful: new Map(entries.filter((entry) => !isPlain(entry))),
  };
}

function refuse(message: string, hint: string): StartupCheck {
  return { ok: false, sqlstate: '0A000', message, hint };
}

function shorten(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}...` : name;
}

/** A StartupMessage of version 3.`minor`. */
export function encodeStartup(parameters: Iterable<readonly [string, string]>, minor = 0): Uint8Array {
  const writer = new ByteWriter(null).i32((MAJOR << 16) | minor);
  for (const [name, value] of parameters) {
    assert(name !== '', 'a startup parameter needs a name');
    writer.text(name).text(value);
  }
  return writer.u8(0).finish();
}

export function encodeSslRequest(): Uint8Array {
  return new ByteWriter(null).i32(SSL_CODE).finish();
}

export function encodeGssencRequest(): Uint8Array {
  return new ByteWriter(null).i32(GSSENC_CODE).finish();
}

export function encodeCancelRequest(processId: number, secret: Uint8Array): Uint8Array {
  checkSecret(secret);
  return new ByteWriter(null).i32(CANCEL_CODE).i32(processId).bytes(secret).finish();
}

/**
 * "I speak 3.`minor` at most, and know none of these options". The manual says that the number is the minor version;
 * every server sends, and libpq 18 wants, the whole version.
 */
export function encodeNegotiateProtocolVersion(minor: number, unsupported: readonly string[]): Uint8Array {
  const writer = new ByteWriter(BACKEND_TAG.negotiateVersion).i32((MAJOR << 16) | minor).i32(unsupported.length);
  for (const name of unsupported) writer.text(name);
  return writer.finish();
}

/** The one byte that answers SSLRequest and GSSENCRequest. */
export const ENCRYPTION_ANSWER = { accept: utf8Encode('S'), refuse: utf8Encode('N') } as const;
