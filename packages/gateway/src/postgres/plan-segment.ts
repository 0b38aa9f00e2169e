import { utf8DecodeLossy, utf8Encode } from '@taskgate/core';
import {
  ALWAYS_FAILS_STATEMENT,
  type BindMessage,
  decodeFrontendMessage,
  encodeBind,
  encodeDescribe,
  encodeError,
  encodeExecute,
  encodeFlush,
  encodeParse,
  encodeQuery,
  FRONTEND_TAG,
  type Frame,
  type FrontendMessage,
  ProtocolError,
} from '@taskgate/protocol-postgres';
import { admitOperation, type Candidate, decideByEstimate, recordRefusal } from './admit-operation.ts';
import type { DecidedStatement, Deciding } from './decision-context.ts';
import { gateDenial } from './gate-decision.ts';
import type { HoldPorts } from './hold-for-approval.ts';
import { largeObjectCall } from './large-object-call.ts';
import type { Portal, PreparedStatement } from './name-tables.ts';
import type { OperationRun } from './operation-run.ts';
import { type ExpectedReply, endsBlock } from './reply.ts';
import { executedByName, portalDecision, renewStatement, resolveStatement } from './resolve-statement.ts';
import type { SessionState } from './session-state.ts';
import { type Steps, settled } from './steps.ts';
import { needsGuard } from './write-budget.ts';

/** What goes to the target in one write, and what it will answer. */
export interface Segment {
  readonly out: readonly Uint8Array[];
  readonly replies: readonly ExpectedReply[];
  /** Messages of the client that wait until these replies have come. */
  readonly rest: readonly Frame[];
}

export interface PlanPorts {
  /** Asked when something is held. */
  readonly hold: () => HoldPorts;
  /** Decides a text; where a name is not in the catalog, looks at the target again first. */
  readonly decideText: (text: string) => Deciding;
}

/** Or perhaps outside of it: a guard does no harm inside. */
const isOutsideBlock = ({ transaction, blockEnded }: SessionState): boolean => transaction === 'idle' || blockEnded;
const NOTHING = (): void => undefined;
/** A failing Parse under a name of its own leaves the client's unnamed statement alone. */
const REFUSED_STATEMENT_NAME = 'taskgate_refused';
/**
 * NAMEDATALEN - 1: of a longer name the server keeps this much, so that two names of the client's would be one at the
 * server, and a statement would run under the decision made on another.
 */
const MAX_NAME_BYTES = 63;

const simpleRefusal = (error: Uint8Array): Segment => ({
  out: [encodeQuery(ALWAYS_FAILS_STATEMENT)],
  replies: [{ kind: 'refusal', error, simple: true, answered: false }],
  rest: [],
});

