import type { Env } from '../env.ts';
import { bodyAt, type Fields, nodeAt, type PgNode, textAt } from '../node.ts';
import { noteCreated } from './ddl-relations.ts';
import { analyzeCheckedQuery, isQuery } from './query.ts';
import { meaning, type StatementMeaning } from './statement-meaning.ts';

/** CREATE TABLE AS, CREATE MATERIALIZED VIEW, CREATE VIEW: what the query gives is written or laid open elsewhere. */
export function analyzeCreateAs(env: Env, query: PgNode | null, created: Fields, label: string): StatementMeaning {
  noteCreated(env, created);
  if (query === null || !isQuery(query)) {
    env.out.unknown('unsupported', 'creating from a prepared statement is not analysed; write the query');
    return meaning('create', label);
  }
  const { result, parameterCount, hidesWrites } = analyzeCheckedQuery(env, query);
  for (const column of result.columns) env.out.use(column.lineage.sources, 'write', 0);
  return meaning('create', label, { parameterCount, hidesWrites });
}

/** The target of `select ... into`, taken off the select; `null` where there is none. */
export function splitSelectInto(statement: PgNode): { readonly query: PgNode; readonly created: Fields } | null {
  if (statement.kind !== 'SelectStmt') return null;
  const into = bodyAt(statement.fields, 'intoClause');
  if (into === null) return null;
  const { intoClause: _, ...fields } = statement.fields;
  return { query: { kind: 'SelectStmt', fields }, created: bodyAt(into, 'rel') ?? {} };
}

export function createAsLabel(statement: Fields): string {
  return textAt(statement, 'objtype') === 'OBJECT_MATVIEW' ? 'CREATE MATERIALIZED VIEW' : 'CREATE TABLE AS';
}

export function createAsQuery(statement: Fields): PgNode | null {
  return nodeAt(statement, 'query');
}
