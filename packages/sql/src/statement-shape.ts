/** Longer texts are rarely asked for again with another number in them. */
const MAX_LENGTH = 4_096;
/** Nine digits are an integer, whatever they are; more may be a bigint, which is another type. */
const MAX_DIGITS = 9;
const VALUES_LIST = /^\s*insert\s+into\s+[a-z_][\w.]*\s*\([\w\s,]*\)\s*values\s*\(/i;
const PLACEHOLDER = '\u0001';

/** Other statements have options, where `analyze +0` and `analyze +1` are not the same. */
const OF_ROWS = /^\s*(?:select|insert|update|delete|with)\b/i;

/** A list in which a number can be more than a value: a place in a result, the size of a type. */
const MORE_THAN_VALUES = /\bby\b|\bselect\b|::/i;

const SPACE = 0x20;
const QUOTE = 0x27;
const STAR = 0x2a;
const COMMA = 0x2c;
const MINUS = 0x2d;
const SLASH = 0x2f;
const OPEN = 0x28;
const SEMICOLON = 0x3b;

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isWord = (code: number): boolean =>
  isDigit(code) || (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f || code === 0x2e;
const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
/** `= < > + - * / %`: behind one of these a number is a value, unless minuses add up. */
const isOperator = (code: number): boolean =>
  (code >= 0x3c && code <= 0x3e) || code === 0x2b || code === MINUS || code === STAR || code === SLASH || code === 0x25;

/**
 * The text with a placeholder for each plain integer that is certainly a value of no further meaning: behind an
 * operator, or in the list of a plain `insert ... values`. Two texts of one shape differ in such values alone, so that
 * what the analysis says of one holds for the other.
 *
 * `null` for all that could be read in another way than it seems here: quoted names, dollar signs, backslashes, comments,
 * prefixed strings, anything but printable ASCII, more than one statement, and all but queries and writes. Numbers
 * elsewhere stay as they are: `order by 2`, `varchar(20)`, `limit 5` are other statements than those with another number.
 */
export function statementShape(text: string): string | null {
  if (text.length > MAX_LENGTH || !OF_ROWS.test(text)) return null;
  const valuesAt = MORE_THAN_VALUES.test(text)
    ? Number.POSITIVE_INFINITY
    : (VALUES_LIST.exec(text)?.[0].length ?? Number.POSITIVE_INFINITY);
  let shape = '';
  let copied = 0;
  /** The last character that is no space. */
  let before = 0;
  /** The one in front of `before`, where that is an operator. */
  let earlier = 0;
  for (let i = 0; i < text.length; ) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      // E'', B'', U&'' and their like read what is in them differently.
      if (i > 0 && (isWord(text.charCodeAt(i - 1)) || text.charCodeAt(i - 1) === 0x26)) return null;
      const end = text.indexOf("'", i + 1);
      if (end < 0 || text.slice(i, end).includes('\\')) return null;
      before = QUOTE;
      i = end + 1;
      continue;
    }
    if (isDigit(code)) {
      let end = i + 1;
      while (end < text.length && isDigit(text.charCodeAt(end))) end += 1;
      const isListed = i >= valuesAt - 1;
      // `order by - -2` and `order by -(-2)` are `order by 2` to the server, a place in the result.
      const addsUp = before === MINUS && (earlier === MINUS || earlier === OPEN) && !isListed;
      const isValue = (isOperator(before) && !addsUp) || (isListed && (before === OPEN || before === COMMA));
      const plain = end === text.length || !isWord(text.charCodeAt(end));
      if (isValue && plain && end - i <= MAX_DIGITS) {
        shape += text.slice(copied, i) + PLACEHOLDER;
        copied = end;
      } else while (end < text.length && isWord(text.charCodeAt(end))) end += 1;
      before = 0x30;
      i = end;
      continue;
    }
    if (isWord(code)) {
      let end = i + 1;
      while (end < text.length && isWord(text.charCodeAt(end))) end += 1;
      before = 0x61;
      i = end;
      continue;
    }
    if (isSpace(code)) {
      i += 1;
      continue;
    }
    if (code < SPACE || code > 0x7e || code === 0x22 || code === 0x24 || code === 0x5c) return null;
    const next = text.charCodeAt(i + 1);
    if ((code === MINUS && next === MINUS) || (code === SLASH && next === STAR)) return null;
    if (code === SEMICOLON && text.slice(i + 1).trim() !== '') return null;
    earlier = before;
    before = code;
    i += 1;
  }
  return copied === 0 ? null : shape + text.slice(copied);
}
