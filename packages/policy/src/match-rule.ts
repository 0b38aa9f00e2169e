import type { RelationAccess, RelationName, SqlOperation } from '@taskgate/core';
import { type CompiledPolicySet, type CompiledRule, relationKey } from './compile-policy-set.ts';
import { isSystemSchema, matchesName, matchesRelation, type RelationPattern } from './name-pattern.ts';
import type { AccessTarget, StatementsTarget } from './policy-document.ts';
import { VERBS_OF_CLASS } from './rule-atoms.ts';

const MAX_ACCESSES = 20_000;
const MAX_VIEW_DEPTH = 64;

export const isSystemAccess = (access: RelationAccess): boolean =>
  access.system || isSystemSchema(access.relation.schema);

/** The accesses with what views reach in turn. Throws when there are too many to look at. */
export function flattenAccesses(accesses: readonly RelationAccess[]): readonly RelationAccess[] {
  const found: RelationAccess[] = [];
  const add = (list: readonly RelationAccess[], depth: number): void => {
    if (depth > MAX_VIEW_DEPTH) throw new Error('views nested too deeply');
    for (const access of list) {
      found.push(access);
      if (found.length > MAX_ACCESSES) throw new Error('too many relations');
      add(access.expands, depth + 1);
    }
  };
  add(accesses, 0);
  return found;
}

/** All that the statement reaches, what foreign keys write for it included: deny and hold rules are about that too. */
export function reachedBy({ accesses, fires }: SqlOperation): readonly RelationAccess[] {
  const written = (fires ?? []).flatMap(({ relation, writes }): readonly RelationAccess[] =>
    writes === null ? [] : [{ verb: writes, relation, oid: null, columns: [], system: false, expands: [] }],
  );
  return [...flattenAccesses(accesses), ...written];
}

const matchesAny = (patterns: readonly RelationPattern[], relation: RelationName): boolean =>
  patterns.some((pattern) => matchesRelation(pattern, relation));

function matchesAnyOfKin(
  set: CompiledPolicySet,
  patterns: readonly RelationPattern[],
  relation: RelationName,
): boolean {
  return [relation, ...(set.kin.get(relationKey(relation)) ?? [])].some((one) => matchesAny(patterns, one));
}

/** Whether an allow or hold rule of the task is about this verb on this relation; its columns are looked at apart. */
export function coversRelation(rule: CompiledRule, operation: SqlOperation, access: RelationAccess): boolean {
  const { target } = rule;
  switch (target.kind) {
    case 'access':
      return target.verb === access.verb && matchesAny(target.relations, access.relation);
    case 'statements': {
      const covers =
        target.classes === '*' ||
        target.classes.includes(access.verb) ||
        (target.classes.includes(operation.statementClass) &&
          VERBS_OF_CLASS[operation.statementClass]?.includes(access.verb) === true);
      return covers && (target.on === null || matchesAny(target.on, access.relation));
    }
    case 'functions':
      return false;
  }
}

export function coversColumn(rule: CompiledRule, column: string): boolean {
  const { target } = rule;
  return target.kind !== 'access' || target.columns === null || target.columns.some((one) => matchesName(one, column));
}

/**
 * Whether a deny or hold rule is about this access: also when it names a relation that shares its rows. A rule with
 * columns is about an access without any (`select count(*)`) only if `withoutColumns`.
 */
export function touchesAccess(
  set: CompiledPolicySet,
  target: AccessTarget | StatementsTarget,
  operation: SqlOperation,
  access: RelationAccess,
  withoutColumns: boolean,
): boolean {
  if (target.kind === 'access') {
    if (target.verb !== access.verb || !matchesAnyOfKin(set, target.relations, access.relation)) return false;
    const { columns } = target;
    if (columns === null) return true;
    if (access.columns.length === 0) return withoutColumns;
    return access.columns.some((column) => columns.some((one) => matchesName(one, column)));
  }
  const named =
    target.classes === '*' || target.classes.includes(access.verb) || target.classes.includes(operation.statementClass);
  return named && (target.on === null || matchesAnyOfKin(set, target.on, access.relation));
}
