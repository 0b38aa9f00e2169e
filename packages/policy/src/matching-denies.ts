import type { Reason, RelationAccess, SqlOperation } from '@taskgate/core';
import type { CompiledPolicySet, CompiledRule } from './compile-policy-set.ts';
import { matchesFunction } from './function-pattern.ts';
import { reachedBy, touchesAccess } from './match-rule.ts';
import { formatRelation } from './name-pattern.ts';
import { reasonOfRule } from './reason.ts';

/** One reason for each deny rule that is about the operation, by its class, by anything it reaches or calls. */
export function matchingDenies(operation: SqlOperation, set: CompiledPolicySet): readonly Reason[] {
  const accesses = reachedBy(operation);
  return set.denies.flatMap((rule) => {
    const what = deniedBy(rule, operation, set, accesses);
    if (what === null) return [];
    const { kind, name } = rule.reference;
    return reasonOfRule('denied-by-rule', rule.reference, `${kind} \`${name}\` denies ${what}`);
  });
}

function deniedBy(
  { target }: CompiledRule,
  operation: SqlOperation,
  set: CompiledPolicySet,
  accesses: readonly RelationAccess[],
): string | null {
  if (target.kind === 'functions') {
    // Whichever of them the server would choose.
    const use = operation.functions
      .flatMap(({ candidates }) => candidates)
      .find((candidate) => target.functions.some((pattern) => matchesFunction(pattern, candidate)));
    return use ? `function \`${use.name}\`` : null;
  }
  const access = accesses.find((one) => touchesAccess(set, target, operation, one, false));
  const isClass =
    target.kind === 'statements' &&
    target.on === null &&
    (target.classes === '*' || target.classes.includes(operation.statementClass));
  if (isClass) return `\`${operation.label}\``;
  return access ? `\`${access.verb}\` on \`${formatRelation(access.relation)}\`` : null;
}
