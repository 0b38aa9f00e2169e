import type { ByteSink, Frame } from '@taskgate/protocol-postgres';
import {
  ALWAYS_FAILS_STATEMENT,
  BACKEND_TAG,
  decodeBackendMessage,
  decodeErrorFields,
  decodeReadyForQuery,
  encodeCopyData,
  encodeCopyFail,
  encodeErrorFields,
  encodeFlush,
  encodeQuery,
  encodeSync,
  isCommandTag,
  parseCommandTag,
  violation,
} from '@taskgate/protocol-postgres';
import { recordUnrun, refuseAffected } from './admit-operation.ts';
import { cleanError, cleanNotice, tellsSetting, wholeText } from './clean-reply.ts';
import type { LimitReached } from './grant-budget.ts';
import type { OperationRun } from './operation-run.ts';
import { encodeAbort } from './plan-segment.ts';
import { type ExpectedReply, endsBlock } from './reply.ts';
import { portalShape } from './resolve-statement.ts';
import { ShapeMismatch } from './result-plan.ts';
import type { SessionState } from './session-state.ts';
import { encodeInterruption } from './statement-timer.ts';
import { changedRows, encodePassed, writesRows } from './write-budget.ts';

/** Ends the session with this limit as the reason: what the client was sent is within it. */
export class LimitPassed extends Error {
  override readonly name = 'LimitPassed';
}

export interface ReplyPorts {
  /** Bytes for the client, in order. */
  readonly send: (bytes: Uint8Array) => void;
  readonly toTarget: (parts: readonly Uint8Array[]) => void;
  /** Asks the target to cancel what runs. */
  readonly cancel: () => void;
}

/** Settings of the target that clients look at. Everything else that a server reports could be made to carry data. */
const SHOWN_PARAMETERS = new Set([
  'server_version',
  'server_encoding',
  'client_encoding',
  'DateStyle',
  'IntervalStyle',
  'TimeZone',
  'integer_datetimes',
  'standard_conforming_strings',
  'is_superuser',
  'default_transaction_read_only',
  'in_hot_standby',
  'application_name',
]);

export function isShownParameter(name: string): boolean {
  return SHOWN_PARAMETERS.has(name);
}

const NOTHING = (): void => undefined;
const LETTER_S = 0x53;
const MAX_HELD_BYTES = 16 * 1024 * 1024;

/** One message of the target: what the client gets of it, and what it means for what was forwarded. */
export function readReply(state: SessionState, frame: Frame, loud: ReplyPorts): void {
  const ports = state.withheld === null || frame.tag === BACKEND_TAG.ready ? loud : { ...loud, send: NOTHING };
  switch (frame.tag) {
    case BACKEND_TAG.notice:
      return readNotice(state, frame, ports);
    case BACKEND_TAG.notification:
      // A payload is data that no decision was made on.
      if (state.uncontained) ports.send(frame.raw);
      return;
    case BACKEND_TAG.parameterStatus: {
      if (state.uncontained) return ports.send(frame.raw);
      const message = decodeBackendMessage(frame);
      if (
        message.kind === 'parameter-status' &&
        isShownParameter(message.name) &&
        tellsSetting(state, state.replies[0], message)
      )
        ports.send(frame.raw);
      return;
    }
    case BACKEND_TAG.error:
      return readError(state, frame, ports);
    case BACKEND_TAG.ready:
      return readReady(state, frame, ports);
    default:
      return readAnswer(state, frame, ports);
  }
}

