import type { AccessVerb, CatalogRelation, RelationAccess } from '@taskgate/core';
import { noteWriteFunctions } from '../conversions.ts';
import type { Env } from '../env.ts';
import { evaluate } from '../expressions.ts';
import { computedFrom, eitherOf, type Lineage } from '../lineage.ts';
import { bodyAt, type Fields, locationOf, nodeAt, nodesAt, type PgNode, textAt } from '../node.ts';
import { NO_RESULT, type QueryResult } from '../query-result.ts';
import { columnsOf, type FoundRelation, isOnly, resolveRelation } from '../resolve-relation.ts';
import type { FromItem, Scope, ScopeColumn, ScopeRelation } from '../scope.ts';
import { evaluateTargets } from '../target-list.ts';

/** The relation that a statement writes to, and how its own clauses see it. */
export interface WriteTarget {
  readonly found: FoundRelation;
  readonly alias: string;
  readonly columns: readonly ScopeColumn[];
  readonly item: FromItem;
}

/**
 * `null` (with an unknown noted) where the relation is not known. What rules make of the write is noted with it; `copy`
 * passes them by.
 */
export function resolveWriteTarget(
  env: Env,
  statement: Fields,
  event: 'insert' | 'update' | 'delete' | 'merge' | 'copy',
): WriteTarget | null {
  const rangeVar = bodyAt(statement, 'relation') ?? {};
  const found = resolveRelation(env, rangeVar);
  if (found === null) return null;
  if (found.known !== null && event !== 'copy') followRules(env, found.known, statement, event, locationOf(rangeVar));
  const aliasName = textAt(bodyAt(rangeVar, 'alias') ?? {}, 'aliasname');
  const columns = found.known === null ? [] : columnsOf(env, found.known, isOnly(rangeVar));
  const alias = aliasName ?? found.resolved.name;
  const relation = targetRelation(found, alias, aliasName === null ? found.resolved.schema : null, columns);
  return { found, alias, columns, item: { columns, relations: [relation], bases: [found.resolved] } };
}

/** What a write to a view may be a write to. */
function tablesBehind(env: Env, view: CatalogRelation): readonly CatalogRelation[] {
  if (view.kind !== 'view') return [];
  const found = new Map<number, CatalogRelation>();
  const add = ({ oid, expands }: RelationAccess): void => {
    const relation = oid === null || found.has(oid) ? null : env.catalog.relationByOid(oid);
    if (relation !== null) found.set(relation.oid, relation);
    expands.forEach(add);
  };
  env.views.define(view).accesses.forEach(add);
  return [...found.values()];
}

/** What the rules of a relation do is done by the statement; what they return would come under other names. */
function followRules(
  env: Env,
  relation: CatalogRelation,
  statement: Fields,
  event: 'insert' | 'update' | 'delete' | 'merge',
  location: number,
): void {
  const rules = [relation, ...tablesBehind(env, relation)].flatMap((one) =>
    one.rules.filter((rule) => event === 'merge' || rule.event === event).map((rule) => [one, rule] as const),
  );
  if (rules.length === 0) return;
  if (event === 'merge' || bodyAt(statement, 'returningClause') !== null || statement.returningList !== undefined) {
    env.out.unknown(
      'unsupported',
      `\`${relation.schema}.${relation.name}\` has rules that rewrite the write; leave out returning, or write to what they lead to`,
      location,
    );
  }
  for (const [one, rule] of rules) env.out.adoptAll(env.views.defineRule(one, rule));
}

function targetRelation(
  found: FoundRelation,
  name: string,
  schema: string | null,
  columns: readonly ScopeColumn[],
): ScopeRelation {
  return { name, schema, columns, open: found.known === null, stored: true };
}

/** Notes the access; a column that the relation does not have is an unknown. */
export function noteWrite(env: Env, target: WriteTarget, verb: AccessVerb, columns: readonly PgNode[]): void {
  const names: string[] = [];
  for (const { fields } of columns) {
    const name = textAt(fields, 'name') ?? '';
    names.push(name);
    requireColumn(env, target, name, locationOf(fields));
  }
  noteWritten(env, target, verb, names);
}

