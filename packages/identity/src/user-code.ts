/** No vowels, so that no word comes out, and nothing that looks like something else (RFC 8628, section 6.1). */
const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ';
const LENGTH = 8;
/** Bytes from here on would make some characters likelier than others. */
const UNBIASED = 256 - (256 % ALPHABET.length);

/** What a person types to say which device they mean: `WDJB-MJHT`, 34 bits. */
export function createUserCode(randomBytes: (length: number) => Uint8Array): string {
  let code = '';
  while (code.length < LENGTH)
    for (const byte of randomBytes(LENGTH))
      if (byte < UNBIASED && code.length < LENGTH) code += ALPHABET[byte % ALPHABET.length];
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

/** The code as it was made, however it was typed: case, spaces and dashes do not count. `null`: it cannot be one. */
export function normalizeUserCode(typed: string): string | null {
  const code = typed.toUpperCase().replace(/[\s-]/g, '');
  if (code.length !== LENGTH || [...code].some((letter) => !ALPHABET.includes(letter))) return null;
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}