function readAnswer(state: SessionState, frame: Frame, ports: ReplyPorts): void {
  const head = state.replies[0];
  if (head === undefined) throw unexpected(frame);
  switch (head.kind) {
    case 'parse':
      return confirm(state, frame, BACKEND_TAG.parseComplete, head, ports);
    case 'bind':
      return confirm(state, frame, BACKEND_TAG.bindComplete, head, ports);
    case 'close':
      return confirm(state, frame, BACKEND_TAG.closeComplete, head, ports);
    case 'describe-statement':
      if (frame.tag === BACKEND_TAG.rowDescription)
        head.statement.shape = state.context.results.describe(head.statement.decided, frame.raw);
      else if (frame.tag !== BACKEND_TAG.noData && frame.tag !== BACKEND_TAG.parameterDescription)
        throw unexpected(frame);
      if (frame.tag !== BACKEND_TAG.parameterDescription) state.replies.shift();
      if (!head.swallow) ports.send(frame.raw);
      return;
    case 'describe-portal':
      state.replies.shift();
      if (frame.tag === BACKEND_TAG.rowDescription) {
        head.portal.shape = state.context.results.describe(head.portal.statement.decided, frame.raw);
        if (head.run !== null && head.run.held !== null) hold(head.run, frame.raw);
        else if (!head.swallow) ports.send(frame.raw);
      } else if (frame.tag === BACKEND_TAG.noData) {
        if (head.run === null && !head.swallow) ports.send(frame.raw);
      } else throw unexpected(frame);
      return;
    case 'execute':
      return readExecution(state, frame, head, ports);
    case 'query':
      return readQuery(state, frame, head, ports);
    case 'refusal':
    case 'sync':
      throw unexpected(frame);
  }
}

function confirm(
  state: SessionState,
  frame: Frame,
  tag: number,
  head: Extract<ExpectedReply, { kind: 'parse' | 'bind' | 'close' }>,
  ports: ReplyPorts,
): void {
  if (frame.tag !== tag) throw unexpected(frame);
  state.replies.shift();
  head.confirm();
  if (!head.swallow) ports.send(frame.raw);
}

/**
 * The rows that follow each other in a chunk, from the message at `at`: read without a frame each. Answers where it
 * stopped; what is not a row that can go on at once is left to {@link readReply}.
 */
export function takeRows(state: SessionState, chunk: Uint8Array, at: number, sink: ByteSink): number {
  if (chunk[at] !== BACKEND_TAG.dataRow && chunk[at] !== BACKEND_TAG.copyData) return at;
  const head = state.replies[0];
  const run = head === undefined || (head.kind === 'query' && head.failed) ? null : currentRun(head);
  if (run === null || run.held !== null || run.cut !== null || state.withheld !== null) return at;
  if (head?.kind === 'execute' && chunk[at] === BACKEND_TAG.dataRow && !run.described) describeExecution(state, head);
  if (chunk[at] === BACKEND_TAG.copyData && run.decided.operation.copy?.direction !== 'out' && !state.uncontained)
    return at;
  return run.takeRows(chunk, at, sink, state.budget);
}

function describeExecution(state: SessionState, { run, portal }: Extract<ExpectedReply, { kind: 'execute' }>): void {
  const shape = portalShape(portal) ?? (state.uncontained ? [] : null);
  if (shape === null) throw new ShapeMismatch('rows came without a description');
  run.describe(shape);
}

function readExecution(
  state: SessionState,
  frame: Frame,
  head: Extract<ExpectedReply, { kind: 'execute' }>,
  ports: ReplyPorts,
): void {
  const { run } = head;
  if (frame.tag === BACKEND_TAG.dataRow && !run.described) describeExecution(state, head);
  if (!readResult(state, frame, run, ports)) return;
  state.lastRun = run;
  state.replies.shift();
}

function readQuery(
  state: SessionState,
  frame: Frame,
  head: Extract<ExpectedReply, { kind: 'query' }>,
  ports: ReplyPorts,
): void {
  // A text that could not be parsed is one run, however many statements the target finds in it.
  const run = head.runs[head.current] ?? (state.uncontained ? head.runs.at(-1) : undefined);
  if (run === undefined || head.failed || frame.tag === BACKEND_TAG.portalSuspended) throw unexpected(frame);
  if (frame.tag === BACKEND_TAG.rowDescription) {
    // A second one would give the rows that follow other masks than those in front of it.
    if (run.described && !state.uncontained) throw unexpected(frame);
    run.describe(state.context.results.describe(run.result, frame.raw));
    return ports.send(frame.raw);
  }
  if (readResult(state, frame, run, ports)) head.current += 1;
}

