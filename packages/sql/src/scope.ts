import type { ColumnName, ColumnUseContext } from '@taskgate/core';
import type { Collector, ResolvedRelation } from './collector.ts';
import type { Lineage } from './lineage.ts';

/** A column that a name in a query can mean. */
export interface ScopeColumn {
  readonly name: string;
  readonly lineage: Lineage;
  /** What a reference to it reads of relations named in the statement; a subquery's own references counted already. */
  readonly reads: readonly { readonly relation: ResolvedRelation; readonly column: string }[];
  /** Base columns behind it that a view's definition computes with. */
  readonly computedFrom: readonly ColumnName[];
}

/** One entry of FROM as a qualified name sees it. */
export interface ScopeRelation {
  readonly name: string;
  /** `null` where an alias hides it. */
  readonly schema: string | null;
  readonly columns: readonly ScopeColumn[];
  /** A system relation: any column name is taken to be its own. */
  readonly open: boolean;
  /** A system relation with columns that are not to be read: `*` and whole rows of it are refused. */
  readonly guarded?: boolean;
  /** Has ctid, xmin and the like. */
  readonly stored: boolean;
}

/** One item of FROM: what `*` and unqualified names see, and the relations for qualified ones. */
export interface FromItem {
  readonly columns: readonly ScopeColumn[];
  readonly relations: readonly ScopeRelation[];
  /** Relations that `for update` would lock. */
  readonly bases: readonly ResolvedRelation[];
}

/** Its columns; `pending` while it is not yet known, in `with recursive`. */
export type CteColumns = { readonly columns: readonly ScopeColumn[]; readonly open: boolean } | 'pending';

/** What the names of one query level mean, and through `parent` those of the levels around it. */
export interface Scope {
  readonly items: readonly FromItem[];
  readonly ctes: ReadonlyMap<string, CteColumns>;
  readonly parent: Scope | null;
}

export const EMPTY_SCOPE: Scope = { items: [], ctes: new Map(), parent: null };

export const SYSTEM_COLUMNS: ReadonlySet<string> = new Set(['ctid', 'tableoid', 'xmin', 'xmax', 'cmin', 'cmax']);

/** Notes what naming a column reads, and in which context its values are used (`null`: as they are). */
export function referTo(
  out: Collector,
  column: ScopeColumn,
  context: ColumnUseContext | null,
  location: number,
): Lineage {
  for (const read of column.reads) out.access('select', read.relation, [read.column]);
  // A masked column laundered through a view's expression is used in an expression, wherever the view's column stands.
  if (column.computedFrom.length > 0) out.use(column.computedFrom, 'expression', location);
  if (context !== null) out.use(column.lineage.sources, context, location);
  return column.lineage;
}

export function findCte(scope: Scope, name: string): CteColumns | null {
  for (let level: Scope | null = scope; level !== null; level = level.parent) {
    const cte = level.ctes.get(name);
    if (cte !== undefined) return cte;
  }
  return null;
}

export type ColumnMatch =
  | { readonly kind: 'column'; readonly column: ScopeColumn }
  | { readonly kind: 'no-data' }
  | { readonly kind: 'ambiguous' }
  | { readonly kind: 'missing' };

/**
 * What an unqualified column name means. A system relation, whose columns are not known, takes a name only when no
 * known relation at any level has it, so that it can never hide a known column.
 */
export function findColumn(scope: Scope, name: string): ColumnMatch {
  let open = false;
  let stored = false;
  for (let level: Scope | null = scope; level !== null; level = level.parent) {
    const found = level.items.flatMap((item) => item.columns.filter((column) => column.name === name));
    if (found.length > 1) return { kind: 'ambiguous' };
    if (found.length === 1) return { kind: 'column', column: found[0]! };
    for (const item of level.items) {
      for (const relation of item.relations) {
        open ||= relation.open;
        stored ||= relation.stored;
      }
    }
  }
  if (SYSTEM_COLUMNS.has(name) && stored) return { kind: 'no-data' };
  return { kind: open ? 'no-data' : 'missing' };
}

/** The relation that a qualifier means at the nearest level, or `ambiguous`. */
export function findRelation(scope: Scope, schema: string | null, name: string): ScopeRelation | 'ambiguous' | null {
  for (let level: Scope | null = scope; level !== null; level = level.parent) {
    const found = level.items.flatMap((item) =>
      item.relations.filter((one) => one.name === name && (schema === null || one.schema === schema)),
    );
    if (found.length > 1) return 'ambiguous';
    if (found.length === 1) return found[0]!;
  }
  return null;
}
