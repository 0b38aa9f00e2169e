'use client';
import { createContext, type ReactNode, useContext } from 'react';

const NonceContext = createContext<string>('');

/** The CSP nonce of this page, for libraries that write style elements: CodeMirror, xterm, scroll locks. */
export const useNonce = (): string => useContext(NonceContext);

export function NonceProvider({ nonce, children }: { nonce: string; children: ReactNode }) {
  // Where react-style-singleton (inside radix) looks for it.
  if (typeof window !== 'undefined') (window as { __webpack_nonce__?: string }).__webpack_nonce__ = nonce;
  return <NonceContext value={nonce}>{children}</NonceContext>;
}
