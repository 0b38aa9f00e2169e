/** Finds any of many needles in bytes, in one pass over them. */
export interface CanaryMatcher {
  readonly needles: number;
  /** What was found, as `form of text`; each once. */
  find(bytes: Uint8Array): readonly string[];
}

const WINDOW = 4;

interface Needle {
  readonly bytes: Uint8Array;
  readonly what: string;
}

/** The forms in which a text is searched: all that a client could turn back without knowing the text. */
function formsOf(text: string): readonly (readonly [string, Uint8Array])[] {
  const bytes = Buffer.from(text);
  // Base64 of a text somewhere inside another depends on where it starts: the middle of each of the three.
  const base64 = [0, 1, 2].map(
    (shift) =>
      [
        `base64 at ${shift}`,
        Buffer.from(
          Buffer.concat([Buffer.alloc(shift), bytes])
            .toString('base64')
            .replaceAll('=', '')
            .slice(shift + 2, -2),
        ),
      ] as const,
  );
  const utf16 = Buffer.from(text, 'utf16le');
  return [
    ['plain', bytes],
    ['upper case', Buffer.from(text.toUpperCase())],
    ['lower case', Buffer.from(text.toLowerCase())],
    ['hex', Buffer.from(bytes.toString('hex'))],
    ['upper case hex', Buffer.from(bytes.toString('hex').toUpperCase())],
    ['reversed', Buffer.from([...text].reverse().join(''))],
    ['UTF-16', utf16],
    ['big-endian UTF-16', Buffer.from(utf16).swap16()],
    ...base64,
  ];
}

/** A matcher for texts of at least eight characters in all their forms. Four bytes at a place choose the few to compare. */
export function createCanaryMatcher(texts: readonly string[]): CanaryMatcher {
  const byWindow = new Map<number, Needle[]>();
  // Most places are passed by one look at a small table.
  const seen = new Uint8Array(1 << 16);
  const slot = (window: number): number => (Math.imul(window, 0x9e3779b1) >>> 16) & 0xffff;
  let needles = 0;
  for (const text of texts) {
    for (const [form, bytes] of formsOf(text)) {
      if (bytes.length < WINDOW) throw new Error(`\`${text}\` is too short to be searched`);
      const window = (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0;
      const list = byWindow.get(window) ?? [];
      byWindow.set(window, list);
      if (list.some((needle) => Buffer.compare(needle.bytes, bytes) === 0)) continue;
      list.push({ bytes, what: `${form} of ${text}` });
      seen[slot(window)] = 1;
      needles += 1;
    }
  }
  const startsAt = (bytes: Uint8Array, at: number, needle: Uint8Array): boolean => {
    if (at + needle.length > bytes.length) return false;
    for (let index = WINDOW; index < needle.length; index += 1) if (bytes[at + index] !== needle[index]) return false;
    return true;
  };
  return {
    needles,
    find(bytes) {
      const found = new Set<string>();
      let window = 0;
      for (let end = 0; end < bytes.length; end += 1) {
        window = ((window >>> 8) | (bytes[end]! << 24)) >>> 0;
        if (end < WINDOW - 1 || seen[slot(window)] === 0) continue;
        for (const needle of byWindow.get(window) ?? []) {
          if (startsAt(bytes, end - WINDOW + 1, needle.bytes)) found.add(needle.what);
        }
      }
      return [...found];
    },
  };
}
