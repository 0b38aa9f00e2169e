import type { Env } from '../env.ts';
import { evaluate } from '../expressions.ts';
import { eitherOf, type Lineage, NO_SOURCE } from '../lineage.ts';
import { bodyAt, type Fields, locationOf, nodeAt, nodesAt, textAt } from '../node.ts';
import { NO_RESULT, type QueryResult, requireKnownPositions, resultColumn } from '../query-result.ts';
import { referTo, type Scope } from '../scope.ts';
import { analyzeQuery } from '../select.ts';
import { analyzeWith } from '../with-clause.ts';
import {
  analyzeReturning,
  evaluateAssignments,
  noteWrite,
  noteWritten,
  requireColumn,
  resolveWriteTarget,
  type WriteTarget,
} from './write-target.ts';

export function analyzeInsert(env: Env, insert: Fields, outer: Scope): QueryResult {
  const level: Scope = { items: [], ctes: analyzeWith(env, bodyAt(insert, 'withClause'), outer), parent: outer };
  const target = resolveWriteTarget(env, insert, 'insert');
  const query = nodeAt(insert, 'selectStmt');
  const input = query === null ? NO_RESULT : analyzeQuery(env, query, level);
  requireKnownPositions(env, input);
  for (const column of input.columns) env.out.use(column.lineage.sources, 'write', 0);
  if (target === null) return NO_RESULT;

  const listed = nodesAt(insert, 'cols');
  if (listed.some((column) => nodesAt(column.fields, 'indirection').length > 0)) {
    env.out.unknown('unsupported', 'inserting a part of a column is not analysed; insert the column');
  }
  if (listed.length > 0) noteWrite(env, target, 'insert', listed);
  else
    noteWritten(
      env,
      target,
      'insert',
      target.columns.map((column) => column.name),
    );
  const names =
    listed.length > 0
      ? listed.map((column) => textAt(column.fields, 'name') ?? '')
      : target.columns.map((column) => column.name);
  const inserted = new Map<string, Lineage>();
  for (const [index, column] of input.columns.entries()) inserted.set(names[index] ?? '', column.lineage);

  const conflict = bodyAt(insert, 'onConflictClause');
  const assigned = new Map(inserted);
  if (conflict !== null) {
    for (const [name, lineage] of analyzeConflict(env, conflict, target, inserted, level)) {
      assigned.set(name, eitherOf([assigned.get(name) ?? NO_SOURCE, lineage]));
    }
  }
  return analyzeReturning(env, insert, target, assigned, [], level);
}

/** ON CONFLICT: which rows conflict tells whether a value is there, so its columns are compared. */
function analyzeConflict(
  env: Env,
  conflict: Fields,
  target: WriteTarget,
  inserted: ReadonlyMap<string, Lineage>,
  level: Scope,
): ReadonlyMap<string, Lineage> {
  const own: Scope = { ...level, items: [target.item] };
  const infer = bodyAt(conflict, 'infer');
  if (infer !== null) {
    for (const { fields } of nodesAt(infer, 'indexElems')) {
      const name = textAt(fields, 'name');
      const column = name === null ? null : requireColumn(env, target, name, locationOf(infer));
      if (column !== null) referTo(env.out, column, 'predicate', locationOf(infer));
      const expression = nodeAt(fields, 'expr');
      if (expression !== null) evaluate(env, expression, own, 'predicate');
      if (nodesAt(fields, 'opclass').length > 0) {
        env.out.unknown('unsupported', 'an operator class in on conflict is not analysed');
      }
    }
    const where = nodeAt(infer, 'whereClause');
    if (where !== null) evaluate(env, where, own, 'predicate');
  }
  if (textAt(conflict, 'action') !== 'ONCONFLICT_UPDATE') return new Map();
  const excluded = target.columns.map((column) => resultColumn(column.name, inserted.get(column.name) ?? NO_SOURCE));
  const both: Scope = {
    ...level,
    items: [
      target.item,
      {
        // Unqualified names mean the row that is there.
        columns: [],
        relations: [
          { name: 'excluded', schema: null, columns: excluded, open: target.found.known === null, stored: true },
        ],
        bases: [],
      },
    ],
  };
  const targets = nodesAt(conflict, 'targetList');
  noteWrite(env, target, 'update', targets);
  const assigned = evaluateAssignments(env, targets, both);
  const where = nodeAt(conflict, 'whereClause');
  if (where !== null) evaluate(env, where, both, 'predicate');
  return assigned;
}
