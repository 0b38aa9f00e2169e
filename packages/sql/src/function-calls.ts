import type { ColumnUseContext, FunctionCandidate } from '@taskgate/core';
import { argumentType } from './argument-type.ts';
import { isBuiltinTypeName } from './casts.ts';
import type { Env } from './env.ts';
import { evaluate } from './expressions.ts';
import { functionCandidates } from './function-candidates.ts';
import { COMPOSITE_FUNCTION_FIELDS, rowTypeOf } from './functions-allowed.ts';
import { computedFrom, type Lineage } from './lineage.ts';
import { bodyAt, type Fields, flagAt, locationOf, namesOf, nodeAt, nodesAt, type PgNode, textAt } from './node.ts';
import { evaluateWindow } from './order-and-group.ts';
import type { Scope } from './scope.ts';
import { isHarmlessByFunction } from './settings.ts';
import { isPolymorphic } from './type-name.ts';

/** Notes the function and what its arguments use; every argument can reach the result. */
export function analyzeFunctionCall(env: Env, call: Fields, scope: Scope, context: ColumnUseContext | null): Lineage {
  return analyzeCall(env, call, scope, context).lineage;
}

/** As `analyzeFunctionCall`, with the types of the arguments as far as they are known. */
export function analyzeCall(
  env: Env,
  call: Fields,
  scope: Scope,
  context: ColumnUseContext | null,
): { readonly lineage: Lineage; readonly types: readonly (string | null)[] } {
  const inner = context ?? 'expression';
  const types: (string | null)[] = [];
  const parts = nodesAt(call, 'args').map((arg) => {
    const lineage = evaluate(env, arg, scope, inner);
    types.push(argumentType(arg, lineage));
    return lineage;
  });
  for (const sort of nodesAt(call, 'agg_order')) {
    const key = nodeAt(sort.fields, 'node');
    if (key === null) continue;
    const lineage = evaluate(env, key, scope, 'sort');
    parts.push(lineage);
    // `within group (order by x)`: x is one more argument.
    if (flagAt(call, 'agg_within_group')) types.push(argumentType(key, lineage));
  }
  const candidates = isHarmlessSetConfig(env, call) ? [] : noteFunction(env, call, types);
  const filter = nodeAt(call, 'agg_filter');
  if (filter !== null) parts.push(evaluate(env, filter, scope, 'predicate'));
  const over = bodyAt(call, 'over');
  if (over !== null) parts.push(...evaluateWindow(env, over, scope));
  const name = namesOf(nodesAt(call, 'funcname')).at(-1) ?? '';
  const lineage = computedFrom(parts);
  const type = COMPOSITE_FUNCTION_FIELDS.has(name) ? rowTypeOf(name) : resultOf(env, candidates);
  return { lineage: { ...lineage, type }, types };
}

/** `set_config` as drivers and frameworks write a `SET`: of a harmless setting, to a value that comes from no row. */
function isHarmlessSetConfig(env: Env, call: Fields): boolean {
  const names = namesOf(nodesAt(call, 'funcname'));
  const [setting, value, ...rest] = nodesAt(call, 'args');
  if (names.at(-1) !== 'set_config' || rest.length !== 1 || setting === undefined || value === undefined) return false;
  // The server's own, whatever it is given: nobody has made another of that name.
  if (names.length > 2 || (names.length === 2 && names[0] !== 'pg_catalog')) return false;
  if (env.catalog.functionsNamed('set_config').some(({ schema }) => schema !== 'pg_catalog')) return false;
  const name = textOf(setting);
  if (name === null || !(isBooleanConstant(rest[0]!) || rest[0]!.kind === 'ParamRef')) return false;
  const text = textOf(value);
  return (text !== null || value.kind === 'ParamRef') && isHarmlessByFunction(name, text);
}

function textOf(node: PgNode): string | null {
  const string = node.kind === 'A_Const' ? bodyAt(node.fields, 'sval') : null;
  return string === null ? null : (textAt(string, 'sval') ?? '');
}

function isBooleanConstant(node: PgNode): boolean {
  return node.kind === 'A_Const' && bodyAt(node.fields, 'boolval') !== null;
}

/** The type that the call gives, where there is only one that it can. */
function resultOf(env: Env, candidates: readonly FunctionCandidate[]): string | null {
  const oid = candidates.length === 1 ? (candidates[0]?.oid ?? null) : null;
  const result = oid === null ? null : (env.catalog.functionByOid(oid)?.result ?? null);
  return result === null || isPolymorphic(result) || env.catalog.baseType(result) === null ? null : result;
}

/** Notes the function of a FuncCall with all that the server could choose; `types` are those of the arguments. */
export function noteFunction(
  env: Env,
  call: Fields,
  types: readonly (string | null)[] = nodesAt(call, 'args').map(() => null),
): readonly FunctionCandidate[] {
  const names = namesOf(nodesAt(call, 'funcname'));
  const name = names.at(-1) ?? '';
  const schema = names.length > 1 ? (names.at(-2) ?? null) : null;
  const location = locationOf(call);
  if (names.length > 2 && names.at(-3) !== env.catalog.catalog.database) {
    env.out.unknown('unsupported', `function \`${names.join('.')}\` is in another database`, location);
  }
  const argumentNames = nodesAt(call, 'args').flatMap((arg) =>
    arg.kind === 'NamedArgExpr' ? [textAt(arg.fields, 'name') ?? ''] : [],
  );
  const candidates = functionCandidates(env.catalog, env.searchPath, {
    schema,
    name,
    types,
    argumentNames,
    spread: flagAt(call, 'func_variadic'),
  });
  const [only] = candidates;
  if (only?.oid === null && only.schema !== 'information_schema') {
    // `jsonb('{}')` is a conversion where no function has the type's name.
    const known = env.catalog.hasBuiltinFunction(name) || (types.length === 1 && isBuiltinTypeName(name));
    // One that came into being since the catalog was read could be anything.
    if (only.schema !== 'pg_catalog' || !known)
      env.out.unknown(
        'unresolved',
        `function \`${names.join('.')}\` does not exist or the gate's catalog is out of date`,
        location,
      );
  }
  env.out.calls({ schema, name, way: 'call', candidates }, location);
  return candidates;
}
