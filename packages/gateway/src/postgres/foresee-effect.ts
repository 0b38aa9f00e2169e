import type { SqlOperation } from '@taskgate/core';
import type { SessionState } from './session-state.ts';
import { type Answer, answeredValue, type Question, type TargetQuestions } from './target-questions.ts';

/** Planning takes milliseconds; it waits longer only behind a lock. */
const ESTIMATE_DEADLINE_MS = 5_000;
const DRY_RUN_DEADLINE_MS = 30_000;
const MAX_PLAN_NODES = 10_000;
const PLANNED: ReadonlySet<SqlOperation['statementClass']> = new Set(['select', 'insert', 'update', 'delete', 'merge']);

/** What the target's planner expects. */
export interface StatementEstimate {
  /** Rows that it returns or writes, whichever are more. */
  readonly rows: number;
  /** The most rows that any one node of the plan gives: what it reads, after its conditions. */
  readonly scanned: number;
}

export interface ForeseePorts {
  readonly questions: TargetQuestions;
  readonly signal: AbortSignal;
}

/**
 * Planning evaluates functions that say they are immutable or stable: only statements that call nothing but harmless ones
 * are planned before they are decided on. Outside a transaction block, the client's unfinished batch is an open
 * transaction that a question of the gate's would end.
 */
export function canAsk(state: SessionState, operation: SqlOperation): boolean {
  if (state.transaction === 'failed' || state.blockEnded || (state.transaction === 'idle' && state.batchOpen))
    return false;
  return PLANNED.has(operation.statementClass) && operation.effect === null && operation.copy === null;
}

/** By EXPLAIN with the client's parameters, on its connection. `null`: not known. */
export async function estimateRows(
  state: SessionState,
  operation: SqlOperation,
  question: Question,
  { questions, signal }: ForeseePorts,
): Promise<StatementEstimate | null> {
  if (!canAsk(state, operation) || !operation.functions.every(({ harmless }) => harmless)) return null;
  const answer = await questions.askAndUndo(
    { ...question, text: `explain (format json) ${question.text}` },
    { inTransaction: state.transaction !== 'idle', deadlineMs: ESTIMATE_DEADLINE_MS, signal },
  );
  if (answer === null || answer.sqlstate !== null) return null;
  const plan = answeredValue(answer);
  return plan === null ? null : readPlan(plan);
}

/**
 * Runs a held write and rolls it back; `null` where that cannot be now. What cannot be rolled back (sequences, what
 * triggers send elsewhere) stays done.
 */
export async function runAndUndo(
  state: SessionState,
  question: Question,
  { questions, signal }: ForeseePorts,
): Promise<Answer | null> {
  return questions.askAndUndo(question, {
    inTransaction: state.transaction !== 'idle',
    deadlineMs: Math.min(state.grant.limits.statementMs ?? DRY_RUN_DEADLINE_MS, DRY_RUN_DEADLINE_MS),
    signal,
  });
}

/** Columns of a table's primary key that always holds, in its order; empty where it has none. */
export async function primaryKeyOf(
  state: SessionState,
  relationOid: number,
  { questions, signal }: ForeseePorts,
): Promise<readonly string[]> {
  const text = `select pg_catalog.json_agg(a.attname order by k.place)
    from pg_catalog.pg_index i
    cross join lateral pg_catalog.unnest(i.indkey) with ordinality as k (attnum, place)
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = ${relationOid} and i.indisprimary and i.indisvalid and i.indimmediate`;
  const answer = await questions.askAndUndo(
    { text, parameterTypes: [], parameters: [], parameterFormats: [] },
    { inTransaction: state.transaction !== 'idle', deadlineMs: ESTIMATE_DEADLINE_MS, signal },
  );
  const names: unknown = answer === null ? null : JSON.parse(answeredValue(answer) ?? 'null');
  return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : [];
}

interface PlanNode {
  readonly 'Node Type'?: unknown;
  readonly 'Plan Rows'?: unknown;
  readonly 'Parent Relationship'?: unknown;
  readonly Plans?: unknown;
}

/** What `EXPLAIN (FORMAT JSON)` says; `null` where it is not what Postgres says. */
export function readPlan(json: string): StatementEstimate | null {
  try {
    const root = (JSON.parse(json) as { Plan: PlanNode }[])[0]!.Plan;
    let rows = rowsOf(root);
    let scanned = rows;
    const nodes = [root];
    for (let at = 0; at < nodes.length; at++) {
      if (nodes.length > MAX_PLAN_NODES) return null;
      const inner = nodes[at]!.Plans;
      const plans: readonly PlanNode[] = Array.isArray(inner) ? inner : [];
      nodes.push(...plans);
      scanned = Math.max(scanned, rowsOf(nodes[at]!));
      // A write that returns nothing gives 0 rows: what it writes comes from below it.
      if (nodes[at]!['Node Type'] === 'ModifyTable')
        for (const plan of plans) if (plan['Parent Relationship'] === 'Outer') rows = Math.max(rows, rowsOf(plan));
    }
    return { rows, scanned: Math.max(rows, scanned) };
  } catch {
    return null;
  }
}

function rowsOf(node: PlanNode): number {
  const rows = node['Plan Rows'];
  if (typeof rows !== 'number' || !Number.isFinite(rows) || rows < 0) throw new Error('a plan node without rows');
  return Math.ceil(rows);
}
