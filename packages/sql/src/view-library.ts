import type { CatalogRelation, CatalogRule, FunctionUse, RelationAccess, Unknown } from '@taskgate/core';
import type { CatalogIndex } from './catalog-index.ts';
import { checkShape } from './check-shape.ts';
import { type Collector, createCollector } from './collector.ts';
import type { Env } from './env.ts';
import { expandAccess } from './expand-access.ts';
import { evaluate } from './expressions.ts';
import { type Lineage, NO_SOURCE } from './lineage.ts';
import { nodeAt, nodesAt, toNode } from './node.ts';
import type { SqlParser } from './parser.ts';
import { resultColumn } from './query-result.ts';
import { columnsOf } from './resolve-relation.ts';
import { EMPTY_SCOPE, type FromItem, type Scope, type ScopeColumn, type ScopeRelation } from './scope.ts';
import { analyzeQuery } from './select.ts';
import { SQL_LIMITS } from './sql-limits.ts';

/** What a view's definition does: columns by position, what it reads, what it calls, what in it is not understood. */
export interface ViewMeaning {
  readonly columns: readonly Lineage[];
  readonly accesses: readonly RelationAccess[];
  readonly functions: readonly FunctionUse[];
  readonly unknowns: readonly Unknown[];
}

export interface ViewLibrary {
  define(view: CatalogRelation): ViewMeaning;
  /** All that a rule does to a statement that it rewrites. */
  defineRule(relation: CatalogRelation, rule: CatalogRule): Collector;
}

/** Reads view definitions of one catalog, each once. A view within itself, or too deep, has an unknown. */
export function createViewLibrary(catalog: CatalogIndex, parser: SqlParser): ViewLibrary {
  const done = new Map<number, ViewMeaning>();
  const open: number[] = [];
  const rules = new Map<CatalogRule, Collector>();
  const library: ViewLibrary = {
    define(view) {
      const known = done.get(view.oid);
      if (known !== undefined) return known;
      if (open.includes(view.oid) || open.length >= SQL_LIMITS.viewDepth) {
        return notUnderstood(view, 'too-large', 'views nest too deeply or in a circle');
      }
      open.push(view.oid);
      let meaning: ViewMeaning;
      try {
        meaning = read(view, catalog, parser, library);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        meaning = notUnderstood(view, 'too-large', 'it has too many or too deep parts');
      } finally {
        open.pop();
      }
      // What a circle of views looks like depends on where it was entered: keep only what is the same from everywhere.
      if (meaning.unknowns.length === 0 || open.length === 0) done.set(view.oid, meaning);
      return meaning;
    },
    defineRule(relation, rule) {
      const known = rules.get(rule);
      if (known !== undefined) return known;
      const out = createCollector(() => null);
      if (open.includes(relation.oid) || open.length >= SQL_LIMITS.viewDepth) {
        out.unknown('too-large', `the rules of \`${relation.schema}.${relation.name}\` lead in a circle`);
        return out;
      }
      open.push(relation.oid);
      try {
        readRule(relation, rule, out, catalog, parser, library);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        out.unknown('too-large', `rule \`${rule.name}\` has too many or too deep parts`);
      } finally {
        open.pop();
      }
      if (out.unknowns().length === 0 || open.length === 0) rules.set(rule, out);
      return out;
    },
  };
  return library;
}

function notUnderstood(view: CatalogRelation, code: Unknown['code'], why: string): ViewMeaning {
  const unknown: Unknown = {
    code,
    message: `the definition of view \`${view.schema}.${view.name}\` cannot be followed: ${why}`,
    position: null,
  };
  return { columns: [], accesses: [], functions: [], unknowns: [unknown] };
}

function read(view: CatalogRelation, catalog: CatalogIndex, parser: SqlParser, views: ViewLibrary): ViewMeaning {
  if (view.definition === null) return notUnderstood(view, 'unresolved', 'the catalog does not have it');
  const parsed = parser.parse(view.definition);
  if (!parsed.ok) return notUnderstood(view, parsed.unknown.code, parsed.unknown.message);
  const query = toNode(parsed.statements[0]?.tree);
  if (parsed.statements.length !== 1 || query?.kind !== 'SelectStmt') {
    return notUnderstood(view, 'unsupported', 'it is not one select');
  }
  const shape = checkShape(query);
  if (shape.tooLarge) return notUnderstood(view, 'too-large', 'it is too large');
  const strange = shape.strange[0];
  if (strange !== undefined) return notUnderstood(view, 'unsupported', `\`${strange.what}\` is not analysed`);
  const out: Collector = createCollector(() => null);
  const env: Env = {
    catalog,
    searchPath: [],
    out,
    views,
    budget: { left: SQL_LIMITS.steps },
    subLinkNames: new WeakMap(),
  };
  const result = analyzeQuery(env, query, EMPTY_SCOPE);
  if (result.open || result.columns.length !== view.columns.length) {
    return notUnderstood(view, 'unresolved', 'its columns and the catalog differ');
  }
  return {
    columns: result.columns.map((column) => column.lineage),
    accesses: out.accesses((relation, verb) => expandAccess(env, relation, verb)),
    functions: out.functions(),
    unknowns: out.unknowns().map((unknown) => ({
      ...unknown,
      message: `in view \`${view.schema}.${view.name}\`: ${unknown.message}`,
    })),
  };
}

/** `new` and `old` are the row as it would be and as it was. */
function readRule(
  relation: CatalogRelation,
  rule: CatalogRule,
  out: Collector,
  catalog: CatalogIndex,
  parser: SqlParser,
  views: ViewLibrary,
): void {
  const refuse = (code: Unknown['code'], why: string): void =>
    out.unknown(code, `rule \`${rule.name}\` of \`${relation.schema}.${relation.name}\` cannot be followed: ${why}`);
  const parsed = parser.parse(rule.definition);
  if (!parsed.ok) return refuse(parsed.unknown.code, parsed.unknown.message);
  const statement = toNode(parsed.statements[0]?.tree);
  if (parsed.statements.length !== 1 || statement?.kind !== 'RuleStmt') return refuse('unsupported', 'it is no rule');
  const env: Env = {
    catalog,
    searchPath: [],
    out,
    views,
    budget: { left: SQL_LIMITS.steps },
    subLinkNames: new WeakMap(),
  };
  const columns = columnsOf(env, relation, false);
  const written = relation.columns.map(({ name }) => resultColumn(name, NO_SOURCE));
  const row = (name: string, own: readonly ScopeColumn[]): ScopeRelation => ({
    name,
    schema: null,
    columns: own,
    open: false,
    stored: true,
  });
  const rows: FromItem = {
    // Both are named with their dot.
    columns: [],
    relations: [row('old', columns), row('new', rule.event === 'insert' ? written : columns)],
    bases: [],
  };
  const scope: Scope = { items: [rows], ctes: new Map(), parent: null };
  const condition = nodeAt(statement.fields, 'whereClause');
  for (const part of [...(condition === null ? [] : [condition]), ...nodesAt(statement.fields, 'actions')]) {
    const shape = checkShape(part);
    if (shape.tooLarge) return refuse('too-large', 'it is too large');
    const strange = shape.strange[0];
    if (strange !== undefined) return refuse('unsupported', `\`${strange.what}\` is not analysed`);
    if (part === condition) evaluate(env, part, scope, 'predicate');
    else for (const column of analyzeQuery(env, part, scope).columns) out.use(column.lineage.sources, 'write', 0);
  }
}
