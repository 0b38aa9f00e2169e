import { assert, utf8Decode, utf8Encode } from '@taskgate/core';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { PROTOCOL_LIMITS } from './limits.ts';
import { ProtocolError, violation } from './protocol-error.ts';
import {
  SCRAM_KEY_BYTES,
  SCRAM_NONCE,
  type ScramChannelBinding,
  type ScramCrypto,
  type ScramMechanism,
  xorKeys,
} from './scram-crypto.ts';
import type { ScramVerifier } from './scram-verifier.ts';

export interface ScramServer {
  /** From client-first-message to server-first-message. */
  first(mechanism: string, clientFirst: Uint8Array): Uint8Array;
  /**
   * Tries the proof of client-final-message against each verifier; all must share the server's salt and iterations.
   * `matched` is the index of the first that it fits; a wrong password is `null`, not an error.
   */
  verify(clientFinal: Uint8Array, verifiers: readonly ScramVerifier[]): ScramOutcome;
}

export interface ScramOutcome {
  readonly matched: number | null;
  /** server-final-message for AuthenticationSASLFinal: proves to the client that we hold that verifier. */
  serverFinal(index: number): Uint8Array;
}

/**
 * The server's half of SCRAM-SHA-256 and -PLUS (RFC 5802, 7677; `tls-server-end-point` of RFC 5929), for one attempt.
 * The user name inside the exchange is ignored, as in Postgres: the startup packet has it. Throws
 * {@link ProtocolError}: `08P01` for what is malformed, `28000` for a channel binding that does not hold.
 */
export function createScramServer(options: {
  readonly crypto: ScramCrypto;
  /** As offered in AuthenticationSASL. */
  readonly mechanisms: readonly ScramMechanism[];
  /** Of this connection's own certificate; `null` without TLS. Must be there when PLUS is offered. */
  readonly channelBinding: ScramChannelBinding | null;
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** Our half of the nonce; random unless given. */
  readonly nonce?: string;
}): ScramServer {
  const { crypto, mechanisms, channelBinding } = options;
  const plusOffered = mechanisms.includes('SCRAM-SHA-256-PLUS');
  assert(!plusOffered || channelBinding !== null, 'scram with channel binding needs the binding');
  assert(options.salt.length > 0 && options.iterations > 0, 'scram needs salt and iterations');
  const ourNonce = options.nonce ?? encodeBase64(crypto.randomBytes(18));
  assert(SCRAM_NONCE.test(ourNonce), 'a scram nonce is printable');

  let state: 'new' | 'challenged' | 'done' = 'new';
  let clientFirstBare = '';
  let serverFirst = '';
  let nonce = '';
  let expectedBinding = '';

  return {
    first(mechanism, clientFirst) {
      assert(state === 'new', 'scram server-first comes once');
      state = 'done';
      const parsed = parseClientFirst(readMessage(clientFirst));
      checkMechanism(mechanism, parsed.flag, mechanisms);
      const header = utf8Encode(parsed.gs2Header);
      expectedBinding = encodeBase64(
        parsed.flag === 'bound' ? concat(header, channelBinding?.data ?? new Uint8Array()) : header,
      );
      clientFirstBare = parsed.bare;
      nonce = parsed.nonce + ourNonce;
      serverFirst = `r=${nonce},s=${encodeBase64(options.salt)},i=${options.iterations}`;
      state = 'challenged';
      return utf8Encode(serverFirst);
    },

    verify(clientFinal, verifiers) {
      assert(state === 'challenged', 'scram is verified once, after server-first');
      state = 'done';
      const parsed = parseClientFinal(readMessage(clientFinal));
      // INVARIANT: the client saw our certificate. A gate in between has another, and so another binding.
      if (!crypto.equal(utf8Encode(parsed.binding), utf8Encode(expectedBinding)))
        throw new ProtocolError('28000', 'scram channel binding check failed');
      if (parsed.nonce !== nonce) throw violation('scram nonce does not match');
      const authMessage = utf8Encode(`${clientFirstBare},${serverFirst},${parsed.withoutProof}`);
      const matched = verifiers.findIndex((verifier) => fits(crypto, verifier, authMessage, parsed.proof));
      return {
        matched: matched === -1 ? null : matched,
        serverFinal(index) {
          const verifier = verifiers[index];
          // Signing for a verifier that the proof did not fit would prove us to a client without the password.
          assert(verifier !== undefined && index === matched, 'scram signs only for the verifier that matched');
          return utf8Encode(`v=${encodeBase64(crypto.hmacSha256(verifier.serverKey, authMessage))}`);
        },
      };
    },
  };
}

