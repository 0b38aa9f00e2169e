'use client';
import { createContext, type ReactNode, useContext } from 'react';

const NonceContext = createContext<string>('');

/** The CSP nonce of this page, for libraries that write style elements: CodeMirror, xterm. */
export const useNonce = (): string => useContext(NonceContext);

export function NonceProvider({ nonce, children }: { nonce: string; children: ReactNode }) {
  return <NonceContext value={nonce}>{children}</NonceContext>;
}
