import { assertNever } from '@taskgate/core';
import type { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { BACKEND_TAG } from './message-tags.ts';
import { violation } from './protocol-error.ts';

/** What an Authentication message of a server asks for. Byte arrays are views. */
export type AuthenticationRequest =
  | { readonly kind: 'ok' | 'kerberos-v5' | 'cleartext' | 'gss' | 'sspi' }
  | { readonly kind: 'md5' /** Four bytes. */; readonly salt: Uint8Array }
  | { readonly kind: 'gss-continue'; readonly data: Uint8Array }
  | { readonly kind: 'sasl'; readonly mechanisms: readonly string[] }
  | { readonly kind: 'sasl-continue'; readonly data: Uint8Array }
  | { readonly kind: 'sasl-final'; readonly data: Uint8Array };

const CODES = {
  ok: 0,
  'kerberos-v5': 2,
  cleartext: 3,
  md5: 5,
  gss: 7,
  'gss-continue': 8,
  sspi: 9,
  sasl: 10,
  'sasl-continue': 11,
  'sasl-final': 12,
} as const satisfies Record<AuthenticationRequest['kind'], number>;

export function decodeAuthentication(reader: ByteReader): AuthenticationRequest {
  const code = reader.i32();
  const request = decodeRequest(reader, code);
  reader.end();
  return request;
}

function decodeRequest(reader: ByteReader, code: number): AuthenticationRequest {
  switch (code) {
    case CODES.ok:
      return { kind: 'ok' };
    case CODES['kerberos-v5']:
      return { kind: 'kerberos-v5' };
    case CODES.cleartext:
      return { kind: 'cleartext' };
    case CODES.md5:
      return { kind: 'md5', salt: reader.bytes(4) };
    case CODES.gss:
      return { kind: 'gss' };
    case CODES['gss-continue']:
      return { kind: 'gss-continue', data: reader.rest() };
    case CODES.sspi:
      return { kind: 'sspi' };
    case CODES.sasl: {
      const mechanisms: string[] = [];
      for (;;) {
        const mechanism = reader.text('name of a sasl mechanism');
        if (mechanism === '') return { kind: 'sasl', mechanisms };
        mechanisms.push(mechanism);
      }
    }
    case CODES['sasl-continue']:
      return { kind: 'sasl-continue', data: reader.rest() };
    case CODES['sasl-final']:
      return { kind: 'sasl-final', data: reader.rest() };
    default:
      throw violation(`the server asks for authentication of an unknown kind (${code})`);
  }
}

export function encodeAuthentication(request: AuthenticationRequest): Uint8Array {
  const writer = new ByteWriter(BACKEND_TAG.authentication).i32(CODES[request.kind]);
  switch (request.kind) {
    case 'ok':
    case 'kerberos-v5':
    case 'cleartext':
    case 'gss':
    case 'sspi':
      return writer.finish();
    case 'md5':
      return writer.bytes(request.salt).finish();
    case 'gss-continue':
    case 'sasl-continue':
    case 'sasl-final':
      return writer.bytes(request.data).finish();
    case 'sasl':
      for (const mechanism of request.mechanisms) writer.text(mechanism);
      return writer.u8(0).finish();
    default:
      return assertNever(request);
  }
}
