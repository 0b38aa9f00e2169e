import { utf8Encode } from '@taskgate/core';

/** What is needed of `crypto.subtle`, which Node and browsers have alike. */
export interface Subtle {
  digest(algorithm: 'SHA-256', data: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer>;
  importKey(
    format: 'jwk',
    key: object,
    algorithm: KeyAlgorithm,
    extractable: false,
    uses: 'verify'[],
  ): Promise<unknown>;
  verify(
    algorithm: KeyAlgorithm,
    key: never,
    signature: Uint8Array<ArrayBuffer>,
    data: Uint8Array<ArrayBuffer>,
  ): Promise<boolean>;
}
type KeyAlgorithm = { name: string; namedCurve?: string; hash?: string };

export interface WebCrypto {
  /** Of bytes, or of a text's UTF-8. */
  sha256(data: Uint8Array | string): Promise<Uint8Array<ArrayBuffer>>;
  readonly subtle: Subtle;
}

export function createWebCrypto(subtle: Subtle): WebCrypto {
  return {
    subtle,
    async sha256(data) {
      const bytes = typeof data === 'string' ? utf8Encode(data) : data;
      return new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
    },
  };
}
