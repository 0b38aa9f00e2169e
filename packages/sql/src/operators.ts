import type { CatalogOperator, FunctionCandidate } from '@taskgate/core';
import type { Env } from './env.ts';
import { candidateOf } from './function-candidates.ts';
import { isHarmlessFunction } from './functions-allowed.ts';
import { cannotCoerce } from './type-name.ts';

/** Types of what stands beside an operator, as `argumentType` gives them; `left` missing: it stands before its operand. */
export interface Operands {
  readonly left?: string | null;
  readonly right: string | null;
}

/**
 * Notes what an operator runs where it may not be the built-in one: as the server's oper() looks for it, first one of
 * exactly these types, then any that fits, along the search path.
 */
export function noteOperator(env: Env, names: readonly string[], location: number, operands?: Operands): void {
  const name = names.at(-1) ?? '';
  const schema = names.length > 1 ? names[0]! : null;
  if (names.length > 2) return refuse(env, names, location);
  const path = schema === null ? ['pg_catalog', ...env.searchPath] : [schema];
  const named = env.catalog.operatorsNamed(name).filter((operator) => path.includes(operator.schema));
  if (named.every((operator) => operator.schema === 'pg_catalog')) {
    if (schema !== null && schema !== 'pg_catalog') refuse(env, names, location);
    return;
  }
  const chosen = operands === undefined ? named : choose(env, named, path, operands);
  if (chosen.every((operator) => operator.schema === 'pg_catalog') && chosen.length > 0) return;
  const candidates = (chosen.length > 0 ? chosen : named)
    .filter((operator) => operator.schema !== 'pg_catalog')
    .map((operator) => candidateFor(env, operator));
  env.out.calls({ schema, name, way: 'operator', candidates }, location);
}

function refuse(env: Env, names: readonly string[], location: number): void {
  env.out.unknown(
    'unresolved',
    `operator \`${names.join('.')}\` does not exist or the gate's catalog is out of date`,
    location,
  );
}

function choose(
  env: Env,
  named: readonly CatalogOperator[],
  path: readonly string[],
  operands: Operands,
): readonly CatalogOperator[] {
  const isPrefix = operands.left === undefined;
  const left = operands.left ?? null;
  const { right } = operands;
  const fitting = named.filter((operator) => (operator.left === null) === isPrefix);
  // A literal is first taken to be of the other side's type.
  const sides = [left === 'unknown' ? right : left, right === 'unknown' ? left : right];
  const exact = fitting.filter(
    (operator) =>
      (isPrefix || (sides[0] !== null && operator.left === sides[0])) &&
      (isPrefix ? right : sides[1]) !== null &&
      operator.right === (isPrefix ? right : sides[1]),
  );
  if (exact.length > 0) {
    const first = Math.min(...exact.map((operator) => path.indexOf(operator.schema)));
    return exact.filter((operator) => path.indexOf(operator.schema) === first);
  }
  return fitting.filter(
    (operator) =>
      (operator.left === null || !cannotCoerce(env.catalog, left, operator.left)) &&
      !cannotCoerce(env.catalog, right, operator.right),
  );
}

/** An operator of this database may run a built-in function that is not harmless. */
function candidateFor(env: Env, operator: CatalogOperator): FunctionCandidate {
  const fn = env.catalog.functionByOid(operator.functionOid);
  if (fn !== null) return candidateOf(fn);
  const { functionOid: oid, functionSchema: schema, functionName: name } = operator;
  return { oid, schema, name, arguments: null, harmless: isHarmlessFunction(schema, name), guarded: false };
}

/** The operators that an A_Expr runs, from its kind and the name that the grammar gives it. */
export function operatorsOf(kind: string, names: readonly string[]): readonly (readonly string[])[] {
  switch (kind) {
    case 'AEXPR_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
      return [['>='], ['<=']];
    case 'AEXPR_NOT_BETWEEN':
    case 'AEXPR_NOT_BETWEEN_SYM':
      return [['<'], ['>']];
    default:
      return [names];
  }
}

export const ANALYSED_EXPRESSION_KINDS: ReadonlySet<string> = new Set([
  'AEXPR_OP',
  'AEXPR_OP_ANY',
  'AEXPR_OP_ALL',
  'AEXPR_DISTINCT',
  'AEXPR_NOT_DISTINCT',
  'AEXPR_NULLIF',
  'AEXPR_IN',
  'AEXPR_LIKE',
  'AEXPR_ILIKE',
  'AEXPR_SIMILAR',
  'AEXPR_BETWEEN',
  'AEXPR_NOT_BETWEEN',
  'AEXPR_BETWEEN_SYM',
  'AEXPR_NOT_BETWEEN_SYM',
]);
