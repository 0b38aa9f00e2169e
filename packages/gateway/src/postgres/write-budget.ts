import { encodeError, parseCommandTag } from '@taskgate/protocol-postgres';
import type { DecidedStatement } from './decision-context.ts';
import type { LimitReached } from './grant-budget.ts';
import type { OperationRun } from './operation-run.ts';
import type { SessionState } from './session-state.ts';

const WRITE_VERBS: ReadonlySet<string> = new Set(['insert', 'update', 'delete']);
const WRITE_COMMANDS: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);

/** Whether rows of tables change by it: what its own text writes, not what functions do. */
export function writesRows(...statements: readonly DecidedStatement[]): boolean {
  return statements.some(({ operation }) => operation.accesses.some(({ verb }) => WRITE_VERBS.has(verb)));
}

/** Whether a write must wait for its count inside a transaction of the gate's: only an open one can be rolled back. */
export function needsGuard(state: SessionState, ...statements: readonly DecidedStatement[]): boolean {
  const { rows, bytes } = state.budget;
  return (rows.limit !== null || bytes.limit !== null) && writesRows(...statements);
}

/** Rows that a write changed and did not return, by its command tag: they are the grant's rows too. */
export function changedRows(run: OperationRun, tag: string): number {
  const { command, rows } = parseCommandTag(tag);
  const counts = WRITE_COMMANDS.has(command) || (command === 'COPY' && run.decided.operation.copy?.direction === 'in');
  return counts && rows !== null ? Math.max(0, rows - run.rows) : 0;
}

/** What a write that passed the budget is told, in place of its end. */
export function encodePassed(reached: LimitReached, fate: 'rolled back' | 'executed, result withheld'): Uint8Array {
  return encodeError({
    severity: 'ERROR',
    sqlstate: '53400',
    message: `taskgate: ${fate}: ${reached.message}`,
    hint: 'activate the task again for a new grant, or ask for less',
  });
}
