// Tables of RFC 3454 that RFC 4013 (SASLprep) names. Whole categories stand for C.2, C.3, C.4 and C.5.
const OTHER_SPACE = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu; // C.1.2
// biome-ignore lint/suspicious/noMisleadingCharacterClass: the class is one of single code points
const MAPPED_TO_NOTHING = /[\u00ad\u034f\u1806\u180b-\u180d\u200c\u200d\u2060\ufe00-\ufe0f\ufeff]/gu; // B.1
const PROHIBITED =
  /\u{340}|\u{341}|[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u{6dd}\u{70f}\u{180e}\u{200e}\u{200f}\u{2028}-\u{202e}\u{2061}-\u{2063}\u{206a}-\u{206f}\u{2ff0}-\u{2ffb}\u{fff9}-\u{fffd}\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u;
const ASCII = /^[\0-\x7f]*$/;

/**
 * A password as Postgres prepares it for SCRAM: ASCII as it is, else SASLprep, else (where that prohibits it) as it is.
 * Left out are RFC 3454's bidirectional rule and its list of code points unassigned in Unicode 3.2: Postgres takes such
 * passwords as they are, we their NFKC form, so they differ only where that form is another text.
 */
export function prepareScramPassword(password: string): string {
  if (ASCII.test(password)) return password;
  const prepared = password.replace(OTHER_SPACE, ' ').replace(MAPPED_TO_NOTHING, '').normalize('NFKC');
  return prepared === '' || PROHIBITED.test(prepared) ? password : prepared;
}