/** One simple query message (or a function call, answered alike). All its statements are decided before any is forwarded. */
export function* planQuery(state: SessionState, frame: Frame, ports: PlanPorts): Steps<Segment> {
  const message = decodeOrRefuse(frame, state.uncontained);
  if ('refusal' in message) return simpleRefusal(message.refusal);
  if (message.kind === 'function-call') return yield* planFunctionCall(state, frame, message, ports);
  if (message.kind !== 'query') throw new ProtocolError('08P01', 'not a query');
  // The server drops both with any simple query; and a limited write leaves its own text under the name.
  state.statements.forget('');
  state.portals.forget('');
  const candidate = (statement: DecidedStatement): Candidate => ({
    decided: statement,
    result: statement,
    onSuccess: NOTHING,
    parameters: [],
    parameterFormats: [],
    parameterTypes: [],
    via: 'simple',
  });
  const given = yield* settled(ports.decideText(message.text));
  // Beside others it stays decided as of unknown size.
  const alone = given.length === 1 ? yield* decideByEstimate(state, candidate(given[0]!), ports.hold) : null;
  const decided = alone === null ? given : [alone.decided];

  for (const statement of decided) {
    const byName = executedByName(statement, state);
    if (byName !== undefined) yield* settled(renewStatement(state, byName, ports.decideText));
  }
  const resolved = decided.map((statement) => resolveStatement(state, statement));
  const denied = resolved.find(({ decided: { decision } }) => decision.outcome === 'deny');
  if (denied !== undefined) {
    let shown: Uint8Array | null = null;
    for (const entry of resolved) {
      // Those beside the denied one are recorded as refused with it: nothing of the message runs.
      const isDenied = entry.decided.decision.outcome === 'deny';
      const decision = isDenied
        ? entry.decided.decision
        : gateDenial(
            'not-allowed',
            'another statement of the same message is not allowed',
            'send the statements one by one',
          );
      const error = recordRefusal(state, candidate(entry.decided), decision);
      if (isDenied) shown ??= error;
    }
    return simpleRefusal(shown!);
  }
  const special = resolved.find(
    ({ decided: { decision } }) => decision.outcome === 'hold' || decision.obligations.affectsMax !== null,
  );
  if (special !== undefined && resolved.length > 1)
    return simpleRefusal(
      recordRefusal(
        state,
        candidate(special.decided),
        gateDenial(
          'not-allowed',
          'a statement that is held or limited must be sent alone',
          'send it in a message of its own',
        ),
      ),
    );

  const runs: OperationRun[] = [];
  for (const entry of resolved) {
    const admission = yield* admitOperation(
      state,
      {
        ...candidate(entry.decided),
        result: entry.result,
        onSuccess: entry.onSuccess,
        ...(alone?.estimate === undefined ? {} : { estimate: alone.estimate }),
        guarded: resolved.length === 1 && isOutsideBlock(state) && needsGuard(state, entry.decided, entry.result),
      },
      ports.hold,
    );
    if ('refusal' in admission) {
      for (const run of runs) run.close('skipped');
      return simpleRefusal(admission.refusal);
    }
    runs.push(admission.run);
  }
  const only = runs.length === 1 ? runs[0]! : null;
  if (only?.guarded === true) return planGuardedWrite(state, message.text, only);
  return {
    out: [frame.raw],
    replies: [{ kind: 'query', text: message.text, runs, current: 0, failed: false }],
    rest: [],
  };
}

/** libpq reaches large objects by it; whatever else it may call is named by number, past every rule. */
function* planFunctionCall(
  state: SessionState,
  frame: Frame,
  message: Extract<FrontendMessage, { readonly kind: 'function-call' }>,
  ports: PlanPorts,
): Steps<Segment> {
  const text = state.uncontained ? largeObjectCall(message.functionOid, message.arguments.length) : null;
  if (text === null)
    return simpleRefusal(
      encodeError({
        severity: 'ERROR',
        sqlstate: '0A000',
        message: 'taskgate: the function call message is not allowed: it names a function by number, past every rule',
        hint: 'call the function in a select',
      }),
    );
  const [decided] = yield* settled(ports.decideText(text));
  const admission = yield* admitOperation(
    state,
    {
      decided: decided!,
      result: decided!,
      onSuccess: NOTHING,
      parameters: message.arguments,
      parameterFormats: message.argumentFormats,
      parameterTypes: [],
      via: 'simple',
    },
    ports.hold,
  );
  if ('refusal' in admission) return simpleRefusal(admission.refusal);
  return {
    out: [frame.raw],
    replies: [{ kind: 'query', text, runs: [admission.run], current: 0, failed: false }],
    rest: [],
  };
}

/**
 * A simple write with an `affects` limit, or whose rows could pass the budget, runs by the extended protocol and without
 * Sync, so that its implicit transaction stays open until the count is known.
 */
function planGuardedWrite(state: SessionState, text: string, run: OperationRun): Segment {
  state.converted = true;
  const statement: PreparedStatement = {
    text,
    parameterTypes: [],
    decided: run.decided,
    contextKey: state.context.key,
    shape: null,
    viaSql: false,
  };
  const portal: Portal = {
    statement,
    contextKey: state.context.key,
    parameters: [],
    parameterFormats: [],
    resultFormats: [],
    cursor: false,
    shape: null,
  };
  return {
    out: [
      encodeParse({ statement: '', text, parameterTypes: [] }),
      encodeBind({ portal: '', statement: '', parameterFormats: [], parameters: [], resultFormats: [] }),
      encodeDescribe('portal', ''),
      encodeExecute('', 0),
      encodeFlush(),
    ],
    replies: [
      { kind: 'parse', statement, confirm: NOTHING, swallow: true },
      { kind: 'bind', portal, confirm: NOTHING, swallow: true },
      // The row description is what a simple query would have given; "no data" it would not.
      { kind: 'describe-portal', portal, swallow: false, run },
      { kind: 'execute', run, portal },
    ],
    rest: [],
  };
}

