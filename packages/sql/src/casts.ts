import type { ColumnUseContext } from '@taskgate/core';
import { noteConversion, noteSilentCasts, rowTypeName } from './conversions.ts';
import type { Env } from './env.ts';
import type { Lineage } from './lineage.ts';
import { type Fields, flagAt, locationOf, namesOf, nodesAt } from './node.ts';

/** Types of pg_catalog whose input and conversion functions do nothing but convert, with the name `format_type` prints. */
const HARMLESS_TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    bool: 'boolean',
    int2: 'smallint',
    int4: 'integer',
    int8: 'bigint',
    float4: 'real',
    float8: 'double precision',
    numeric: 'numeric',
    money: 'money',
    text: 'text',
    varchar: 'character varying',
    bpchar: 'character',
    char: '"char"',
    name: 'name',
    bytea: 'bytea',
    bit: 'bit',
    varbit: 'bit varying',
    date: 'date',
    time: 'time without time zone',
    timetz: 'time with time zone',
    timestamp: 'timestamp without time zone',
    timestamptz: 'timestamp with time zone',
    interval: 'interval',
    uuid: 'uuid',
    json: 'json',
    jsonb: 'jsonb',
    jsonpath: 'jsonpath',
    inet: 'inet',
    cidr: 'cidr',
    macaddr: 'macaddr',
    macaddr8: 'macaddr8',
    point: 'point',
    line: 'line',
    lseg: 'lseg',
    box: 'box',
    path: 'path',
    polygon: 'polygon',
    circle: 'circle',
    tsvector: 'tsvector',
    tsquery: 'tsquery',
    int4range: 'int4range',
    int8range: 'int8range',
    numrange: 'numrange',
    tsrange: 'tsrange',
    tstzrange: 'tstzrange',
    daterange: 'daterange',
    int4multirange: 'int4multirange',
    int8multirange: 'int8multirange',
    nummultirange: 'nummultirange',
    tsmultirange: 'tsmultirange',
    tstzmultirange: 'tstzmultirange',
    datemultirange: 'datemultirange',
    oid: 'oid',
    oidvector: 'oidvector',
    int2vector: 'int2vector',
    xid: 'xid',
    xid8: 'xid8',
    cid: 'cid',
    tid: 'tid',
    pg_lsn: 'pg_lsn',
    pg_node_tree: 'pg_node_tree',
    aclitem: 'aclitem',
  }),
);

/** Domains of information_schema: their checks are built in. */
const INFORMATION_SCHEMA_TYPES: ReadonlySet<string> = new Set([
  'cardinal_number',
  'character_data',
  'sql_identifier',
  'time_stamp',
  'yes_or_no',
]);

const PRINTED_TYPES: ReadonlySet<string> = new Set(HARMLESS_TYPES.values());

/** Whether a type, as `format_type` prints it, is a built-in one without fields. */
export function isBuiltinScalar(printed: string): boolean {
  return PRINTED_TYPES.has(printed.replace(/\[\]$/, '').replace(/\([^)]*\)/, ''));
}

/** Whether pg_catalog has a harmless type of this name. */
export function isBuiltinTypeName(name: string): boolean {
  return HARMLESS_TYPES.has(name);
}

/** They look names up: of constants and of system relations' columns that is what catalog queries do. */
const LOOKUP_TYPES: ReadonlySet<string> = new Set([
  'regclass',
  'regcollation',
  'regconfig',
  'regdictionary',
  'regnamespace',
  'regoper',
  'regoperator',
  'regproc',
  'regprocedure',
  'regrole',
  'regtype',
]);

const TEXT_LIKE: ReadonlySet<string> = new Set(['text', 'character varying']);

/**
 * Checks that converting to a type can run nothing but built-in code, else notes an unknown. Gives the name that
 * `format_type` prints, without a length, or `null` where that is not known.
 */
export function checkCastType(env: Env, typeName: Fields, from: Lineage): string | null {
  const names = namesOf(nodesAt(typeName, 'names'));
  const name = names.at(-1) ?? '';
  const schema = names.length > 1 ? (names.at(-2) ?? '') : null;
  const location = locationOf(typeName);
  const refuse = (why: string): null => {
    env.out.unknown('unsupported', `type \`${names.join('.')}\` ${why}`, location);
    return null;
  };
  if (names.length > 2 || flagAt(typeName, 'pct_type') || flagAt(typeName, 'setof')) {
    return refuse('is written in a form that is not analysed; use a plain type name');
  }
  const array =
    nodesAt(typeName, 'arrayBounds').length > 0 || (name.startsWith('_') && HARMLESS_TYPES.has(name.slice(1)));
  const element = name.startsWith('_') && array ? name.slice(1) : name;
  if (schema === 'information_schema' && INFORMATION_SCHEMA_TYPES.has(name)) return `information_schema.${name}`;
  if (schema === null || schema === 'pg_catalog' || schema === 'information_schema') {
    const printed = schema === 'information_schema' ? undefined : HARMLESS_TYPES.get(element);
    if (printed !== undefined) {
      noteConversion(env, printed, from, location);
      return array ? `${printed}[]` : printed;
    }
    if (schema !== 'information_schema' && LOOKUP_TYPES.has(element)) {
      if (from.sources.length > 0) return refuse('looks names up; cast only constants to it');
      return array ? null : element;
    }
    if (schema !== null) return refuse('is not one that a statement may convert to');
  }
  const printed = ownType(env, schema, name, location);
  if (printed !== null) {
    noteConversion(env, printed, from, location);
    noteSilentCasts(env, [printed]);
    return array ? `${printed}[]` : printed;
  }
  if (schema === null && name === 'xml') return refuse('is not one that a statement may convert to');
  env.out.unknown(
    'unresolved',
    `type \`${names.join('.')}\` does not exist or the gate's catalog is out of date`,
    location,
  );
  return null;
}

/** The name that `format_type` prints for a type or a relation's row type of this database. */
function ownType(env: Env, schema: string | null, name: string, location: number): string | null {
  const schemas = schema === null ? env.searchPath : [schema];
  const found = schemas.flatMap((one) => {
    const type = env.catalog.type(one, name);
    if (type !== null) return [type.printed];
    const relation = env.catalog.relation(one, name);
    return relation === null || relation.kind === 'sequence' ? [] : [rowTypeName(relation)];
  });
  if (found.length > 1) {
    env.out.unknown('unresolved', `type \`${name}\` is in more than one schema; write its schema before it`, location);
  }
  return found[0] ?? null;
}

/** The lineage of `arg::type`. It stays plain where the text of the value cannot change. */
export function castLineage(
  env: Env,
  typeName: Fields,
  from: Lineage,
  context: ColumnUseContext | null,
  location: number,
): Lineage {
  const type = checkCastType(env, typeName, from);
  const hasLength = nodesAt(typeName, 'typmods').length > 0;
  const bare = from.type?.replace(/\(.*\)/, '') ?? null;
  const same = type !== null && bare !== null && (bare === type || (TEXT_LIKE.has(bare) && TEXT_LIKE.has(type)));
  if (same && !hasLength) return { ...from, type };
  // In a context of its own the use is noted already.
  if (context === null) env.out.use(from.sources, 'expression', location);
  return { ...from, plain: from.sources.length === 0, type };
}
