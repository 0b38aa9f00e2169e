import { assert, utf8Decode, utf8Encode } from '@taskgate/core';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { PROTOCOL_LIMITS } from './limits.ts';
import { ProtocolError, violation } from './protocol-error.ts';
import {
  deriveScramKeys,
  SCRAM_NONCE,
  type ScramChannelBinding,
  type ScramCrypto,
  type ScramMechanism,
  xorKeys,
} from './scram-crypto.ts';

export interface ScramClient {
  /** Picks from what the server offers (PLUS wherever both can) and begins. */
  first(offered: readonly string[]): { readonly mechanism: ScramMechanism; readonly message: Uint8Array };
  /** From server-first-message to client-final-message. Derives keys: costs the server's count of iterations. */
  final(serverFirst: Uint8Array): Uint8Array;
  /** Throws `28P01` unless server-final-message proves that the server knows the password. Never go on without it. */
  verify(serverFinal: Uint8Array): void;
}

/**
 * The client's half of SCRAM-SHA-256 and -PLUS, against a target, for one attempt. Throws {@link ProtocolError}:
 * `08P01` for what is malformed, `0A000` where the server offers nothing usable, `28P01` for a server that cannot prove
 * itself or says no.
 */
export function createScramClient(options: {
  readonly crypto: ScramCrypto;
  readonly password: string;
  /** Hash of the target's certificate; `null` without TLS or where it cannot be computed. */
  readonly channelBinding: ScramChannelBinding | null;
  /** Refuse a server that does not offer PLUS. */
  readonly requireChannelBinding?: boolean;
  /** Our nonce; random unless given. */
  readonly nonce?: string;
}): ScramClient {
  const { crypto, channelBinding } = options;
  const nonce = options.nonce ?? encodeBase64(crypto.randomBytes(18));
  assert(SCRAM_NONCE.test(nonce), 'a scram nonce is printable');
  assert(options.requireChannelBinding !== true || channelBinding !== null, 'the binding to require is missing');
  // Postgres takes the user from the startup packet; libpq sends an empty one here, and so do we.
  const bare = `n=,r=${nonce}`;
  let state: 'new' | 'begun' | 'proved' | 'done' = 'new';
  let gs2Header = '';
  let binding = new Uint8Array();
  let expectedSignature = new Uint8Array();

  return {
    first(offered) {
      assert(state === 'new', 'scram client-first comes once');
      state = 'begun';
      const plus = offered.includes('SCRAM-SHA-256-PLUS') && channelBinding !== null;
      if (plus) {
        gs2Header = 'p=tls-server-end-point,,';
        binding = new Uint8Array(channelBinding.data);
      } else {
        if (options.requireChannelBinding === true)
          throw new ProtocolError('0A000', 'the server does not offer scram with channel binding');
        if (!offered.includes('SCRAM-SHA-256'))
          throw new ProtocolError('0A000', 'the server offers no sasl mechanism that is supported (scram-sha-256)');
        gs2Header = channelBinding === null ? 'n,,' : 'y,,';
      }
      return {
        mechanism: plus ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256',
        message: utf8Encode(gs2Header + bare),
      };
    },

    final(serverFirst) {
      assert(state === 'begun', 'scram client-final comes once, after client-first');
      state = 'done';
      const message = readMessage(serverFirst);
      const challenge = parseServerFirst(message);
      // A nonce that is not ours continued: a replayed answer. (One that is only ours: the server added nothing.)
      if (!challenge.nonce.startsWith(nonce) || challenge.nonce.length === nonce.length)
        throw violation('scram nonce of the server does not continue ours');
      const keys = deriveScramKeys(crypto, options.password, challenge.salt, challenge.iterations);
      const header = utf8Encode(gs2Header);
      const bound = new Uint8Array(header.length + binding.length);
      bound.set(header);
      bound.set(binding, header.length);
      const withoutProof = `c=${encodeBase64(bound)},r=${challenge.nonce}`;
      const authMessage = utf8Encode(`${bare},${message},${withoutProof}`);
      const signature = crypto.hmacSha256(crypto.sha256(keys.clientKey), authMessage);
      expectedSignature = new Uint8Array(crypto.hmacSha256(keys.serverKey, authMessage));
      state = 'proved';
      return utf8Encode(`${withoutProof},p=${encodeBase64(xorKeys(keys.clientKey, signature))}`);
    },

    verify(serverFinal) {
      assert(state === 'proved', 'scram server-final comes once, after client-final');
      state = 'done';
      const message = readMessage(serverFinal);
      if (message.startsWith('e=')) throw new ProtocolError('28P01', 'the server refused the scram proof');
      const match = /^v=([^,]+)(?:,.*)?$/s.exec(message);
      const signature = match === null ? null : decodeBase64(match[1]!);
      if (signature === null) throw violation('scram server-final-message is malformed');
      if (!crypto.equal(signature, expectedSignature))
        throw new ProtocolError('28P01', 'the server could not prove that it knows the password');
    },
  };
}

function readMessage(bytes: Uint8Array): string {
  if (bytes.length > PROTOCOL_LIMITS.maxAuthBytes) throw violation('scram message is too long');
  const text = utf8Decode(bytes);
  if (text === null) throw violation('scram message is not text');
  return text;
}

function parseServerFirst(message: string): { nonce: string; salt: Uint8Array; iterations: number } {
  const match = /^r=([^,]+),s=([^,]+),i=([1-9]\d{0,9})(?:,.*)?$/s.exec(message);
  const salt = match === null ? null : decodeBase64(match[2]!);
  if (match === null || salt === null || salt.length === 0 || !SCRAM_NONCE.test(match[1]!))
    throw violation('scram server-first-message is malformed');
  const iterations = Number(match[3]);
  const { minScramIterations, maxScramIterations } = PROTOCOL_LIMITS;
  if (iterations < minScramIterations || iterations > maxScramIterations)
    throw violation(
      `the server asks for ${iterations} scram iterations; from ${minScramIterations} to ${maxScramIterations} are accepted`,
    );
  return { nonce: match[1]!, salt, iterations };
}
