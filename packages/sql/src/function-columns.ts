import type { CatalogFunction } from '@taskgate/core';
import type { Env } from './env.ts';
import { COMPOSITE_FUNCTION_FIELDS, isHarmlessFunction } from './functions-allowed.ts';
import { bodyAt, type Fields, flagAt, namesOf, nodeAt, nodesAt, type PgNode, textAt } from './node.ts';

/** The columns that a function in FROM has: those that it names itself, or some that it does not. */
export type FunctionColumns =
  | { readonly kind: 'named'; readonly columns: readonly string[] }
  | { readonly kind: 'unnamed'; readonly count: number };

/** Functions that can give nothing but an array, whatever they are given. */
const GIVES_ARRAY: ReadonlySet<string> = new Set([
  ...['array_agg', 'array_append', 'array_cat', 'array_fill', 'array_prepend', 'array_remove', 'array_replace'],
  ...['array_reverse', 'array_sample', 'array_shuffle', 'array_sort', 'trim_array', 'current_schemas', 'parse_ident'],
  ...['regexp_match', 'regexp_matches', 'regexp_split_to_array', 'string_to_array'],
]);

const TSVECTOR_FIELDS = ['lexeme', 'positions', 'weights'];
/** Functions that give a tsvector, whatever they are given. */
const GIVES_TSVECTOR: ReadonlySet<string> = new Set([
  ...['to_tsvector', 'json_to_tsvector', 'jsonb_to_tsvector', 'array_to_tsvector'],
  ...['setweight', 'strip', 'ts_delete', 'ts_filter'],
]);

/**
 * What the server makes of a function in FROM, or `null` where that is not certain: a column too many or too few, or one
 * under another name, would let a name after it mean another column than the analysis takes it for.
 */
export function functionColumnNames(env: Env, call: Fields, types: readonly (string | null)[]): FunctionColumns | null {
  const names = namesOf(nodesAt(call, 'funcname'));
  const name = names.at(-1) ?? '';
  const schema = names.length > 1 ? (names.at(-2) ?? null) : null;
  const schemas = schema === null ? ['pg_catalog', ...env.searchPath] : [schema];
  const listed = env.catalog.functionsNamed(name).filter((fn) => schemas.includes(fn.schema));
  if (listed.length > 0) return commonColumns(env, listed);
  if (schema !== null && !isHarmlessFunction(schema, name)) return null;
  const fields = COMPOSITE_FUNCTION_FIELDS.get(name);
  if (fields !== undefined) return { kind: 'named', columns: fields };
  if (name === 'unnest') return unnestColumns(env, nodesAt(call, 'args'), types);
  return isHarmlessFunction('pg_catalog', name) ? { kind: 'unnamed', count: 1 } : null;
}

/** Those that all of them agree on. */
function commonColumns(env: Env, functions: readonly CatalogFunction[]): FunctionColumns | null {
  const shapes = functions.map((fn): FunctionColumns | null => {
    if (fn.outputs.length > 0) {
      return fn.outputs.includes('') ? null : { kind: 'named', columns: fn.outputs };
    }
    // A row would be laid out as its fields.
    return env.catalog.baseType(fn.result) === null ? null : { kind: 'unnamed', count: 1 };
  });
  const [first = null] = shapes;
  return shapes.every((shape) => JSON.stringify(shape) === JSON.stringify(first)) ? first : null;
}

/** The expressions that a plain select gives; none for a set operation, `values`, or a star. */
function selected(query: PgNode | null): readonly PgNode[] {
  if (query?.kind !== 'SelectStmt') return [];
  return nodesAt(query.fields, 'targetList').flatMap((target) => nodeAt(target.fields, 'val') ?? []);
}

/** `unnest(a, b)` has a column for each array; of a tsvector it has three with names. */
function unnestColumns(env: Env, args: readonly PgNode[], types: readonly (string | null)[]): FunctionColumns | null {
  /** A call of one of these functions, under its plain name and not one of the installation's own. */
  const calls = (arg: PgNode, functions: ReadonlySet<string>): boolean => {
    const name = arg.kind === 'FuncCall' ? namesOf(nodesAt(arg.fields, 'funcname')) : [];
    return name.length === 1 && functions.has(name[0]!) && !env.catalog.hasFunction(name[0]!, env.searchPath);
  };
  const isTsvector = (arg: PgNode, type: string | null): boolean =>
    type !== null && type !== 'unknown'
      ? type === 'tsvector' || env.catalog.baseType(type) === 'tsvector'
      : calls(arg, GIVES_TSVECTOR);
  const isArray = (arg: PgNode, type: string | null): boolean => {
    if (type !== null && type !== 'unknown') return !isTsvector(arg, type);
    if (arg.kind === 'A_ArrayExpr') return true;
    if (arg.kind === 'SubLink') {
      if (textAt(arg.fields, 'subLinkType') === 'ARRAY_SUBLINK') return true;
      const [target, ...others] = selected(nodeAt(arg.fields, 'subselect'));
      return target !== undefined && others.length === 0 && isArray(target, null);
    }
    if (arg.kind === 'CoalesceExpr' || arg.kind === 'MinMaxExpr')
      return nodesAt(arg.fields, 'args').some((one) => isArray(one, null));
    if (arg.kind === 'CaseExpr') {
      const results = nodesAt(arg.fields, 'args').map((when) => nodeAt(when.fields, 'result'));
      return results.some((one) => one !== null && isArray(one, null));
    }
    if (arg.kind === 'TypeCast') return nodesAt(bodyAt(arg.fields, 'typeName') ?? {}, 'arrayBounds').length > 0;
    if (arg.kind === 'A_Indirection') {
      // `[1:2]` of an array is one too; of anything else it is an error.
      return nodesAt(arg.fields, 'indirection').some((step) => flagAt(step.fields, 'is_slice'));
    }
    if (arg.kind === 'A_Expr' && ['AEXPR_OP', 'AEXPR_NULLIF'].includes(textAt(arg.fields, 'kind') ?? '')) {
      return ['lexpr', 'rexpr'].some((field) => {
        const side = nodeAt(arg.fields, field);
        return side !== null && isArray(side, null);
      });
    }
    return calls(arg, GIVES_ARRAY);
  };
  if (args.length === 1 && isTsvector(args[0]!, types[0] ?? null)) return { kind: 'named', columns: TSVECTOR_FIELDS };
  if (!args.every((arg, index) => isArray(arg, types[index] ?? null))) return null;
  return { kind: 'unnamed', count: Math.max(args.length, 1) };
}