function fits(crypto: ScramCrypto, verifier: ScramVerifier, authMessage: Uint8Array, proof: Uint8Array): boolean {
  const clientKey = xorKeys(proof, crypto.hmacSha256(verifier.storedKey, authMessage));
  return crypto.equal(crypto.sha256(clientKey), verifier.storedKey);
}

function readMessage(bytes: Uint8Array): string {
  if (bytes.length > PROTOCOL_LIMITS.maxAuthBytes) throw violation('scram message is too long');
  const text = utf8Decode(bytes);
  if (text === null || text.includes('\0')) throw violation('scram message is not text');
  return text;
}

/** `none`: the client cannot bind; `unoffered`: it could, and saw that we cannot; `bound`: it binds. */
type BindingFlag = 'none' | 'unoffered' | 'bound';

function parseClientFirst(message: string): { flag: BindingFlag; gs2Header: string; bare: string; nonce: string } {
  const match = /^(n|y|p=([A-Za-z0-9.-]+)),([^,]*),(.*)$/s.exec(message);
  if (match === null) throw violation('scram client-first-message is malformed');
  if (match[2] !== undefined && match[2] !== 'tls-server-end-point')
    throw new ProtocolError('28000', 'scram channel binding of another kind than `tls-server-end-point`');
  // To act as another user than the one who proves a password is not ours to give.
  if (match[3] !== '') throw new ProtocolError('0A000', 'scram authorization identities are not supported');
  const bare = match[4]!;
  if (bare.startsWith('m=')) throw new ProtocolError('0A000', 'scram mandatory extensions are not supported');
  const fields = /^n=[^,]*,r=([^,]+)(?:,.*)?$/s.exec(bare);
  if (fields === null || !SCRAM_NONCE.test(fields[1]!)) throw violation('scram client-first-message is malformed');
  const flag = match[1] === 'n' ? 'none' : match[1] === 'y' ? 'unoffered' : 'bound';
  return { flag, gs2Header: `${match[1]},,`, bare, nonce: fields[1]! };
}

function checkMechanism(mechanism: string, flag: BindingFlag, offered: readonly ScramMechanism[]): void {
  if (!offered.some((name) => name === mechanism))
    throw violation('client chose a sasl mechanism that was not offered');
  if ((mechanism === 'SCRAM-SHA-256-PLUS') !== (flag === 'bound'))
    throw violation('scram mechanism and channel binding flag do not agree');
  // RFC 5802 section 6: `y` says that PLUS was not on the list the client saw, so somebody took it off on the way.
  if (flag === 'unoffered' && offered.includes('SCRAM-SHA-256-PLUS'))
    throw new ProtocolError('28000', 'scram channel binding negotiation error: the offer was changed on the way');
}

function parseClientFinal(message: string): {
  binding: string;
  nonce: string;
  proof: Uint8Array;
  withoutProof: string;
} {
  const match = /^(c=([^,]+),r=([^,]+)(?:,.*)?),p=([^,]+)$/s.exec(message);
  const proof = match === null ? null : decodeBase64(match[4]!);
  if (match === null || proof === null || proof.length !== SCRAM_KEY_BYTES)
    throw violation('scram client-final-message is malformed');
  return { binding: match[2]!, nonce: match[3]!, proof, withoutProof: match[1]! };
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