/** As `noteWrite`, for columns that are known to be there. */
export function noteWritten(env: Env, target: WriteTarget, verb: AccessVerb, columns: readonly string[]): void {
  const { resolved, known } = target.found;
  env.out.access(verb, resolved, columns);
  if (known === null || (verb !== 'insert' && verb !== 'update')) return;
  for (const one of [known, ...tablesBehind(env, known)]) noteWriteFunctions(env, one);
}

export function requireColumn(env: Env, target: WriteTarget, name: string, location: number): ScopeColumn | null {
  const column = target.columns.find((one) => one.name === name) ?? null;
  if (column === null && target.found.known !== null) {
    const { schema, name: relation } = target.found.resolved;
    env.out.unknown(
      'unresolved',
      `column \`${name}\` of \`${schema}.${relation}\` does not exist or the gate's catalog is out of date`,
      location,
    );
  }
  return column;
}

/** `set a = ..., b[1] = ..., (c, d) = ...`: all that is assigned is a use in a write. */
export function evaluateAssignments(env: Env, targets: readonly PgNode[], scope: Scope): ReadonlyMap<string, Lineage> {
  const assigned = new Map<string, Lineage>();
  for (const { fields } of targets) {
    for (const step of nodesAt(fields, 'indirection')) evaluateSubscript(env, step, scope);
    const value = nodeAt(fields, 'val');
    if (value === null) continue;
    // Each column of `(a, b) = (...)` is taken to come from the whole right side.
    const source = value.kind === 'MultiAssignRef' ? nodeAt(value.fields, 'source') : value;
    if (source !== null) assigned.set(textAt(fields, 'name') ?? '', evaluate(env, source, scope, 'write'));
  }
  return assigned;
}

function evaluateSubscript(env: Env, step: PgNode, scope: Scope): void {
  if (step.kind !== 'A_Indices') {
    env.out.unknown('unsupported', 'assigning a field of a column is not analysed; assign the column');
    return;
  }
  for (const bound of [nodeAt(step.fields, 'lidx'), nodeAt(step.fields, 'uidx')]) {
    if (bound !== null) evaluate(env, bound, scope, 'write');
  }
}

/** RETURNING, in the form of 15-17 or of 18 with its `old` and `new`. */
export function analyzeReturning(
  env: Env,
  statement: Fields,
  target: WriteTarget,
  assigned: ReadonlyMap<string, Lineage>,
  others: readonly FromItem[],
  level: Scope,
  /** `*` of a merge gives the columns of its source first. */
  sourceFirst = false,
): QueryResult {
  const clause = bodyAt(statement, 'returningClause');
  const exprs = clause === null ? nodesAt(statement, 'returningList') : nodesAt(clause, 'exprs');
  if (exprs.length === 0) return NO_RESULT;
  // A returned column holds what was assigned to it: the server's own metadata would name the written column only.
  const columns = target.columns.map((column) => {
    const value = assigned.get(column.name);
    // Assigning converts to the column's type, so the value may come out in another form.
    if (value === undefined) return column;
    const lineage = eitherOf([column.lineage, computedFrom([value])]);
    return { ...column, lineage: { ...lineage, type: column.lineage.type } };
  });
  const relations: ScopeRelation[] = target.item.relations.map((relation) => ({ ...relation, columns }));
  for (const [keyword, name] of returningAliases(clause, relations, others)) {
    relations.push(targetRelation(target.found, name, null, keyword === 'old' ? target.columns : columns));
  }
  const item: FromItem = { columns, relations, bases: [] };
  const items = sourceFirst ? [...others, item] : [item, ...others];
  const { columns: outputs, open } = evaluateTargets(env, exprs, { ...level, items });
  return { columns: outputs, open, bases: [] };
}

function returningAliases(
  clause: Fields | null,
  relations: readonly ScopeRelation[],
  others: readonly FromItem[],
): ReadonlyMap<'old' | 'new', string> {
  const names = new Map<'old' | 'new', string>();
  if (clause === null) return names;
  const taken = new Set([...relations, ...others.flatMap((item) => item.relations)].map((relation) => relation.name));
  if (!taken.has('old')) names.set('old', 'old');
  if (!taken.has('new')) names.set('new', 'new');
  for (const { fields } of nodesAt(clause, 'options')) {
    const keyword = textAt(fields, 'option') === 'RETURNING_OPTION_OLD' ? 'old' : 'new';
    names.set(keyword, textAt(fields, 'value') ?? keyword);
  }
  return names;
}
