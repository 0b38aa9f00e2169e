import type { SqlOperation } from '@taskgate/core';
import { formatName, formatRelation } from './name-pattern.ts';

const MAX_NAMED = 3;

/** What a write sets off by itself, for whoever approves it; `null`: nothing. */
export function firesInWords({ fires = [] }: Pick<SqlOperation, 'fires'>): string | null {
  if (fires.length === 0) return null;
  const named = fires.slice(0, MAX_NAMED).map(({ kind, name, relation, runs, writes }) => {
    const on = `\`${formatRelation(relation)}\``;
    return kind === 'trigger'
      ? `trigger \`${formatName(name)}\` of ${on}, which runs \`${runs}\``
      : `foreign key \`${formatName(name)}\`, which may ${writes} rows of ${on}`;
  });
  const more = fires.length > named.length ? `, and ${fires.length - named.length} more` : '';
  return `it sets off ${named.join('; ')}${more}`;
}
