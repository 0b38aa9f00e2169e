import type { ColumnName, RelationName } from '@taskgate/core';

/** A name, or where `exact` is false a pattern in which each `*` stands for any run of characters. */
export interface NamePattern {
  readonly text: string;
  readonly exact: boolean;
}

export interface RelationPattern {
  readonly schema: NamePattern;
  readonly name: NamePattern;
}

export interface ColumnPattern extends RelationPattern {
  readonly column: NamePattern;
}

export const ANY_NAME: NamePattern = { text: '*', exact: false };
export const ANY_RELATION: RelationPattern = { schema: ANY_NAME, name: ANY_NAME };

/** A Postgres identifier is at most 63 bytes; quoting at worst doubles it. */
const MAX_SEGMENT = 130;

export type PatternParse<T> = { readonly ok: true; readonly pattern: T } | { readonly ok: false; readonly why: string };

const no = (why: string): { readonly ok: false; readonly why: string } => ({ ok: false, why });

/** Splits `a."B.c".*` at its dots and unquotes; a string says what is wrong. */
function parseSegments(text: string): readonly NamePattern[] | string {
  const segments: NamePattern[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      let name = '';
      at += 1;
      for (;;) {
        const end = text.indexOf('"', at);
        if (end < 0) return `\`${text}\` has an opening quote without its closing one`;
        name += text.slice(at, end);
        at = end + 1;
        if (text[at] !== '"') break;
        name += '"';
        at += 1;
      }
      if (name === '') return `\`${text}\` has an empty name in it`;
      segments.push({ text: name, exact: true });
    } else {
      const dot = text.indexOf('.', at);
      const segment = text.slice(at, dot < 0 ? text.length : dot);
      if (segment === '') return `\`${text}\` has an empty name in it`;
      if (/[A-Z]/.test(segment))
        return `\`${segment}\` has upper-case letters, which Postgres folds unless quoted; write it as \`"${segment}"\` or in lower case`;
      if (!/^[\p{Ll}\p{Lo}_*][\p{Ll}\p{Lo}\p{Nd}_$*]*$/u.test(segment))
        return `\`${segment}\` is not a plain name; put double quotes around it`;
      segments.push({ text: segment, exact: !segment.includes('*') });
      at = dot < 0 ? text.length : dot;
    }
    if (segments.at(-1)!.text.length > MAX_SEGMENT) return 'a name is at most 63 bytes long';
    if (at >= text.length) return segments;
    if (text[at] !== '.') return `\`${text}\` has something after a closing quote`;
    at += 1;
    if (segments.length > 3) return `\`${text}\` has too many parts`;
  }
}

/** `schema.name`, with `*` for any run of characters; `*` alone is every relation outside the system schemas. */
export function parseRelationPattern(text: string, what: string): PatternParse<RelationPattern> {
  if (text === '*') return { ok: true, pattern: ANY_RELATION };
  const segments = parseSegments(text);
  if (typeof segments === 'string') return no(segments);
  const [schema, name, ...rest] = segments;
  if (schema === undefined || name === undefined)
    return no(`\`${text}\` names no schema; qualify it, such as \`public.${text}\``);
  if (rest.length > 0) return no(`\`${text}\` has too many parts; a ${what} is \`schema.name\``);
  return { ok: true, pattern: { schema, name } };
}

/** `schema.relation.column`, with `*` for any run of characters. */
export function parseColumnPattern(text: string): PatternParse<ColumnPattern> {
  const segments = parseSegments(text);
  if (typeof segments === 'string') return no(segments);
  const [schema, name, column, ...rest] = segments;
  if (schema === undefined || name === undefined || column === undefined || rest.length > 0)
    return no(`\`${text}\` is not a column; write \`schema.relation.column\`, such as \`public.customers.email\``);
  return { ok: true, pattern: { schema, name, column } };
}

/** One name without a schema: a column of a rule that names its relation. */
export function parseNamePattern(text: string): PatternParse<NamePattern> {
  const segments = parseSegments(text);
  if (typeof segments === 'string') return no(segments);
  if (segments.length !== 1) return no(`\`${text}\` is qualified; write the column alone, the rule names its relation`);
  return { ok: true, pattern: segments[0]! };
}

/** Linear in the length of the name for each `*`: nothing an author writes makes a decision slow. */
export function matchesName(pattern: NamePattern, name: string): boolean {
  if (pattern.exact) return pattern.text === name;
  if (pattern.text === '*') return true;
  const parts = pattern.text.split('*');
  const first = parts[0]!;
  const last = parts.at(-1)!;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  const end = name.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** Schemas that hold the server's own relations; a `*` never reaches into them. */
export function isSystemSchema(schema: string): boolean {
  return schema === 'pg_catalog' || schema === 'information_schema' || schema.startsWith('pg_toast');
}

export function matchesRelation(pattern: RelationPattern, relation: RelationName): boolean {
  if (!pattern.schema.exact && isSystemSchema(relation.schema)) return false;
  return matchesName(pattern.schema, relation.schema) && matchesName(pattern.name, relation.name);
}

export function matchesColumn(pattern: ColumnPattern, column: ColumnName): boolean {
  return (
    matchesRelation(pattern, { schema: column.schema, name: column.relation }) &&
    matchesName(pattern.column, column.column)
  );
}

/** As it would be written in a task: quoted where it must be. */
export function formatName(name: string): string {
  return /^[\p{Ll}\p{Lo}_][\p{Ll}\p{Lo}\p{Nd}_$]*$/u.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

export function formatNamePattern(pattern: NamePattern): string {
  return pattern.exact ? formatName(pattern.text) : pattern.text;
}

export function formatRelationPattern(pattern: RelationPattern): string {
  if (pattern.schema.text === '*' && !pattern.schema.exact && pattern.name.text === '*' && !pattern.name.exact)
    return '*';
  return `${formatNamePattern(pattern.schema)}.${formatNamePattern(pattern.name)}`;
}

export function formatColumnPattern(pattern: ColumnPattern): string {
  return `${formatNamePattern(pattern.schema)}.${formatNamePattern(pattern.name)}.${formatNamePattern(pattern.column)}`;
}

export function formatRelation(relation: RelationName): string {
  return `${formatName(relation.schema)}.${formatName(relation.name)}`;
}
