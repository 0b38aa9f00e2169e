import type { FunctionCandidate } from '@taskgate/core';
import {
  formatRelationPattern,
  matchesName,
  type PatternParse,
  parseRelationPattern,
  type RelationPattern,
} from './name-pattern.ts';

/** `schema.name`, with `*` for any run of characters, or one signature: `schema.name(integer, text)`. */
export interface FunctionPattern extends RelationPattern {
  /** Types as `format_type` prints them; `null`: whatever they are. */
  readonly arguments: readonly string[] | null;
}

/** Other spellings that the server's grammar takes for its own types. */
const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ['bool', 'boolean'],
  ['char', 'character'],
  ['decimal', 'numeric'],
  ['float', 'double precision'],
  ['float4', 'real'],
  ['float8', 'double precision'],
  ['int', 'integer'],
  ['int2', 'smallint'],
  ['int4', 'integer'],
  ['int8', 'bigint'],
  ['time', 'time without time zone'],
  ['timestamp', 'timestamp without time zone'],
  ['timestamptz', 'timestamp with time zone'],
  ['timetz', 'time with time zone'],
  ['varbit', 'bit varying'],
  ['varchar', 'character varying'],
]);

const MAX_ARGUMENTS = 100;

export function parseFunctionPattern(text: string): PatternParse<FunctionPattern> {
  const open = text.indexOf('(');
  const named = parseRelationPattern(open < 0 ? text : text.slice(0, open).trimEnd(), 'function');
  if (!named.ok) return named;
  if (open < 0) return { ok: true, pattern: { ...named.pattern, arguments: null } };
  const inside = text.slice(open + 1, -1).trim();
  if (!text.endsWith(')') || inside.includes('(')) return no(text, 'name types without lengths, and close the list');
  if (!named.pattern.schema.exact || !named.pattern.name.exact) return no(text, 'a signature goes with one name');
  const types = inside === '' ? [] : inside.split(',').map((type) => type.trim().replace(/\s+/g, ' '));
  if (types.length > MAX_ARGUMENTS || types.some((type) => !/^[\p{L}_"][\p{L}\p{N}_$". ]*(\[\])*$/u.test(type)))
    return no(text, 'write the types of its arguments, such as `public.order_total(integer, text[])`');
  return { ok: true, pattern: { ...named.pattern, arguments: types.map(printed) } };
}

const no = (text: string, why: string): PatternParse<FunctionPattern> => ({
  ok: false,
  why: `\`${text}\` is no signature: ${why}`,
});

function printed(type: string): string {
  const element = type.replace(/(\[\])+$/, '').toLowerCase();
  // `integer[][]` and `integer[]` are one type.
  return `${SPELLINGS.get(element) ?? type.replace(/(\[\])+$/, '')}${type.endsWith('[]') ? '[]' : ''}`;
}

/** As for relations, a `*` does not reach into the server's own schema. */
export function matchesFunction(
  pattern: FunctionPattern,
  { schema, name, arguments: types }: Pick<FunctionCandidate, 'schema' | 'name' | 'arguments'>,
): boolean {
  if (!pattern.schema.exact && schema === 'pg_catalog') return false;
  if (!matchesName(pattern.schema, schema) || !matchesName(pattern.name, name)) return false;
  return (
    pattern.arguments === null ||
    (types !== null &&
      types.length === pattern.arguments.length &&
      types.every((type, index) => type === pattern.arguments![index]))
  );
}

export function formatFunctionPattern(pattern: FunctionPattern): string {
  return `${formatRelationPattern(pattern)}${pattern.arguments === null ? '' : `(${pattern.arguments.join(', ')})`}`;
}