/** A message of a result; true once the operation is over. */
function readResult(state: SessionState, frame: Frame, run: OperationRun, ports: ReplyPorts): boolean {
  switch (frame.tag) {
    case BACKEND_TAG.dataRow: {
      if (!admitRow(state, run, ports)) return false;
      const sent = run.row(frame.raw);
      state.budget.spendRow(sent.length);
      if (run.held !== null) hold(run, sent);
      else ports.send(sent);
      return false;
    }
    case BACKEND_TAG.commandComplete: {
      const message = decodeBackendMessage(frame);
      if (message.kind !== 'command-complete') throw unexpected(frame);
      if (state.copyIn === run) throw unexpected(frame);
      if (!isCommandTag(message.tag)) throw violation('the target sent a command tag that Postgres does not have');
      return complete(state, frame, run, message.tag, ports);
    }
    case BACKEND_TAG.portalSuspended:
      if (run.affectsMax !== null) throw new ShapeMismatch('a limited write stopped before its rows were counted');
      if (run.cut !== null) return passBudget(state, run, run.cut, null, ports);
      run.close('done', { tag: null });
      ports.send(frame.raw);
      return true;
    case BACKEND_TAG.functionResult:
      if (!state.uncontained) throw unexpected(frame);
      run.close('done', { tag: null });
      ports.send(frame.raw);
      return true;
    case BACKEND_TAG.emptyQuery:
      run.close('done', { tag: '' });
      ports.send(frame.raw);
      return true;
    case BACKEND_TAG.copyIn:
      if (run.decided.operation.copy?.direction !== 'in' && !state.uncontained)
        throw new ShapeMismatch('the target asks for data');
      if (state.withheld !== null) {
        // The client does not hear of it, and would never send any.
        ports.toTarget([encodeCopyFail('taskgate: the budget is used up')]);
        return false;
      }
      state.copyIn = run;
      ports.send(frame.raw);
      return false;
    case BACKEND_TAG.copyOut: {
      const copy = run.decided.operation.copy;
      const message = decodeBackendMessage(frame);
      if ((copy?.direction !== 'out' && !state.uncontained) || message.kind !== 'copy-out')
        throw new ShapeMismatch('the target copies out');
      run.describeCopy(message.columnFormats.length, message.format === 1 ? 'binary' : (copy?.format ?? 'text'));
      ports.send(frame.raw);
      return false;
    }
    case BACKEND_TAG.copyData: {
      if (run.decided.operation.copy?.direction !== 'out' && !state.uncontained) throw unexpected(frame);
      if (!admitRow(state, run, ports)) return false;
      const body = frame.raw.subarray(5);
      const sent = run.copyOut(body);
      state.budget.spendRow(sent.length);
      ports.send(sent === body ? frame.raw : encodeCopyData(sent));
      return false;
    }
    case BACKEND_TAG.copyDone:
      if (!run.copying) throw unexpected(frame);
      ports.send(frame.raw);
      return false;
    default:
      throw unexpected(frame);
  }
}

function complete(state: SessionState, frame: Frame, run: OperationRun, tag: string, ports: ReplyPorts): boolean {
  const { budget } = state;
  const changed = state.withheld === null ? changedRows(run, tag) : 0;
  const max = run.affectsMax;
  const affected = parseCommandTag(tag).rows;
  if (max !== null && (affected === null || affected > max))
    return rollBack(state, run, refuseAffected(state, run, affected ?? 0), ports);
  const reached = run.cut ?? (budget.fits(changed) ? null : budget.overshot(changed));
  if (reached !== null) return passBudget(state, run, reached, tag, ports);
  if (changed > 0) budget.spend('rows', changed);
  if (run.guarded && state.converted) {
    // Kept until the commit has succeeded: a deferred constraint can still fail it.
    ports.toTarget([encodeSync()]);
    state.replies.push({ kind: 'sync', converted: true });
    state.convertedRun = { run, tag, complete: frame.raw.slice() };
    return true;
  }
  for (const held of run.held ?? []) ports.send(held);
  run.held = null;
  run.close('done', { tag });
  ports.send(frame.raw);
  return true;
}

/** Nothing of a guarded write stands: it has not been committed. */
function rollBack(state: SessionState, run: OperationRun, error: Uint8Array, ports: ReplyPorts): true {
  run.held = null;
  state.replies.push({ kind: 'refusal', error, simple: false, answered: false });
  if (state.converted) {
    ports.toTarget([encodeAbort(), encodeSync()]);
    state.replies.push({ kind: 'sync', converted: true });
  } else ports.toTarget([encodeAbort(), encodeFlush()]);
  return true;
}

function hold(run: OperationRun, bytes: Uint8Array): void {
  run.heldBytes += bytes.length;
  if (run.heldBytes > MAX_HELD_BYTES)
    throw new ShapeMismatch('a limited write returns more than the gate can hold back');
  run.held?.push(bytes.slice());
}

