import type { ApprovalTerms, Reason, SqlOperation } from '@taskgate/core';
import type { CompiledPolicySet, CompiledRule } from './compile-policy-set.ts';
import { isSystemAccess, reachedBy, touchesAccess } from './match-rule.ts';
import { HARMLESS_CLASSES, reasonOfRule } from './reason.ts';

/** Hold rules that are about the operation. What runs nothing is held only where a rule names its class. */
export function matchingHolds(operation: SqlOperation, set: CompiledPolicySet): CompiledRule[] {
  const { statementClass, effect } = operation;
  const runsNothing =
    statementClass === 'explain' || (effect !== null && effect.kind !== 'declare' && statementClass !== 'notify');
  const accesses = runsNothing ? [] : reachedBy(operation).filter((access) => !isSystemAccess(access));
  const isHarmless =
    HARMLESS_CLASSES.has(statementClass) &&
    operation.accesses.every(isSystemAccess) &&
    operation.functions.every((use) => use.harmless);
  const namesClass = ({ target }: CompiledRule): boolean => {
    if (target.kind !== 'statements' || target.on !== null) return false;
    if (target.classes === '*') return !isHarmless && !runsNothing;
    const isRead = statementClass === 'select' || statementClass === 'copy-to' || statementClass === 'explain';
    return target.classes.includes(statementClass) && !(isHarmless && isRead);
  };
  return set.holds.filter(
    (rule) =>
      namesClass(rule) ||
      accesses.some(
        (access) => rule.target.kind !== 'functions' && touchesAccess(set, rule.target, operation, access, true),
      ),
  );
}

/**
 * The strictest terms of all rules that hold: the highest count, the shortest time, a passkey where any asks
 * for one, and groups that every rule accepts. Where no group satisfies them all, nobody could approve, so it is a denial that names them.
 */
export function holdTerms(
  rules: readonly CompiledRule[],
): { readonly ok: true; readonly approvals: ApprovalTerms } | { readonly ok: false; readonly reason: Reason } {
  const terms = rules.map((rule) => rule.approvals!);
  const from = terms[0]!.from.filter((group) => terms.every((one) => one.from.includes(group)));
  if (from.length === 0) {
    const names = rules
      .slice(0, 5)
      .map(({ reference }) => `${reference.kind} \`${reference.name}\` (\`${reference.rule}\`)`);
    return {
      ok: false,
      reason: reasonOfRule(
        'rule-failed',
        rules[0]!.reference,
        `no group may approve this for all of ${[...new Set(names)].join(' and ')}`,
        'ask an admin to let one group approve for all of them',
      ),
    };
  }
  return {
    ok: true,
    approvals: {
      from: [...from].sort(),
      count: Math.max(...terms.map(({ count }) => count)),
      timeoutMs: Math.min(...terms.map(({ timeoutMs }) => timeoutMs)),
      // Longer than usual inside an open transaction only where every rule that holds says how long.
      ...(terms.every(({ explicitTimeout }) => explicitTimeout === true) ? { explicitTimeout: true } : {}),
      ...(terms.some(({ stepUp }) => stepUp === true) ? { stepUp: true } : {}),
    },
  };
}