/**
 * Messages of the extended protocol, up to a Sync or Flush where there is one. Ends early where the gate must see an
 * answer first: after a COPY FROM STDIN, after a write whose rows are limited, and at a refusal.
 */
export function* planExtended(state: SessionState, frames: readonly Frame[], ports: PlanPorts): Steps<Segment> {
  const out: Uint8Array[] = [];
  const replies: ExpectedReply[] = [];

  const refuse = (error: Uint8Array, at: number): Segment => {
    out.push(encodeAbort());
    replies.push({ kind: 'refusal', error, simple: false, answered: false });
    // What follows up to the Sync is skipped by the target as by the client: it is not sent at all.
    const sync = frames.findIndex((frame, index) => index >= at && frame.tag === FRONTEND_TAG.sync);
    if (sync === -1) out.push(encodeFlush());
    else {
      out.push(frames[sync]!.raw);
      replies.push({ kind: 'sync', converted: false });
    }
    return { out, replies, rest: sync === -1 ? [] : frames.slice(sync + 1) };
  };
  const unknownName = (what: string, name: string, sqlstate: string): Uint8Array =>
    encodeError({ severity: 'ERROR', sqlstate, message: `${what} "${name}" does not exist` });

  for (let index = 0; index < frames.length; index++) {
    const frame = frames[index]!;
    const message = decodeOrRefuse(frame);
    if ('refusal' in message) return refuse(message.refusal, index);
    if (!state.uncontained && hasLongName(message)) return refuse(nameTooLong(), index);
    switch (message.kind) {
      case 'parse': {
        const parsed = yield* planParse(state, message.text, message.parameterTypes, ports);
        if ('refusal' in parsed) return refuse(parsed.refusal, index);
        if (state.statements.full) return refuse(tooManyNames('prepared statements'), index);
        const { statement } = parsed;
        out.push(frame.raw);
        replies.push({
          kind: 'parse',
          statement,
          confirm: state.statements.stage(message.statement, statement),
          swallow: false,
        });
        if (!describesNext(frames[index + 1], message.statement)) {
          out.push(encodeDescribe('statement', message.statement));
          replies.push({ kind: 'describe-statement', statement, swallow: true });
        }
        break;
      }
      case 'bind': {
        const statement =
          state.statements.get(message.statement) ?? (yield* unseenStatement(state, message.statement, ports));
        if (statement === undefined)
          return refuse(unknownName('prepared statement', message.statement, '26000'), index);
        if (statement.contextKey !== state.context.key)
          yield* settled(renewStatement(state, statement, ports.decideText));
        if (state.portals.full) return refuse(tooManyNames('portals'), index);
        out.push(frame.raw);
        const portal = toPortal(state, statement, message);
        replies.push({ kind: 'bind', portal, confirm: state.portals.stage(message.portal, portal), swallow: false });
        break;
      }
      case 'describe': {
        if (message.target === 'statement') {
          const statement = state.statements.get(message.name) ?? (yield* unseenStatement(state, message.name, ports));
          if (statement === undefined) return refuse(unknownName('prepared statement', message.name, '26000'), index);
          out.push(frame.raw);
          replies.push({ kind: 'describe-statement', statement, swallow: false });
        } else {
          const portal = state.portals.get(message.name) ?? (yield* unseenPortal(state, message.name, ports));
          if (portal === undefined) return refuse(unknownName('portal', message.name, '34000'), index);
          out.push(frame.raw);
          replies.push({ kind: 'describe-portal', portal, swallow: false, run: null });
        }
        break;
      }
      case 'execute': {
        const portal = state.portals.get(message.portal) ?? (yield* unseenPortal(state, message.portal, ports));
        if (portal === undefined) return refuse(unknownName('portal', message.portal, '34000'), index);
        const byName = executedByName(portal.statement.decided, state);
        if (byName !== undefined) yield* settled(renewStatement(state, byName, ports.decideText));
        const bound = portalDecision(state, portal);
        const candidate: { -readonly [K in keyof Candidate]: Candidate[K] } = {
          decided: bound,
          result: portal.statement.decided,
          onSuccess: NOTHING,
          parameters: portal.parameters,
          parameterFormats: portal.parameterFormats,
          parameterTypes: portal.statement.parameterTypes,
          via: 'extended',
          guarded: false,
        };
        if (bound.dependsOnEstimate === true) {
          const { decided, estimate } = yield* decideByEstimate(state, candidate, ports.hold);
          candidate.decided = decided;
          if (estimate !== undefined) candidate.estimate = estimate;
        }
        const resolved =
          portal.ran === undefined
            ? resolveStatement(state, candidate.decided)
            : { decided: candidate.decided, result: portal.ran, onSuccess: NOTHING };
        candidate.decided = resolved.decided;
        candidate.result = resolved.result;
        candidate.onSuccess = resolved.onSuccess;
        candidate.guarded =
          (isOutsideBlock(state) || replies.some(endsBlock)) && needsGuard(state, resolved.decided, resolved.result);
        const admission = yield* admitOperation(state, candidate, ports.hold);
        if ('refusal' in admission) return refuse(admission.refusal, index);
        const { run } = admission;
        // INVARIANT: the server goes on with the rows that it began to give, whatever the name stands for by then.
        if (resolved.result !== resolved.decided) portal.ran = resolved.result;
        if (portal.cursor || portal.statement.viaSql || resolved.result !== resolved.decided) {
          // Made by SQL, or rows of what a name stands for now: nobody has asked the server for that shape yet.
          out.push(encodeDescribe('portal', message.portal));
          replies.push({ kind: 'describe-portal', portal, swallow: true, run: null });
        }
        // A write that returns rows is done before its first row is fetched: asked for in parts, it would be counted late.
        const isCounted = run.affectsMax !== null || needsGuard(state, resolved.decided, resolved.result);
        out.push(isCounted ? encodeExecute(message.portal, 0) : frame.raw);
        replies.push({ kind: 'execute', run, portal });
        const copiesIn = run.decided.operation.copy?.direction === 'in';
        if (copiesIn || run.guarded) {
          out.push(encodeFlush());
          return { out, replies, rest: frames.slice(index + 1) };
        }
        break;
      }
      case 'close':
        out.push(frame.raw);
        replies.push({
          kind: 'close',
          confirm:
            message.target === 'statement'
              ? state.statements.stage(message.name, null)
              : state.portals.stage(message.name, null),
          swallow: false,
        });
        break;
      case 'flush':
        out.push(frame.raw);
        break;
      case 'sync':
        out.push(frame.raw);
        replies.push({ kind: 'sync', converted: false });
        break;
      case 'copy-data':
      case 'copy-done':
      case 'copy-fail':
        // Left over from a COPY that failed: the server ignores them, and so do we.
        break;
      default:
        throw new ProtocolError('08P01', `a ${message.kind} message does not belong here`);
    }
  }
  const last = frames.at(-1)?.tag;
  if (last !== FRONTEND_TAG.sync && last !== FRONTEND_TAG.flush) out.push(encodeFlush());
  return { out, replies, rest: [] };
}

