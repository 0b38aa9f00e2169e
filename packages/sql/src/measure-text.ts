import { SQL_LIMITS } from './sql-limits.ts';

export interface TextMeasure {
  readonly tokens: number;
  readonly parentheses: number;
  /** Steps that the server's lexer takes over runs of operator characters, whatever they stand in. */
  readonly operatorSteps: number;
}

const WORD = /[A-Za-z0-9_$\u0080-\uffff]+/y;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;

const LONG_OPERATOR_RUN = /[~!@#^&|`?+\-*/%<>=]{65,}/g;

/**
 * The lexer reads a whole run of such characters, takes the first token of it and reads the rest again: `/*` two hundred
 * thousand times keeps it busy for minutes. Counted without regard to quotes and comments, so that no misjudged
 * quote hides a run.
 */
function operatorSteps(text: string): number {
  let steps = 0;
  for (const [run] of text.matchAll(LONG_OPERATOR_RUN)) steps += run.length * run.length;
  return steps;
}

/**
 * Counts tokens and the deepest nesting of brackets, roughly, so that a text that would hold the event loop or the
 * parser's stack never reaches the parser. It decides nothing else: a text it misjudges still meets the parser and
 * the limits on its tree. Counting ends just above the limit of tokens.
 */
export function measureText(text: string): TextMeasure {
  let tokens = 0;
  let open = 0;
  let parentheses = 0;
  let at = 0;
  while (at < text.length && tokens <= SQL_LIMITS.tokens) {
    const char = text[at]!;
    if (char <= ' ') {
      at += 1;
      continue;
    }
    tokens += 1;
    if (char === "'" || char === '"') {
      const escapes = char === "'" && (text[at - 1] === 'E' || text[at - 1] === 'e');
      at = endOfQuote(text, at + 1, char, escapes);
    } else if (char === '-' && text[at + 1] === '-') {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end + 1;
    } else if (char === '/' && text[at + 1] === '*') {
      at = endOfComment(text, at + 2);
    } else if (char === '$' && matchAt(DOLLAR_QUOTE, text, at) !== null) {
      const tag = matchAt(DOLLAR_QUOTE, text, at)!;
      const end = text.indexOf(tag, at + tag.length);
      at = end < 0 ? text.length : end + tag.length;
    } else {
      if (char === '(' || char === '[') {
        open += 1;
        if (open > parentheses) parentheses = open;
      } else if (char === ')' || char === ']') {
        open -= 1;
      }
      at += matchAt(WORD, text, at)?.length ?? 1;
    }
  }
  return { tokens, parentheses, operatorSteps: operatorSteps(text) };
}

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

function endOfQuote(text: string, from: number, quote: string, escapes: boolean): number {
  let at = from;
  while (at < text.length) {
    if (text[at] === quote) return at + 1;
    at += escapes && text[at] === '\\' ? 2 : 1;
  }
  return text.length;
}

function endOfComment(text: string, from: number): number {
  let level = 1;
  let at = from;
  while (at < text.length) {
    if (text[at] === '*' && text[at + 1] === '/') {
      level -= 1;
      at += 2;
      if (level === 0) return at;
    } else if (text[at] === '/' && text[at + 1] === '*') {
      level += 1;
      at += 2;
    } else {
      at += 1;
    }
  }
  return text.length;
}
