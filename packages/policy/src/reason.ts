import type { Reason, ReasonCode, RuleReference, SourcePosition, SqlOperation } from '@taskgate/core';
import type { CompiledPolicySet, CompiledRule } from './compile-policy-set.ts';
import { matchesFunction } from './function-pattern.ts';
import { coversColumn, coversRelation, isSystemAccess } from './match-rule.ts';

/** What holds whatever is written in tasks and policies. */
export const GATE: RuleReference = { kind: 'gate', name: 'gate', revision: 0, rule: '', line: null };

export const taskReference = (set: CompiledPolicySet): RuleReference => ({
  kind: 'task',
  name: set.task.name,
  revision: set.task.revision,
  rule: '',
  line: null,
});

export function reasonOfRule(
  code: ReasonCode,
  rule: RuleReference,
  message: string,
  wouldAllow: string | null = null,
  position: SourcePosition | null = null,
): Reason {
  return { code, rule, message, wouldAllow, position };
}

/** The first of each; what PREPARE and DECLARE say of their statement is found twice. */
export function distinctReasons(reasons: readonly Reason[]): readonly Reason[] {
  const seen = new Set<string>();
  return reasons.filter((reason) => {
    const key = JSON.stringify([reason.code, reason.rule.kind, reason.rule.name, reason.rule.rule, reason.message]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** The rules that let the operation through, or `harmless` where it needs none. */
export function allowedReasons(operation: SqlOperation, set: CompiledPolicySet): readonly Reason[] {
  const reached = operation.accesses.filter((access) => !isSystemAccess(access));
  const rules = set.allows.filter(
    (rule) =>
      (rule.target.kind === 'statements' &&
        (rule.target.classes === '*' || rule.target.classes.includes(operation.statementClass))) ||
      opensFunction(rule, operation) ||
      reached.some((access) =>
        [access, ...access.expands].some(
          (one) =>
            coversRelation(rule, operation, one) &&
            (one.columns.length === 0 || one.columns.some((column) => coversColumn(rule, column))),
        ),
      ),
  );
  const isHarmless = reached.length === 0 && operation.functions.every((use) => use.harmless);
  if (rules.length === 0 || (isHarmless && HARMLESS_CLASSES.has(operation.statementClass)))
    return [reasonOfRule('harmless', GATE, `\`${operation.label}\` needs no rule`)];
  return rules.map((rule) =>
    reasonOfRule('allowed', rule.reference, `\`${operation.label}\` is allowed by task \`${rule.reference.name}\``),
  );
}

function opensFunction({ target }: CompiledRule, operation: SqlOperation): boolean {
  return (
    target.kind === 'functions' &&
    operation.functions.some(({ candidates }) =>
      candidates.some(
        (candidate) => !candidate.harmless && target.functions.some((pattern) => matchesFunction(pattern, candidate)),
      ),
    )
  );
}

/** Classes that need no rule where they reach nothing. */
export const HARMLESS_CLASSES: ReadonlySet<SqlOperation['statementClass']> = new Set([
  'select',
  'copy-to',
  'explain',
  'transaction',
  'session',
  'prepared',
  'cursor',
  'empty',
]);