/**
 * A write passed the budget. One that is guarded is rolled back. Inside a transaction block it is rolled back with it, at the
 * next ReadyForQuery; else it stands, and its error says so. What else its message gives is dropped.
 */
function passBudget(
  state: SessionState,
  run: OperationRun,
  reached: LimitReached,
  tag: string | null,
  ports: ReplyPorts,
): true {
  if (run.guarded) {
    run.close('withheld', { sqlstate: '53400', tag: null, message: reached.message });
    return rollBack(state, run, encodePassed(reached, 'rolled back'), ports);
  }
  run.close('withheld', { sqlstate: '53400', tag, message: reached.message });
  const extended = state.replies[0]?.kind === 'execute';
  const isUndone = state.transaction !== 'idle' && !state.replies.some(endsBlock);
  if (extended) tell(state, reached, isUndone, ports);
  // As behind any error: else a commit behind a Flush would let stand what its client was told is rolled back.
  if (extended && !state.replies.some(({ kind }) => kind === 'sync')) state.skipToSync = true;
  state.withheld = { reached, told: extended };
  return true;
}

function tell(state: SessionState, reached: LimitReached, isUndone: boolean, ports: ReplyPorts): void {
  if (!isUndone) state.budget.useUp('rows');
  ports.send(encodePassed(reached, isUndone ? 'rolled back' : 'executed, result withheld'));
}

/** Whether a row goes to the client. Ends the session where a read passed the budget; a write runs to its end. */
function admitRow(state: SessionState, run: OperationRun, ports: ReplyPorts): boolean {
  if (run.cut !== null || state.withheld !== null) return false;
  const { budget } = state;
  // INVARIANT: checked before it is counted, so that the limit itself is still sent and nothing above it.
  if (budget.hasRow) return true;
  const reached = budget.reached('rows')!;
  const head = state.replies[0];
  const runs = head?.kind === 'query' ? head.runs : [run];
  if (!runs.some(({ decided, result }) => writesRows(decided, result))) throw new LimitPassed(reached.message);
  run.cut = reached;
  // Where it is not too late, it is rolled back: what comes then says which of the two it was.
  if (!run.guarded) ports.cancel();
  return false;
}

/** Whether a message needs more of the budget than is reserved here: rows that it asks for, `null`: none. */
export function rowsLacking(state: SessionState, frame: Frame): number | null {
  const { budget, withheld } = state;
  const isRow = frame.tag === BACKEND_TAG.dataRow || frame.tag === BACKEND_TAG.copyData;
  if (isRow ? budget.hasRow : frame.tag !== BACKEND_TAG.commandComplete || budget.rows.limit === null) return null;
  const run = currentRun(state.replies[0]);
  if (run === null || run.cut !== null || withheld !== null) return null;
  if (isRow) return 1;
  // `SELECT 1`: what most operations end with changes no row.
  if (frame.raw[5] === LETTER_S) return null;
  const message = decodeBackendMessage(frame);
  const changed = message.kind === 'command-complete' ? changedRows(run, message.tag) : 0;
  return budget.fits(changed) ? null : changed;
}

function readReady(state: SessionState, frame: Frame, ports: ReplyPorts): void {
  const head = state.replies[0];
  state.transaction = decodeReadyForQuery(frame.raw);
  if (head === undefined) throw unexpected(frame);
  const { withheld } = state;
  if (head.kind === 'refusal' ? !(head.simple && head.answered) : head.kind !== 'sync' && head.kind !== 'query')
    throw unexpected(frame);
  // Statements without an answer would go on as if they had none to give.
  if (head.kind === 'query' && !head.failed && head.current < head.runs.length && !state.uncontained)
    throw unexpected(frame);
  state.replies.shift();
  state.lastRun = null;
  state.withheld = null;
  if (withheld !== null) {
    const isUndone = state.transaction !== 'idle' || (head.kind === 'query' && head.failed);
    if (!withheld.told) tell(state, withheld.reached, isUndone, ports);
    if (state.transaction === 'transaction') {
      ports.toTarget([encodeQuery(ALWAYS_FAILS_STATEMENT)]);
      state.replies.unshift({ kind: 'refusal', error: new Uint8Array(0), simple: true, answered: false });
      state.statements.forget('');
      state.portals.forget('');
      return;
    }
  }
  if (state.convertedRun !== null) {
    const { run, tag, complete } = state.convertedRun;
    for (const held of run.held ?? []) ports.send(held);
    ports.send(complete);
    run.close('done', { tag });
    state.convertedRun = null;
  }
  state.converted = false;
  state.batchOpen = false;
  state.blockEnded = false;
  state.statements.unstage();
  state.portals.unstage();
  // Portals end with their transaction; cursors may be declared WITH HOLD.
  if (state.transaction === 'idle') state.portals.clear((portal) => !portal.cursor);
  ports.send(frame.raw);
}

