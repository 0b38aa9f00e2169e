import type { FunctionCandidate, FunctionUse, Reason, SqlOperation } from '@taskgate/core';
import type { CompiledPolicySet } from './compile-policy-set.ts';
import { isDeniedFunction, reachesOutside } from './denied-functions.ts';
import { matchesFunction } from './function-pattern.ts';
import { formatName } from './name-pattern.ts';
import { GATE, reasonOfRule, taskReference } from './reason.ts';

const MAX_NAMED = 4;

/** Every function that is not known to be harmless needs a rule, and some no rule opens. */
export function checkFunctions(operation: SqlOperation, set: CompiledPolicySet): readonly Reason[] {
  return operation.functions.flatMap((use) => {
    if (isAny(use, isDeniedFunction)) return neverAllowed(use);
    const closed = use.candidates.filter((candidate) => !candidate.harmless && !opensFunction(set, candidate));
    if (use.candidates.length > 0 && closed.length === 0) return [];
    return reasonOfRule(
      'function-not-allowed',
      taskReference(set),
      `${inWords(use, closed)} is not allowed by task \`${set.task.name}\``,
      wouldAllow(use, closed),
      use.position,
    );
  });
}

/** What stays refused where nothing else is. */
export function functionsOutside(operation: SqlOperation): readonly Reason[] {
  return operation.functions.filter((use) => isAny(use, reachesOutside)).map(neverAllowed);
}

function isAny(use: FunctionUse, is: (one: Pick<FunctionCandidate, 'schema' | 'name'>) => boolean): boolean {
  return use.candidates.some(is) || is({ schema: use.schema ?? '', name: use.name });
}

function neverAllowed(use: FunctionUse): Reason {
  return reasonOfRule(
    'function-not-allowed',
    GATE,
    `function \`${nameOf(use)}\` reaches past what the gate can see and is never allowed`,
    null,
    use.position,
  );
}

const nameOf = (use: Pick<FunctionUse, 'schema' | 'name'>): string =>
  use.schema === null ? formatName(use.name) : `${formatName(use.schema)}.${formatName(use.name)}`;

function signature({ schema, name, arguments: types }: FunctionCandidate): string {
  return `\`${nameOf({ schema, name })}${types === null ? '' : `(${types.join(', ')})`}\``;
}

function signatures(candidates: readonly FunctionCandidate[]): string {
  const more = candidates.length > MAX_NAMED ? ` and ${candidates.length - MAX_NAMED} more` : '';
  return `${candidates.slice(0, MAX_NAMED).map(signature).join(', ')}${more}`;
}

/** What runs, and where the server would choose among several, which it could be. */
function inWords(use: FunctionUse, closed: readonly FunctionCandidate[]): string {
  const functions = closed.length === 0 ? `\`${nameOf(use)}\`` : signatures(closed);
  switch (use.way) {
    case 'operator':
      return `operator \`${use.name}\`, which may run ${functions},`;
    case 'type':
    case 'cast':
      return `a conversion that runs ${functions}`;
    case 'write':
      return `a write that runs ${functions} (in a default, check, generated column or index)`;
    default:
      return use.candidates.length > 1
        ? `function \`${nameOf(use)}\`, which may be ${functions},`
        : `function \`${nameOf(use)}\``;
  }
}

function wouldAllow(use: FunctionUse, closed: readonly FunctionCandidate[]): string | null {
  const doubt = use.candidates.length > closed.length;
  if (doubt && use.way === 'call')
    return 'cast its arguments so that only one function fits them, or write the schema of the one that is meant';
  if (doubt && use.way === 'operator') return `\`operator(pg_catalog.${use.name})\`, where the built-in one is meant`;
  const own = closed.filter(({ schema }) => schema !== 'pg_catalog');
  return own.length > 0 && own.length === closed.length ? `a rule \`functions\` that names ${signatures(own)}` : null;
}

/** Whether a rule of the task opens it. */
export function opensFunction(
  set: CompiledPolicySet,
  candidate: Pick<FunctionCandidate, 'schema' | 'name' | 'arguments' | 'guarded'>,
): boolean {
  return set.allows.some(({ target }) => {
    if (target.kind === 'functions')
      return target.functions.some(
        (pattern) =>
          matchesFunction(pattern, candidate) &&
          // Code that may change anything, or that runs with its owner's rights: a pattern does not vouch for it.
          (!candidate.guarded || (pattern.schema.exact && pattern.name.exact)),
      );
    // A function outside the server's own can read a masked column unseen: only its name in a rule vouches for it.
    const isVouched = candidate.schema === 'pg_catalog' || set.columnMasks.length === 0;
    return target.kind === 'statements' && target.classes === '*' && target.on === null && isVouched;
  });
}
