export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * The statements of a text, without the space around them: cut at each semicolon that stands outside of quotes,
 * dollar quotes and comments. For choosing what to send only; what a statement is, the gate decides by the real grammar.
 */
export function splitStatements(text: string): Span[] {
  const spans: Span[] = [];
  let from = 0;
  let at = 0;
  const close = (end: number) => {
    const span = trim(text, from, end);
    if (span !== null) spans.push(span);
  };
  while (at < text.length) {
    const next = skip(text, at);
    if (next > at) {
      at = next;
      continue;
    }
    if (text[at] === ';') {
      close(at + 1);
      from = at + 1;
    }
    at += 1;
  }
  close(text.length);
  return spans;
}

/** The statement that the cursor is in, or just behind; else the one before it, else the first. */
export function statementAt(text: string, cursor: number): Span | null {
  const spans = splitStatements(text);
  return (
    spans.find((span) => cursor >= span.from && cursor <= span.to) ??
    spans.findLast((span) => span.to <= cursor) ??
    spans[0] ??
    null
  );
}

/** Nothing but semicolons, space and comments is no statement. */
function trim(text: string, from: number, to: number): Span | null {
  let start = from;
  let end = to;
  while (start < end && /\s/.test(text[start]!)) start += 1;
  while (end > start && /\s/.test(text[end - 1]!)) end -= 1;
  let at = start;
  while (at < end) {
    if (/[\s;]/.test(text[at]!)) {
      at += 1;
      continue;
    }
    const after = skipComment(text, at);
    if (after === at) return { from: start, to: end };
    at = after;
  }
  return null;
}

/** Where the quote or comment that begins here ends; `at` itself where none does. */
function skip(text: string, at: number): number {
  const afterComment = skipComment(text, at);
  if (afterComment > at) return afterComment;
  const character = text[at]!;
  if (character === "'" || character === '"') {
    const escapes = character === "'" && /(^|[^\w$])e$/i.test(text.slice(Math.max(0, at - 2), at));
    for (let end = at + 1; end < text.length; end++) {
      if (escapes && text[end] === '\\') end += 1;
      else if (text[end] === character) return end + 1;
    }
    return text.length;
  }
  if (character === '$' && !/[\w$]/.test(text[at - 1] ?? ' ')) {
    const tag = /^\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/.exec(text.slice(at, at + 70))?.[0];
    if (tag === undefined) return at;
    const end = text.indexOf(tag, at + tag.length);
    return end < 0 ? text.length : end + tag.length;
  }
  return at;
}

function skipComment(text: string, at: number): number {
  if (text.startsWith('--', at)) {
    const end = text.indexOf('\n', at);
    return end < 0 ? text.length : end + 1;
  }
  if (!text.startsWith('/*', at)) return at;
  // Postgres nests them.
  let depth = 0;
  for (let end = at; end < text.length; end++) {
    if (text.startsWith('/*', end)) {
      depth += 1;
      end += 1;
    } else if (text.startsWith('*/', end)) {
      depth -= 1;
      end += 1;
      if (depth === 0) return end + 1;
    }
  }
  return text.length;
}