function readError(state: SessionState, frame: Frame, ports: ReplyPorts): void {
  const head = state.replies[0];
  state.copyIn = null;
  if (head?.kind === 'refusal' && !head.answered) {
    ports.send(head.error);
    if (head.simple) {
      head.answered = true;
      return;
    }
    state.replies.shift();
    return skipToSync(state, ports);
  }
  const atSync = head?.kind === 'sync' ? state.lastRun : null;
  const run = currentRun(head) ?? state.convertedRun?.run ?? convertedRun(state) ?? atSync ?? recordUnrun(state, head);
  const explainUrl = run === null ? null : state.ports.controlPlane.explainUrl(run.decisionId);
  const { fields, sqlstate, whole } = cleanError(state, head, decodeErrorFields(frame.raw), explainUrl);
  const cut = run?.cut ?? null;
  const interruption = sqlstate === '57014' ? state.interruption : null;
  if (cut !== null) ports.send(encodePassed(cut, 'rolled back'));
  else if (interruption !== null) ports.send(encodeInterruption(interruption));
  else ports.send(state.uncontained ? frame.raw : encodeErrorFields('error', fields));
  const failed = {
    sqlstate: cut !== null ? '53400' : (interruption?.sqlstate ?? sqlstate),
    message: cut?.message ?? interruption?.message ?? whole,
  };
  if (run?.closed === true) run.undo(failed);
  else run?.close(cut !== null ? 'withheld' : sqlstate === '57014' ? 'cancelled' : 'error', failed);
  if (head === undefined || head.kind === 'sync') {
    // At a Sync: the commit itself failed. Without anything awaited: the target is about to close.
    state.convertedRun = null;
    return;
  }
  if (head.kind === 'query') {
    head.failed = true;
    for (const later of head.runs.slice(head.current + 1)) later.close('skipped');
    return;
  }
  state.replies.shift();
  skipToSync(state, ports);
}

/** After an error the target drops everything up to the next Sync, and answers none of it. */
function skipToSync(state: SessionState, ports: ReplyPorts): void {
  while (state.replies.length > 0 && state.replies[0]!.kind !== 'sync')
    currentRun(state.replies.shift())?.close('skipped');
  state.statements.unstage();
  state.portals.unstage();
  if (state.replies.length > 0) return;
  if (state.converted) {
    ports.toTarget([encodeSync()]);
    state.replies.push({ kind: 'sync', converted: true });
  } else state.skipToSync = true;
}

function currentRun(reply: ExpectedReply | undefined): OperationRun | null {
  if (reply?.kind === 'execute') return reply.run;
  if (reply?.kind === 'query') return reply.runs[reply.current] ?? null;
  return null;
}

/** Of a simple query that the gate runs by the extended protocol: its parse and bind are its own. */
function convertedRun(state: SessionState): OperationRun | null {
  return state.converted ? (state.replies.map(currentRun).find((run) => run !== null) ?? null) : null;
}

function readNotice(state: SessionState, frame: Frame, ports: ReplyPorts): void {
  if (state.uncontained) return ports.send(frame.raw);
  const head = state.replies[0];
  const given = decodeErrorFields(frame.raw);
  const fields = cleanNotice(state, head, given);
  if (fields !== given) currentRun(head)?.note(`${given.get('V') ?? 'NOTICE'}:  ${wholeText(given)}`);
  if (fields !== null) ports.send(fields === given ? frame.raw : encodeErrorFields('notice', fields));
}

function unexpected(frame: Frame): Error {
  return violation(`the target sent ${String.fromCharCode(frame.tag)} where it was not expected`);
}
