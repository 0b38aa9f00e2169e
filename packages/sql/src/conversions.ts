import type { CatalogCast, CatalogRelation, FunctionWay } from '@taskgate/core';
import { isBuiltinScalar } from './casts.ts';
import type { Env } from './env.ts';
import { candidateOf } from './function-candidates.ts';
import type { Lineage } from './lineage.ts';
import { bareType } from './type-name.ts';

const MAX_TYPE_DEPTH = 16;

/** As `format_type` prints the row type of a relation. */
export function rowTypeName({ schema, name }: CatalogRelation): string {
  const quoted = (part: string): string =>
    /^[a-z_][a-z0-9_$]*$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`;
  return `${quoted(schema)}.${quoted(name)}`;
}

/** Notes what an explicit conversion to a type runs: what makes a value of it, and casts of this database. */
export function noteConversion(env: Env, printed: string, from: Lineage, location: number): void {
  noteMaking(env, printed, 'type', location);
  const source = from.type === null ? null : bareType(from.type);
  for (const cast of env.catalog.ownCasts) {
    const about = cast.target === printed || env.catalog.baseType(printed) === cast.target;
    // A built-in type that is known is not the source of such a cast unless it says so.
    const fits = source === null || !isBuiltinScalar(source) || source === cast.source;
    if (about && fits) noteCast(env, cast, location);
  }
}

/** Notes what making a value of a type runs: input functions, checks of domains, and those of what it is made of. */
export function noteMaking(env: Env, printed: string, way: FunctionWay, location: number, depth = 0): void {
  const name = bareType(printed).replace(/\[\]$/, '');
  if (isBuiltinScalar(name)) return;
  const type = env.catalog.typePrinted(name);
  if (type === null) return;
  if (depth > MAX_TYPE_DEPTH) {
    env.out.unknown('too-large', `type \`${printed}\` is nested too deeply`, location);
    return;
  }
  for (const oid of type.functions) noteOwnFunction(env, oid, way, location);
  if (type.base !== null) noteMaking(env, type.base, way, location, depth + 1);
  for (const field of type.fields) noteMaking(env, field.typeName, way, location, depth + 1);
}

/**
 * Notes the casts that the server applies by itself, in expressions, where these types are in play; without types:
 * where any may be. One from or to a built-in type needs a value, an argument or a column of the other.
 */
export function noteSilentCasts(env: Env, types?: readonly string[]): void {
  const casts = env.catalog.ownCasts.filter((cast) => cast.context === 'implicit');
  if (casts.length === 0) return;
  const names = types && new Set(types.map(bareType));
  for (const cast of casts) {
    const own = [cast.source, cast.target].filter((type) => !isBuiltinScalar(type));
    if (names === undefined || own.length === 0 || own.some((type) => names.has(type))) noteCast(env, cast, 0);
  }
}

/** Notes what a write to a relation runs besides what the statement says; triggers are told apart. */
export function noteWriteFunctions(env: Env, relation: CatalogRelation): void {
  for (const one of [relation, ...env.catalog.descendants(relation)]) {
    for (const oid of one.writeFunctions) noteOwnFunction(env, oid, 'write', 0);
  }
  for (const column of relation.columns) noteMaking(env, column.typeName, 'write', 0);
  const types = new Set(relation.columns.flatMap(({ typeName }) => [bareType(typeName), baseOf(env, typeName)]));
  for (const cast of env.catalog.ownCasts) {
    if (cast.context === 'assignment' && types.has(cast.target)) noteCast(env, cast, 0);
  }
}

function baseOf(env: Env, typeName: string): string | null {
  return env.catalog.baseType(bareType(typeName));
}

function noteCast(env: Env, cast: CatalogCast, location: number): void {
  if (cast.functionOid !== null) noteOwnFunction(env, cast.functionOid, 'cast', location);
}

function noteOwnFunction(env: Env, oid: number, way: FunctionWay, location: number): void {
  const fn = env.catalog.functionByOid(oid);
  if (fn !== null) env.out.calls({ schema: fn.schema, name: fn.name, way, candidates: [candidateOf(fn)] }, location);
}
