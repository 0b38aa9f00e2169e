import type { PublicJwk } from './public-key.ts';
import type { WebCrypto } from './web-crypto.ts';

const COORDINATE_BYTES = 32;

/** Whether `signature` is the key's over `data`, in the form that WebAuthn gives (section 6.5.5). Throws nothing. */
export async function verifySignature(
  key: PublicJwk,
  signature: Uint8Array<ArrayBuffer>,
  data: Uint8Array<ArrayBuffer>,
  { subtle }: WebCrypto,
): Promise<boolean> {
  const algorithm = ALGORITHMS[key.kty];
  const plain = key.kty === 'EC' ? fromDer(signature) : signature;
  if (plain === null) return false;
  try {
    const imported = await subtle.importKey('jwk', key, algorithm, false, ['verify']);
    return await subtle.verify(algorithm, imported as never, plain, data);
  } catch {
    // Not a key of that kind, or one that this machine does not know.
    return false;
  }
}

const ALGORITHMS = {
  EC: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  OKP: { name: 'Ed25519' },
  RSA: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
} as const;

/** RFC 3279 section 2.2.3 to IEEE P1363, which WebCrypto wants: two integers of 32 bytes. `null` where it is not that. */
function fromDer(der: Uint8Array): Uint8Array<ArrayBuffer> | null {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return null;
  const plain = new Uint8Array(2 * COORDINATE_BYTES);
  let at = 2;
  for (const end of [COORDINATE_BYTES, 2 * COORDINATE_BYTES]) {
    const length = der[at + 1] ?? 0;
    if (der[at] !== 0x02 || length === 0 || at + 2 + length > der.length) return null;
    let digits = der.subarray(at + 2, at + 2 + length);
    if (digits[0] === 0) digits = digits.subarray(1);
    if (digits.length > COORDINATE_BYTES) return null;
    plain.set(digits, end - digits.length);
    at += 2 + length;
  }
  return at === der.length ? plain : null;
}
