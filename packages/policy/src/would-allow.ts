import type { AccessVerb, RelationAccess, SqlOperation } from '@taskgate/core';
import { type CompiledPolicySet, type CompiledRule, relationKey } from './compile-policy-set.ts';
import { formatFunctionPattern } from './function-pattern.ts';
import { coversColumn, coversRelation } from './match-rule.ts';
import { formatName, formatNamePattern, formatRelation, formatRelationPattern } from './name-pattern.ts';
import type { RuleTarget } from './policy-document.ts';

const MAX_NAMED = 12;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED).join(', ');
  return names.length > MAX_NAMED ? `${shown} and ${names.length - MAX_NAMED} more` : shown;
}

/** "select id, name from public.customers": the columns of the access's relation that the rules open. */
export function wouldAllowColumns(
  set: CompiledPolicySet,
  rules: readonly CompiledRule[],
  access: RelationAccess,
): string | null {
  const known = set.relations.get(relationKey(access.relation));
  const names = known
    ? known.columns
        .filter(({ name }) => rules.some((rule) => coversColumn(rule, name)))
        .map(({ name }) => formatName(name))
    : rules.flatMap(({ target }) => (target.kind === 'access' ? (target.columns ?? []).map(formatNamePattern) : []));
  if (names.length === 0) return null;
  const columns = [...new Set(names)].join(', ');
  const relation = formatRelation(access.relation);
  switch (access.verb) {
    case 'select':
      return `select ${columns} from ${relation}`;
    case 'insert':
      return `insert into ${relation} (${columns})`;
    case 'update':
      return `update ${relation} set ${columns}`;
    default:
      return null;
  }
}

/** What else the task opens on that relation, or what it opens at all. */
export function wouldAllowInstead(set: CompiledPolicySet, operation: SqlOperation, access: RelationAccess): string {
  const verbs: readonly AccessVerb[] = ['select', 'insert', 'update', 'delete'];
  const open = verbs.filter((verb) => set.allows.some((rule) => coversRelation(rule, operation, { ...access, verb })));
  if (open.length > 0) return `on ${formatRelation(access.relation)} the task allows ${open.join(', ')}`;
  return wouldAllowAtAll(set);
}

export function wouldAllowAtAll(set: CompiledPolicySet): string {
  const parts = set.allows.slice(0, MAX_NAMED).map(({ target }) => inWords(target));
  return parts.length === 0 ? 'nothing: the task has no allow rule' : `the task allows ${parts.join('; ')}`;
}

function inWords(target: RuleTarget): string {
  switch (target.kind) {
    case 'access': {
      const columns = target.columns === null ? '' : ` (${listed(target.columns.map(formatNamePattern))})`;
      return `${target.verb} on ${listed(target.relations.map(formatRelationPattern))}${columns}`;
    }
    case 'statements': {
      const classes = target.classes === '*' ? 'every statement' : listed(target.classes);
      return target.on === null ? classes : `${classes} on ${listed(target.on.map(formatRelationPattern))}`;
    }
    case 'functions':
      return `calls of ${listed(target.functions.map(formatFunctionPattern))}`;
  }
}
