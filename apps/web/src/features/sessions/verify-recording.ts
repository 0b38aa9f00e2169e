import { type ChainVerdict, verifyChain } from '@taskgate/recording';
import type { SessionView } from '@/lib/views.ts';
import { headMessage, hexBytes, pemBytes } from './head-message.ts';

export interface Verification {
  readonly chain: ChainVerdict;
  readonly bytes: number;
  /** What the store committed to when the session ended; `null` while there is none, and then nothing shows a cut end. */
  readonly expected: { readonly count: number; readonly hash: string } | null;
  readonly signature: 'valid' | 'wrong' | 'other-key' | 'no-key' | 'not-supported' | 'none';
  readonly keyId: string | null;
}

type Digest = (bytes: Uint8Array) => Promise<Uint8Array>;

/**
 * Recomputes the whole chain here, from the bytes as they are kept. It shows that they are consistent with the head in
 * the store; who could change both the file and the store could still make another chain.
 */
export async function verifyRecording(
  session: Pick<SessionView, 'id' | 'head'>,
  recording: { readonly bytes: Uint8Array; readonly publicKeyPem: string | null },
  onProgress: (done: number) => void,
): Promise<Verification> {
  const { bytes } = recording;
  let hashed = 0;
  let told = 0;
  const sha256: Digest = async (part) => {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', part as Uint8Array<ArrayBuffer>));
    hashed += part.length;
    if (hashed - told > bytes.length / 50) {
      told = hashed;
      onProgress(Math.min(1, hashed / bytes.length));
    }
    return digest;
  };
  const { head } = session;
  const expected = head === null ? null : { count: head.count, hash: head.hash };
  const chain = await verifyChain(bytes, {
    sha256,
    ...(head === null ? {} : { expectedHead: { count: head.count, hash: hexBytes(head.hash) } }),
  });
  const { signature, keyId } = await checkSignature(session, recording.publicKeyPem, sha256);
  return { chain, bytes: bytes.length, expected, signature, keyId };
}

async function checkSignature(
  { id, head }: Pick<SessionView, 'id' | 'head'>,
  publicKeyPem: string | null,
  sha256: Digest,
): Promise<Pick<Verification, 'signature' | 'keyId'>> {
  if (head === null) return { signature: 'none', keyId: null };
  if (publicKeyPem === null) return { signature: 'no-key', keyId: head.keyId };
  const spki = pemBytes(publicKeyPem);
  const keyId = [...(await sha256(spki)).subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (keyId !== head.keyId) return { signature: 'other-key', keyId: head.keyId };
  try {
    const key = await crypto.subtle.importKey('spki', spki, 'Ed25519', false, ['verify']);
    const signature = Uint8Array.from(atob(head.signature), (character) => character.charCodeAt(0));
    const valid = await crypto.subtle.verify('Ed25519', key, signature, headMessage(id, head));
    return { signature: valid ? 'valid' : 'wrong', keyId };
  } catch {
    return { signature: 'not-supported', keyId };
  }
}
