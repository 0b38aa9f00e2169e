import type { RelationAccess, SqlOperation } from '@taskgate/core';

const MOST_RELATIONS = 4;

/** One line for lists: the label and what it reaches, as `UPDATE update public.orders(status), select public.orders(id)`. */
export function summarizeOperation(operation: SqlOperation): string {
  const unknown = operation.unknowns[0];
  if (unknown !== undefined) return `${operation.label}: ${unknown.message}`;
  const named = operation.accesses.filter((access) => !access.system);
  const shown = (named.length > 0 ? named : operation.accesses).map(summarizeAccess);
  const more = shown.length - MOST_RELATIONS;
  const list = shown.slice(0, MOST_RELATIONS).join(', ') + (more > 0 ? ` and ${more} more` : '');
  const effect = operation.effect !== null && 'name' in operation.effect ? (operation.effect.name ?? 'all') : '';
  return [operation.label, effect, list].filter((part) => part !== '').join(' ');
}

function summarizeAccess({ verb, relation, columns }: RelationAccess): string {
  const list = columns.length === 0 ? '' : `(${columns.join(', ')})`;
  return `${verb} ${relation.schema}.${relation.name}${list}`;
}
