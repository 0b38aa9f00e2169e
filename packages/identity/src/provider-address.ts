import { X509Certificate } from 'node:crypto';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** HTTPS, or this machine: who can change what a provider says can sign in as anybody. */
export function isSecureAddress(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname));
}

/** The certificates of a PEM bundle; `null` where one of them cannot be read, or there is none. */
export function splitCertificates(bundle: string): readonly string[] | null {
  const found = bundle.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  try {
    return found.length === 0 ? null : found.map((pem) => new X509Certificate(pem).toString());
  } catch {
    return null;
  }
}
