import type { Reason, RelationName, SqlOperation } from '@taskgate/core';
import type { CompiledPolicySet } from './compile-policy-set.ts';
import { flattenAccesses } from './match-rule.ts';
import { GATE, reasonOfRule } from './reason.ts';

/** What makes only things whose reads the analysis sees: a view's definition, the columns of a query. */
const PLAIN_CREATES: ReadonlySet<string> = new Set([
  'CREATE TABLE',
  'CREATE TABLE AS',
  'SELECT INTO',
  'CREATE VIEW',
  'CREATE MATERIALIZED VIEW',
  'CREATE SCHEMA',
  'CREATE SEQUENCE',
  'CREATE INDEX',
  'CREATE STATISTICS',
  'CREATE TYPE',
]);

/**
 * Where columns are masked, two ways lead around the masks that no lineage of a statement shows: code at the target
 * (functions, triggers, rules, operators) that reads the column later, and another name for it, since masks go by name.
 */
export function checkMaskEscapes(operation: SqlOperation, set: CompiledPolicySet): readonly Reason[] {
  if (set.columnMasks.length === 0) return [];
  const refuse = (why: string): readonly Reason[] => [
    reasonOfRule(
      'masked-column-used',
      GATE,
      `\`${operation.label}\` is not allowed while columns of this database are masked: ${why}`,
      'have it done outside of the gate, by whoever owns the database',
    ),
  ];
  switch (operation.statementClass) {
    case 'create':
      return PLAIN_CREATES.has(operation.label) ? [] : refuse('what it makes could read them unseen');
    case 'alter': {
      const touched = flattenAccesses(operation.accesses);
      if (touched.length === 0) return refuse('it is not clear which relations it renames or changes');
      return touched.some(({ relation }) => isMasked(set, relation))
        ? refuse('it could move them from under their masks')
        : [];
    }
    case 'other':
      return refuse('what it does cannot be seen');
    default:
      return [];
  }
}

function isMasked(set: CompiledPolicySet, { schema, name }: RelationName): boolean {
  return set.columnMasks.some(({ column }) => column.schema === schema && column.relation === name);
}
