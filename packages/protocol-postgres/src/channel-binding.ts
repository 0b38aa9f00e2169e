/** Hashes for `tls-server-end-point`, under Node's names. */
export type EndPointHash = 'sha224' | 'sha256' | 'sha384' | 'sha512';

/** Signature algorithms by the dotted OID that certificates hold, where the name does not say the hash. */
const HASH_OF_OID: ReadonlyMap<string, EndPointHash> = new Map<string, EndPointHash>([
  ['1.2.840.113549.1.1.4', 'sha256'], // md5 with rsa
  ['1.2.840.113549.1.1.5', 'sha256'], // sha1 with rsa
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
  ['1.2.840.113549.1.1.14', 'sha224'],
  ['1.2.840.10045.4.1', 'sha256'], // ecdsa with sha1
  ['1.2.840.10045.4.3.1', 'sha224'],
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
]);

/**
 * The hash under which a certificate's DER is the `tls-server-end-point` binding (RFC 5929 section 4.1): that of its
 * own signature, SHA-256 where that is MD5 or SHA-1. `signatureAlgorithm` is a name such as `sha384WithRSAEncryption`
 * or `ecdsa-with-SHA256`, or a dotted OID. `null` where the RFC defines none (Ed25519) or the name does not tell
 * (RSASSA-PSS): offer no channel binding then.
 */
export function endPointHash(signatureAlgorithm: string): EndPointHash | null {
  const known = HASH_OF_OID.get(signatureAlgorithm);
  if (known !== undefined) return known;
  const name = signatureAlgorithm.toLowerCase();
  const match = /(?:^|[^a-z0-9])(md5|sha-?1|sha-?224|sha-?256|sha-?384|sha-?512)(?:$|with|[^a-z0-9])/.exec(name);
  if (match === null) return null;
  switch (match[1]!.replace('-', '')) {
    case 'sha224':
      return 'sha224';
    case 'sha384':
      return 'sha384';
    case 'sha512':
      return 'sha512';
    default:
      return 'sha256';
  }
}
