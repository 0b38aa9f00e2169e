import type { ConsoleEvent, StatementVerdict } from '@taskgate/contracts';

export interface ResultSet {
  readonly columns: Extract<ConsoleEvent, { type: 'columns' }>['columns'];
  readonly rows: readonly (readonly (string | null)[])[];
  /** Null while rows still come. */
  readonly tag: string | null;
  readonly truncated: boolean;
}
export type Notice = Omit<Extract<ConsoleEvent, { type: 'notice' }>, 'type' | 'id'>;
export type Failure = Omit<Extract<ConsoleEvent, { type: 'error' }>, 'type' | 'id'>;
export type TransactionState = Extract<ConsoleEvent, { type: 'done' }>['transaction'];

/** One text that was sent, exactly as it stood in the editor, and what came of it. */
export interface Run {
  readonly id: number;
  readonly sql: string;
  /** Where the text began in the editor, so that an error's position can be shown there. */
  readonly offset: number;
  readonly at: string;
  readonly sets: readonly ResultSet[];
  readonly notices: readonly Notice[];
  readonly error: Failure | null;
  readonly durationMs: number | null;
}

export interface ConsoleState {
  readonly connection: 'opening' | 'ready' | 'ended';
  readonly session: { readonly id: string; readonly expiresAt: string } | null;
  readonly ended: { readonly code: string; readonly message: string } | null;
  readonly transaction: TransactionState;
  /** Oldest first; the last one may still run. Kept in this page's memory only. */
  readonly runs: readonly Run[];
  readonly running: number | null;
  readonly verdict: { readonly id: number; readonly statements: readonly StatementVerdict[] } | null;
}

export const INITIAL_STATE: ConsoleState = {
  connection: 'opening',
  session: null,
  ended: null,
  transaction: 'idle',
  runs: [],
  running: null,
  verdict: null,
};

export type ConsoleAction =
  | { readonly kind: 'connect' }
  | { readonly kind: 'event'; readonly event: ConsoleEvent }
  | { readonly kind: 'sent'; readonly id: number; readonly sql: string; readonly offset: number; readonly at: string }
  | { readonly kind: 'lost'; readonly code: string; readonly message: string };

/** Runs whose results stay in memory; of older ones the text stays. */
const RUNS_WITH_RESULTS = 5;
const MAX_RUNS = 200;

export function reduceConsole(state: ConsoleState, action: ConsoleAction): ConsoleState {
  switch (action.kind) {
    case 'connect':
      return {
        ...state,
        connection: 'opening',
        session: null,
        ended: null,
        transaction: 'idle',
        running: null,
        verdict: null,
      };
    case 'sent': {
      const run: Run = {
        id: action.id,
        sql: action.sql,
        offset: action.offset,
        at: action.at,
        sets: [],
        notices: [],
        error: null,
        durationMs: null,
      };
      const kept = state.runs
        .slice(-MAX_RUNS + 1)
        .map((old, index, all) =>
          index < all.length - RUNS_WITH_RESULTS + 1 && old.sets.length > 0 ? { ...old, sets: [] } : old,
        );
      return { ...state, runs: [...kept, run], running: action.id };
    }
    case 'lost':
      return end(state, action.code, action.message);
    case 'event':
      return onEvent(state, action.event);
  }
}

function end(state: ConsoleState, code: string, message: string): ConsoleState {
  // The first word on why it ended is the one that says it; the socket's close only follows.
  if (state.connection === 'ended') return state;
  return { ...state, connection: 'ended', ended: { code, message }, running: null, verdict: null };
}

function onEvent(state: ConsoleState, event: ConsoleEvent): ConsoleState {
  switch (event.type) {
    case 'ready':
      return { ...state, connection: 'ready', session: { id: event.sessionId, expiresAt: event.expiresAt } };
    case 'ended':
      return end(state, event.code, event.message);
    case 'verdict':
      return { ...state, verdict: { id: event.id, statements: event.statements } };
    case 'notice': {
      const { type: _type, id, ...notice } = event;
      return onRun(state, id, (run) => ({ ...run, notices: [...run.notices, notice] }));
    }
    case 'columns':
      return onRun(state, event.id, (run) => ({
        ...run,
        sets: [...run.sets, { columns: event.columns, rows: [], tag: null, truncated: false }],
      }));
    case 'rows':
      return onRun(state, event.id, (run) => {
        const last = run.sets.at(-1);
        if (!last) return run;
        return { ...run, sets: [...run.sets.slice(0, -1), { ...last, rows: last.rows.concat(event.rows) }] };
      });
    case 'complete':
      return onRun(state, event.id, (run) => {
        const last = run.sets.at(-1);
        const finished = { tag: event.tag, truncated: event.truncated };
        // A statement without rows of its own is a result too: its tag.
        if (!last || last.tag !== null) return { ...run, sets: [...run.sets, { columns: [], rows: [], ...finished }] };
        return { ...run, sets: [...run.sets.slice(0, -1), { ...last, ...finished }] };
      });
    case 'error': {
      const { type: _type, id, ...error } = event;
      return onRun(state, id, (run) => ({ ...run, error }));
    }
    case 'done': {
      const after = onRun(state, event.id, (run) => ({ ...run, durationMs: event.durationMs }));
      return { ...after, transaction: event.transaction, running: after.running === event.id ? null : after.running };
    }
  }
}

function onRun(state: ConsoleState, id: number, change: (run: Run) => Run): ConsoleState {
  const at = state.runs.findLastIndex((run) => run.id === id);
  if (at < 0) return state;
  return { ...state, runs: state.runs.with(at, change(state.runs[at]!)) };
}
