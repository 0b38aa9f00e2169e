const MAX_LINES = 8;

/** The rule that begins on `line` (from 1) of a source, with the lines that belong to it; empty where there is none. */
export function ruleExcerpt(source: string, line: number): string {
  const lines = source.split('\n');
  const first = lines[line - 1];
  if (first === undefined) return '';
  const indent = indentOf(first);
  const excerpt = [first];
  for (const next of lines.slice(line, line + MAX_LINES - 1)) {
    if (next.trim() === '' || indentOf(next) <= indent) break;
    excerpt.push(next);
  }
  return excerpt.map((text) => text.slice(Math.min(indent, indentOf(text))).trimEnd()).join('\n');
}

const indentOf = (text: string): number => text.length - text.trimStart().length;
