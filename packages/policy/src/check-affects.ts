import type { AccessVerb, Reason, RelationAccess, SqlOperation } from '@taskgate/core';
import type { CompiledPolicySet, CompiledRule } from './compile-policy-set.ts';
import { coversColumn, coversRelation, flattenAccesses, touchesAccess } from './match-rule.ts';
import { reasonOfRule } from './reason.ts';

const WRITE_VERBS: readonly AccessVerb[] = ['insert', 'update', 'delete', 'truncate'];

/** Rules about a write of this operation that limit the rows it may touch. */
function countingRules(operation: SqlOperation, set: CompiledPolicySet): readonly CompiledRule[] {
  if (operation.statementClass === 'explain' || operation.effect !== null) return [];
  const writes = flattenAccesses(operation.accesses).filter((access) => WRITE_VERBS.includes(access.verb));
  if (writes.length === 0) return [];
  const counts = (rule: CompiledRule): boolean => rule.affectsMax !== null;
  return [
    ...set.allows.filter(
      (rule) =>
        counts(rule) && writes.some((access) => coversRelation(rule, operation, access) && anyColumn(rule, access)),
    ),
    ...set.holds.filter(
      ({ target, ...rule }) =>
        counts({ target, ...rule }) &&
        target.kind !== 'functions' &&
        writes.some((access) => touchesAccess(set, target, operation, access, true)),
    ),
  ];
}

const anyColumn = (rule: CompiledRule, access: RelationAccess): boolean =>
  access.columns.length === 0 || access.columns.some((column) => coversColumn(rule, column));

/** The smallest limit; `null`: none. */
export function affectedRowsMax(operation: SqlOperation, set: CompiledPolicySet): number | null {
  const limits = countingRules(operation, set).map((rule) => rule.affectsMax!);
  return limits.length === 0 ? null : Math.min(...limits);
}

/** A limit that the server's own count cannot be held against refuses the statement. */
export function checkAffects(operation: SqlOperation, set: CompiledPolicySet): readonly Reason[] {
  const rule = countingRules(operation, set)[0];
  if (rule === undefined || operation.countsItsWrite === true) return [];
  return [
    reasonOfRule(
      'affects-not-countable',
      rule.reference,
      `\`${operation.label}\` may touch at most ${rule.affectsMax} rows, and the server does not count the rows of this statement`,
      'one plain insert, update or delete on its own',
    ),
  ];
}
