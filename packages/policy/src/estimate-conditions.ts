import type { Reason, SqlOperation } from '@taskgate/core';
import type { CompiledPolicySet, CompiledRule } from './compile-policy-set.ts';
import { coversRelation } from './match-rule.ts';
import { matchingDenies } from './matching-denies.ts';
import { reasonOfRule, taskReference } from './reason.ts';

/** Rows that the target's planner expects; `Infinity`: not known, which is more than any rule names. */
export type EstimatedRows = number;

const isAbove = ({ estimate }: CompiledRule, rows: EstimatedRows): boolean => estimate !== null && rows > estimate;

export const hasEstimates = ({ allows, holds, denies }: CompiledPolicySet): boolean =>
  [...allows, ...holds, ...denies].some(({ estimate }) => estimate !== null);

/**
 * The rules that count for a statement of so many rows: an allow rule up to its `max`; a hold or deny rule above its
 * `above`. A hold rule of a task opens what it is about in either case.
 */
export function rulesAt(set: CompiledPolicySet, rows: EstimatedRows): CompiledPolicySet {
  if (!hasEstimates(set)) return set;
  const applies = (rule: CompiledRule): boolean => rule.estimate === null || isAbove(rule, rows);
  return {
    ...set,
    allows: set.allows.filter((rule) => rule.approvals !== null || !isAbove(rule, rows)),
    holds: set.holds.filter(applies),
    denies: set.denies.filter(applies),
  };
}

/** Why a statement that fewer rows would let through is denied. */
export function estimateExceeded(operation: SqlOperation, set: CompiledPolicySet, rows: EstimatedRows): Reason {
  const opens = set.allows.filter((rule) => rule.approvals === null && isAbove(rule, rows));
  const denied = matchingDenies(operation, { ...set, denies: set.denies.filter((rule) => isAbove(rule, rows)) })[0];
  const rule =
    set.denies.find(({ reference }) => reference === denied?.rule) ??
    opens.find((one) => operation.accesses.some((access) => coversRelation(one, operation, access))) ??
    opens[0];
  const most = rule?.estimate ?? 0;
  return reasonOfRule(
    'estimate-exceeded',
    rule?.reference ?? taskReference(set),
    Number.isFinite(rows)
      ? `the planner expects ${rows} rows of \`${operation.label}\`, and the rule lets through ${most}`
      : `how many rows \`${operation.label}\` has cannot be estimated, and the rule lets through ${most}`,
    Number.isFinite(rows)
      ? `a condition or a \`limit\` that leaves at most ${most} rows`
      : 'a plain select, insert, update or delete, sent alone, that calls only harmless functions',
  );
}
