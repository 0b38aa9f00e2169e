import type { Reason, RelationAccess, SqlOperation } from '@taskgate/core';
import type { CompiledPolicySet } from './compile-policy-set.ts';
import { coversColumn, coversRelation, isSystemAccess } from './match-rule.ts';
import { formatName, formatRelation } from './name-pattern.ts';
import { GATE, reasonOfRule, taskReference } from './reason.ts';
import { wouldAllowColumns, wouldAllowInstead } from './would-allow.ts';

const MAX_VIEW_DEPTH = 64;

/** Every relation and column that the statement reaches must be opened by the task's rules, which add up. */
export function checkAccesses(operation: SqlOperation, set: CompiledPolicySet): readonly Reason[] {
  return operation.accesses.flatMap((access) =>
    isCovered(operation, set, access, 0) ? [] : [whyNot(operation, set, access)],
  );
}

/** Whether the task's rules open all that one access reaches. */
export function isCovered(
  operation: SqlOperation,
  set: CompiledPolicySet,
  access: RelationAccess,
  depth: number,
): boolean {
  if (depth > MAX_VIEW_DEPTH) return false;
  const { schema, name } = access.relation;
  if (isSystemAccess(access)) return access.verb === 'select' && set.isAllowedSystemRelation(schema, name) === true;
  const rules = set.allows.filter((rule) => coversRelation(rule, operation, access));
  if (rules.length > 0 && access.columns.every((column) => rules.some((rule) => coversColumn(rule, column))))
    return true;
  // A view that no rule names is as open as all that it shows. One over system relations alone needs a rule: no rule
  // of the task has opened anything that it shows. A write to it writes to some of that.
  return (
    (access.verb === 'select' || access.expands.some((inner) => inner.verb === access.verb)) &&
    access.expands.some((inner) => !isSystemAccess(inner)) &&
    access.expands.every((inner) => isCovered(operation, set, inner, depth + 1))
  );
}

function whyNot(operation: SqlOperation, set: CompiledPolicySet, access: RelationAccess): Reason {
  const relation = formatRelation(access.relation);
  if (isSystemAccess(access))
    return reasonOfRule(
      'system-relation-not-allowed',
      GATE,
      `\`${access.verb}\` on system relation \`${relation}\` is not allowed`,
    );
  const rules = set.allows.filter((rule) => coversRelation(rule, operation, access));
  if (rules.length === 0)
    return reasonOfRule(
      'not-allowed',
      taskReference(set),
      `task \`${set.task.name}\` does not allow \`${access.verb}\` on \`${relation}\``,
      wouldAllowInstead(set, operation, access),
    );
  const missing = access.columns.filter((column) => !rules.some((rule) => coversColumn(rule, column)));
  const named = missing.slice(0, 10).map((column) => `\`${formatName(column)}\``);
  const more = missing.length > named.length ? ` and ${missing.length - named.length} more` : '';
  return reasonOfRule(
    'column-not-allowed',
    rules.length === 1 ? rules[0]!.reference : taskReference(set),
    missing.length === 1
      ? `column ${named[0]} of \`${relation}\` is not allowed`
      : `columns ${named.join(', ')}${more} of \`${relation}\` are not allowed`,
    wouldAllowColumns(set, rules, access),
  );
}