function* planParse(
  state: SessionState,
  text: string,
  parameterTypes: readonly number[],
  ports: PlanPorts,
): Steps<{ readonly statement: PreparedStatement } | { readonly refusal: Uint8Array }> {
  const decided = yield* settled(ports.decideText(text));
  const refuse = (statement: DecidedStatement, denial = statement.decision): { readonly refusal: Uint8Array } => ({
    refusal: recordRefusal(
      state,
      {
        decided: statement,
        result: statement,
        onSuccess: NOTHING,
        parameters: [],
        parameterFormats: [],
        parameterTypes: [],
        via: 'extended',
      },
      denial,
    ),
  });
  const [first] = decided;
  if (first === undefined || (decided.length !== 1 && !state.uncontained))
    return first === undefined
      ? { refusal: encodeError({ severity: 'ERROR', sqlstate: '42601', message: 'nothing to prepare' }) }
      : refuse(
          first,
          gateDenial('not-understood', 'a prepared statement holds one statement', 'send the statements one by one'),
        );
  // Where it depends on an estimate, that is asked for with its parameters, when it is executed.
  if (first.decision.outcome === 'deny' && first.dependsOnEstimate !== true) return refuse(first);
  return {
    statement: { text, parameterTypes, decided: first, contextKey: state.context.key, shape: null, viaSql: false },
  };
}

