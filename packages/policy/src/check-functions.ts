import type { FunctionUse, Reason, SqlOperation } from '@taskgate/core';
import type { CompiledPolicySet } from './compile-policy-set.ts';
import { isDeniedFunction } from './denied-functions.ts';
import { matchesFunction } from './match-rule.ts';
import { formatName } from './name-pattern.ts';
import { GATE, reasonOfRule, taskReference } from './reason.ts';

/** Every function that is not known to be harmless needs a rule, and some no rule opens. */
export function checkFunctions(operation: SqlOperation, set: CompiledPolicySet): readonly Reason[] {
  return operation.functions.flatMap((use) => {
    if (isDeniedFunction(use))
      return reasonOfRule(
        'function-not-allowed',
        GATE,
        `function \`${nameOf(use)}\` reaches past what the gate can see and is never allowed`,
        null,
        use.position,
      );
    if (use.harmless || isOpen(use, set)) return [];
    const named =
      use.schema === null
        ? set.functionSchemas.get(use.name)?.find((schema) => opens(set, schema, use.name))
        : undefined;
    return reasonOfRule(
      'function-not-allowed',
      taskReference(set),
      `function \`${nameOf(use)}\` is not allowed by task \`${set.task.name}\``,
      named === undefined ? null : `write it with its schema: \`${formatName(named)}.${formatName(use.name)}\``,
      use.position,
    );
  });
}

const nameOf = (use: FunctionUse): string =>
  use.schema === null ? formatName(use.name) : `${formatName(use.schema)}.${formatName(use.name)}`;

/** A name without a schema may be any function of that name, the server's own first: each of them must be open. */
function isOpen(use: FunctionUse, set: CompiledPolicySet): boolean {
  const schemas = use.schema === null ? ['pg_catalog', ...(set.functionSchemas.get(use.name) ?? [])] : [use.schema];
  return schemas.every((schema) => opens(set, schema, use.name));
}

function opens(set: CompiledPolicySet, schema: string, name: string): boolean {
  return set.allows.some(({ target }) => {
    if (target.kind === 'functions') return target.functions.some((pattern) => matchesFunction(pattern, schema, name));
    // A function outside the server's own can read a masked column unseen: only its name in a rule vouches for it.
    const isVouched = schema === 'pg_catalog' || set.columnMasks.length === 0;
    return target.kind === 'statements' && target.classes === '*' && target.on === null && isVouched;
  });
}
