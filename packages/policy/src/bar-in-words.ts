import { formatNamePattern, formatRelationPattern } from './name-pattern.ts';
import type { Bar } from './rule-atoms.ts';

/** "`update` on `public.orders`": what a deny or hold rule is about, for a message. */
export function barInWords(bar: Bar): string {
  if (bar.kind === 'access') {
    const of =
      bar.column === null || (bar.column.text === '*' && !bar.column.exact)
        ? ''
        : ` of column \`${formatNamePattern(bar.column)}\``;
    return `\`${bar.verb}\`${of} on \`${formatRelationPattern(bar.relation)}\``;
  }
  const on = bar.on === null ? '' : ` on \`${formatRelationPattern(bar.on)}\``;
  return `${bar.class === '*' ? 'every statement' : `\`${bar.class}\``}${on}`;
}