/** Where nothing is contained, a name that the gate has not seen made is the target's to know. In SQL's words, for the record. */
function* unseenStatement(
  state: SessionState,
  name: string,
  ports: PlanPorts,
  word = 'execute',
): Steps<PreparedStatement | undefined> {
  if (!state.uncontained) return undefined;
  const [decided] = yield* settled(ports.decideText(`${word} ${quoteName(name)}`));
  return { text: '', parameterTypes: [], decided: decided!, contextKey: state.context.key, shape: null, viaSql: true };
}

function* unseenPortal(state: SessionState, name: string, ports: PlanPorts): Steps<Portal | undefined> {
  const statement = yield* unseenStatement(state, name, ports, 'fetch from');
  return statement === undefined
    ? undefined
    : {
        statement,
        contextKey: state.context.key,
        parameters: [],
        parameterFormats: [],
        resultFormats: [],
        cursor: true,
        shape: null,
      };
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The client asks itself for what the gate needs to know: the shape is asked for once. */
function describesNext(next: Frame | undefined, statement: string): boolean {
  if (next === undefined || next.tag !== FRONTEND_TAG.describe) return false;
  const message = decodeFrontendMessage(next);
  return message.kind === 'describe' && message.target === 'statement' && message.name === statement;
}

function toPortal(state: SessionState, statement: PreparedStatement, bind: BindMessage): Portal {
  return {
    statement,
    contextKey: state.context.key,
    // One that has a name stays: it must not keep all that came with it. Of the unnamed one there is one.
    parameters: bind.portal === '' ? bind.parameters : bind.parameters.map((value) => value && new Uint8Array(value)),
    parameterFormats: bind.parameterFormats,
    resultFormats: bind.resultFormats,
    cursor: false,
    shape: null,
  };
}

function hasLongName(message: FrontendMessage): boolean {
  switch (message.kind) {
    case 'parse':
      return isTooLong(message.statement);
    case 'bind':
      return isTooLong(message.portal) || isTooLong(message.statement);
    case 'execute':
      return isTooLong(message.portal);
    case 'describe':
    case 'close':
      return isTooLong(message.name);
    default:
      return false;
  }
}

/** A character has three bytes of UTF-8 at most for each of its UTF-16 units. */
function isTooLong(name: string): boolean {
  return name.length * 3 > MAX_NAME_BYTES && utf8Encode(name).length > MAX_NAME_BYTES;
}

function nameTooLong(): Uint8Array {
  return encodeError({
    severity: 'ERROR',
    sqlstate: '42622',
    message: `a name of a statement or portal may have at most ${MAX_NAME_BYTES} bytes`,
    hint: 'choose a shorter name',
  });
}

function tooManyNames(what: string): Uint8Array {
  return encodeError({
    severity: 'ERROR',
    sqlstate: '53400',
    message: `too many ${what} in this session`,
    hint: 'close those that are not needed',
  });
}

/** A text that is no text (NUL, invalid UTF-8) refuses its message; broken framing throws and ends the session. */
function decodeOrRefuse(frame: Frame, lossy = false): FrontendMessage | { readonly refusal: Uint8Array } {
  try {
    return decodeFrontendMessage(frame);
  } catch (error) {
    // The target takes the text in an encoding that the client has set, or says itself what is wrong with it.
    if (lossy && frame.tag === FRONTEND_TAG.query && error instanceof ProtocolError && error.sqlstate === '22021')
      return { kind: 'query', text: utf8DecodeLossy(frame.raw.subarray(5, -1)) };
    if (error instanceof ProtocolError && error.sqlstate === '22021')
      return { refusal: encodeError({ severity: 'ERROR', sqlstate: '22021', message: error.message }) };
    throw error;
  }
}

/** Sent in place of what is refused, and where a limited write passed its limit: aborts what the target has open. */
export function encodeAbort(): Uint8Array {
  return encodeParse({ statement: REFUSED_STATEMENT_NAME, text: ALWAYS_FAILS_STATEMENT, parameterTypes: [] });
}
