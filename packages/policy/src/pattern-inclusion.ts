import type { FunctionPattern } from './function-pattern.ts';
import {
  type ColumnPattern,
  isSystemSchema,
  matchesName,
  type NamePattern,
  type RelationPattern,
} from './name-pattern.ts';

// Whether one pattern matches all that another does. Names are of an open alphabet, so a pattern that several together
// cover is covered by one of them alone: put a run of characters that none of them has in place of each of its `*`.

/** A `*` of the inner pattern is no name's character, so only a `*` of the outer one takes it. */
export function includesName(outer: NamePattern, inner: NamePattern): boolean {
  return (inner.exact || !outer.exact) && matchesName(outer, inner.text);
}

export function includesRelation(outer: RelationPattern, inner: RelationPattern): boolean {
  if (!outer.schema.exact && inner.schema.exact && isSystemSchema(inner.schema.text)) return false;
  return includesName(outer.schema, inner.schema) && includesName(outer.name, inner.name);
}

export function includesColumn(outer: ColumnPattern, inner: ColumnPattern): boolean {
  return includesRelation(outer, inner) && includesName(outer.column, inner.column);
}

export function includesFunction(outer: FunctionPattern, inner: FunctionPattern): boolean {
  if (!outer.schema.exact && inner.schema.exact && inner.schema.text === 'pg_catalog') return false;
  return (
    includesName(outer.schema, inner.schema) &&
    includesName(outer.name, inner.name) &&
    (outer.arguments === null ||
      (inner.arguments !== null &&
        inner.arguments.length === outer.arguments.length &&
        inner.arguments.every((type, index) => type === outer.arguments![index])))
  );
}

/** The rule stands for one name: it also opens what a pattern does not vouch for. */
export const namesOneFunction = ({ schema, name }: FunctionPattern): boolean => schema.exact && name.exact;
