import type { ColumnName } from '@taskgate/core';

/** Where the values of an expression come from. */
export interface Lineage {
  readonly sources: readonly ColumnName[];
  /** Each value is, unchanged, one of a source's; or there is no source. */
  readonly plain: boolean;
  /** As `format_type` prints it, or `row of f` for what a built-in function returns, where it is known. */
  readonly type: string | null;
  /** It may hold whole rows, which `unnest` in FROM would lay out as columns. */
  readonly rows?: boolean;
}

export const NO_SOURCE: Lineage = { sources: [], plain: true, type: null };

export function columnKey(column: ColumnName): string {
  // No name holds a NUL.
  return `${column.schema}\0${column.relation}\0${column.column}`;
}

/** A value computed from all of `parts`. */
export function computedFrom(parts: readonly Lineage[]): Lineage {
  const sources = mergeSources(parts.map((part) => part.sources));
  return { sources, plain: sources.length === 0, type: null, rows: parts.some((part) => part.rows === true) };
}

/** A value that is one of `parts`, unchanged, as `union all` gives. */
export function eitherOf(parts: readonly Lineage[]): Lineage {
  const types = new Set(parts.map((part) => part.type));
  return {
    sources: mergeSources(parts.map((part) => part.sources)),
    plain: parts.every((part) => part.plain),
    type: types.size === 1 ? (parts[0]?.type ?? null) : null,
    rows: parts.some((part) => part.rows === true),
  };
}

export function mergeSources(lists: readonly (readonly ColumnName[])[]): readonly ColumnName[] {
  const only = lists.filter((list) => list.length > 0);
  if (only.length <= 1) return only[0] ?? [];
  const byKey = new Map<string, ColumnName>();
  for (const column of only.flat()) byKey.set(columnKey(column), column);
  return [...byKey.values()];
}
