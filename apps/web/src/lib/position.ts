/** Offset of a place (both from 1) in a text; clamped into it. */
export function offsetOf(text: string, place: { readonly line: number; readonly column: number }): number {
  let start = 0;
  for (let line = 1; line < place.line; line++) {
    const end = text.indexOf('\n', start);
    if (end < 0) return text.length;
    start = end + 1;
  }
  return Math.min(start + Math.max(0, place.column - 1), text.length);
}

/** The end of the word that begins at an offset, or of one character where none does. */
export function wordEnd(text: string, offset: number): number {
  const word = /^("[^"]*"|[\w.]+)/.exec(text.slice(offset, offset + 200))?.[0].length ?? 1;
  return Math.min(text.length, offset + word);
}

/** The place of an offset, as people count. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - before.lastIndexOf('\n') };
}

/** Postgres counts characters (code points) from 1; editors count UTF-16 units from 0. */
export function utf16Offset(text: string, position: number): number {
  let units = 0;
  let left = position - 1;
  for (const character of text) {
    if (left <= 0) break;
    units += character.length;
    left -= 1;
  }
  return units;
}

/** Where the thing stands that a message names first in backticks; `null` where the text does not have it as a word. */
export function spanOfName(text: string, message: string): { from: number; to: number } | null {
  const name = /`([\w.]+)`/.exec(message)?.[1];
  if (name === undefined) return null;
  const from = text.search(new RegExp(`(?<![\\w.])${name.replaceAll('.', '\\.')}(?!\\w)`, 'i'));
  return from < 0 ? null : { from, to: from + name.length };
}
