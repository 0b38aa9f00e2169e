import { hash } from 'node:crypto';
import {
  createId,
  type Decision,
  type Reason,
  type RuleReference,
  type SqlOperation,
  TaskgateError,
  utf8DecodeLossy,
} from '@taskgate/core';
import { type BindMessage, encodeDenial, encodeError, parseCommandTag } from '@taskgate/protocol-postgres';
import { RECORDING_LIMITS, type StatementEvent } from '@taskgate/recording';
import type { DryRunEffect } from '../control-plane.ts';
import { planSample, readSample, type SamplePlan, unsampled } from './change-sample.ts';
import type { DecidedStatement } from './decision-context.ts';
import {
  canAsk,
  estimateRows,
  type ForeseePorts,
  primaryKeyOf,
  runAndUndo,
  type StatementEstimate,
} from './foresee-effect.ts';
import { gateDenial } from './gate-decision.ts';
import { type HoldPorts, holdForApproval } from './hold-for-approval.ts';
import { OperationRun } from './operation-run.ts';
import type { ExpectedReply } from './reply.ts';
import type { SessionState } from './session-state.ts';
import { type Steps, settled } from './steps.ts';
import type { Answer, Question } from './target-questions.ts';
import { writesRows } from './write-budget.ts';

/** Not supported, or not allowed: the target may take the statement all the same, and not what the gate has made of it. */
const NOT_AS_MADE = /^(?:0A|42)/;
const NOTHING = (): void => undefined;

/** Something about to be executed, decided and resolved to what its rows will be. */
export interface Candidate {
  readonly decided: DecidedStatement;
  /** Whose rows come back; differs from `decided` for SQL-level execute and fetch. */
  readonly result: DecidedStatement;
  readonly onSuccess: () => void;
  readonly parameters: readonly (Uint8Array | null)[];
  readonly parameterFormats: BindMessage['parameterFormats'];
  readonly parameterTypes: readonly number[];
  readonly via: 'simple' | 'extended' | 'console' | 'dry-run';
  /** Where the planner was asked already. */
  readonly estimate?: StatementEstimate | null;
  /** Runs inside a transaction that the gate keeps open until its rows are counted. */
  readonly guarded?: boolean;
}

export type Admission = { readonly run: OperationRun } | { readonly refusal: Uint8Array };

/**
 * The one door: records the operation with its decision, waits where it is held, and gives either a run to forward or
 * the error to show. INVARIANT: whoever gets a run commits the recorder before a byte of it goes to the target.
 */
export function* admitOperation(
  state: SessionState,
  candidate: Candidate,
  holdPorts: () => HoldPorts,
): Steps<Admission> {
  const { decided } = candidate;
  const { budget } = state;
  while (!budget.hasStatement) if (!(yield* settled(budget.moreStatements()))) break;
  const decision =
    decided.decision.outcome === 'deny' ? decided.decision : (budgetDenial(state, candidate) ?? decided.decision);
  const decisionId = recordOperation(state, candidate, decision);
  if (decision.outcome === 'deny') return { refusal: refuse(state, decisionId, decided, decision, 'refused') };
  if (decision.outcome === 'hold') {
    const hold = holdPorts();
    const foreseen = yield* settled(foresee(state, candidate, hold));
    const holding = holdForApproval(
      state,
      {
        decisionId,
        decided,
        parameters: candidate.parameters.map(toRecordedParameter(candidate.parameterFormats)),
        parameterFormats: candidate.parameterFormats,
        ...foreseen,
      },
      hold,
    );
    const denial = yield* settled(holding);
    if (denial !== null) {
      if (hold.cancelled.aborted) {
        closeRefused(state, decisionId, decided, 'cancelled', '57014');
        return {
          refusal: encodeError({
            severity: 'ERROR',
            sqlstate: '57014',
            message: 'canceling statement due to user request',
          }),
        };
      }
      return { refusal: refuse(state, decisionId, decided, denial, 'refused') };
    }
  }
  return { run: runOf(state, decisionId, candidate) };
}

function budgetDenial(state: SessionState, { decided, result }: Candidate): Decision | null {
  const { budget } = state;
  const limit = budget.hasStatement ? null : budget.reached();
  if (limit !== null) return gateDenial(limit.code, limit.message, 'activate the task again for a new grant');
  const hides = decided.operation.hidesWrites === true || result.operation.hidesWrites === true;
  if (!hides || budget.rows.limit === null) return null;
  return gateDenial(
    'affects-not-countable',
    `this grant may touch ${budget.rows.limit} rows, and the server does not count the rows of a write in a WITH or under EXPLAIN`,
    'send each insert, update, delete or merge as a statement of its own',
  );
}

const questionOf = ({ decided, parameterTypes, parameters, parameterFormats }: Candidate): Question => ({
  text: decided.operation.text,
  parameterTypes,
  parameters,
  parameterFormats,
});

/** Decides a statement whose decision depends on how many rows the planner expects. */
export function* decideByEstimate(
  state: SessionState,
  candidate: Candidate,
  holdPorts: () => HoldPorts,
): Steps<{ readonly decided: DecidedStatement; readonly estimate?: StatementEstimate | null }> {
  const { decided } = candidate;
  if (decided.dependsOnEstimate !== true) return { decided };
  const { operation } = decided;
  const estimate = yield* settled(estimateRows(state, operation, questionOf(candidate), foreseePorts(holdPorts())));
  return { decided: { operation, decision: state.context.decideOperation(operation, estimate?.rows) }, estimate };
}

const foreseePorts = ({ questions, cancelled }: HoldPorts): ForeseePorts => ({ questions, signal: cancelled });

/** For whoever decides on a held statement: what it is expected to do and, where its task wants that, what it did in a dry run. */
async function foresee(
  state: SessionState,
  candidate: Candidate,
  ports: HoldPorts,
): Promise<{ readonly estimate: StatementEstimate | null; readonly dryRun: DryRunEffect | null }> {
  const { operation, decision } = candidate.decided;
  const question = questionOf(candidate);
  const foreseeing = foreseePorts(ports);
  const estimate =
    candidate.estimate === undefined ? await estimateRows(state, operation, question, foreseeing) : candidate.estimate;
  if (decision.obligations.dryRun !== true || !writesRows(candidate.decided) || !canAsk(state, operation))
    return { estimate, dryRun: null };
  const plan = await planSample(operation, {
    context: state.context,
    recordsResults: state.runPorts.recordResults,
    primaryKey: (oid) => primaryKeyOf(state, oid, foreseeing),
  });
  if ('why' in plan) return { estimate, dryRun: await tryOut(state, candidate, plan.why, foreseeing) };
  const sampled = await tryOutSampled(state, candidate, plan, foreseeing);
  const dryRun =
    sampled === 'unreadable' || NOT_AS_MADE.test(sampled?.sqlstate ?? '')
      ? await tryOut(state, candidate, 'the target does not give the rows of this statement', foreseeing)
      : sampled;
  return { estimate, dryRun };
}

async function tryOut(
  state: SessionState,
  candidate: Candidate,
  why: string,
  ports: ForeseePorts,
): Promise<DryRunEffect | null> {
  const run = await recordDryRun(state, candidate, candidate.decided, null);
  const answer = await runAndUndo(state, questionOf(candidate), ports);
  return closeDryRun(run, answer, ({ tag }) => ({ rows: parseCommandTag(tag!).rows, sample: unsampled(why) }));
}

async function tryOutSampled(
  state: SessionState,
  candidate: Candidate,
  plan: SamplePlan,
  ports: ForeseePorts,
): Promise<DryRunEffect | null | 'unreadable'> {
  const run = await recordDryRun(state, candidate, plan.result, plan.text);
  const answer = await runAndUndo(state, { ...questionOf(candidate), text: plan.text, describes: true }, ports);
  const effect = closeDryRun(run, answer, (given) => readSample(plan, given, run, state.context));
  return effect === null && answer !== null ? 'unreadable' : effect;
}

/** INVARIANT: as with any operation, its record is durable before a byte of it leaves. `text`: what is sent, where it is another. */
async function recordDryRun(
  state: SessionState,
  candidate: Candidate,
  result: DecidedStatement,
  text: string | null,
): Promise<OperationRun> {
  const { operation } = result;
  const { decision } = candidate.decided;
  const tried: DecidedStatement = {
    operation: { ...operation, label: `DRY RUN ${operation.label}`, text: text ?? operation.text },
    decision: {
      ...decision,
      outcome: 'allow',
      approvals: null,
      reasons: [dryRunReason(decision.reasons[0]!.rule)],
    },
  };
  const decisionId = recordOperation(state, { ...candidate, decided: tried, via: 'dry-run' }, tried.decision);
  await new Promise<void>((resolve, reject) => {
    state.recorder.commit((error) => (error === null ? resolve() : reject(error)));
  });
  return new OperationRun({
    decisionId,
    decided: tried,
    result,
    onSuccess: NOTHING,
    guarded: true,
    // The client is not shown its columns.
    ports: { ...state.runPorts, onShape: NOTHING },
  });
}

/** `null`: the session ended, or what came cannot be read. */
function closeDryRun(
  run: OperationRun,
  answer: Answer | null,
  read: (answer: Answer) => Pick<DryRunEffect, 'rows' | 'sample'> | null,
): DryRunEffect | null {
  if (answer === null) {
    run.close('skipped');
    return null;
  }
  const { sqlstate, notices } = answer;
  if (sqlstate !== null) {
    run.close('error', { sqlstate });
    return { rows: null, sqlstate, notices, sample: unsampled('it failed') };
  }
  const found = read(answer);
  run.close('withheld', { tag: null, message: `it changed ${found?.rows ?? 'some'} rows and was rolled back` });
  return found === null ? null : { ...found, sqlstate, notices };
}

const dryRunReason = (rule: RuleReference): Reason => ({
  code: 'dry-run',
  rule,
  message: 'it is run to show the reviewer what it would do, and rolled back',
  wouldAllow: null,
  position: null,
});

function runOf(
  state: SessionState,
  decisionId: string,
  { decided, result, onSuccess, guarded }: Pick<Candidate, 'decided' | 'result' | 'onSuccess' | 'guarded'>,
): OperationRun {
  const counted = guarded === true || decided.decision.obligations.affectsMax !== null;
  return new OperationRun({ decisionId, decided, result, onSuccess, guarded: counted, ports: state.runPorts });
}

/** Records a refusal that never becomes an operation of its own (a parse that is denied, a protocol message). */
export function recordRefusal(state: SessionState, candidate: Candidate, decision: Decision): Uint8Array {
  const decisionId = recordOperation(state, candidate, decision);
  return refuse(state, decisionId, candidate.decided, decision, 'refused');
}

/**
 * A statement that the target refused before it ran (a parse, a bind or a description that failed), so that what the
 * target said of it has a place in the recording; `null` where nothing of the kind was asked.
 */
export function recordUnrun(state: SessionState, reply: ExpectedReply | undefined): OperationRun | null {
  const portal = reply?.kind === 'bind' || reply?.kind === 'describe-portal' ? reply.portal : null;
  const statement =
    reply?.kind === 'parse' || reply?.kind === 'describe-statement' ? reply.statement : (portal?.statement ?? null);
  if (statement === null) return null;
  const { decided } = statement;
  const candidate: Candidate = {
    decided,
    result: decided,
    onSuccess: NOTHING,
    parameters: portal?.parameters ?? [],
    parameterFormats: portal?.parameterFormats ?? [],
    parameterTypes: [],
    via: 'extended',
  };
  return runOf(state, recordOperation(state, candidate, decided.decision), candidate);
}

function refuse(
  state: SessionState,
  decisionId: string,
  decided: DecidedStatement,
  decision: Decision,
  outcome: 'refused' | 'cancelled',
): Uint8Array {
  closeRefused(state, decisionId, decided, outcome, '42501');
  return encodeDenial(decision, {
    explainUrl: state.ports.controlPlane.explainUrl(decisionId),
    statement: decided.operation.text,
  });
}

function closeRefused(
  state: SessionState,
  decisionId: string,
  decided: DecidedStatement,
  outcome: 'refused' | 'cancelled',
  sqlstate: string,
): void {
  runOf(state, decisionId, { decided, result: decided, onSuccess: NOTHING }).close(outcome, { sqlstate });
}

/** The error for a run whose `affects` limit was passed; its outcome says that nothing of it stands. */
export function refuseAffected(state: SessionState, run: OperationRun, affected: number): Uint8Array {
  const max = run.affectsMax!;
  const rule = run.decided.decision.reasons[0]!.rule;
  const decision: Decision = {
    ...gateDenial('affects-exceeded', ''),
    reasons: [
      {
        code: 'affects-exceeded',
        rule,
        message: `it touched ${affected} rows, and the rule lets it touch ${max}; it was rolled back`,
        wouldAllow: `a condition that matches at most ${max} ${max === 1 ? 'row' : 'rows'}`,
        position: null,
      },
    ],
  };
  run.close('withheld', { sqlstate: '42501', tag: null, message: decision.reasons[0]!.message });
  return encodeDenial(decision, { explainUrl: state.ports.controlPlane.explainUrl(run.decisionId) });
}

function recordOperation(state: SessionState, candidate: Candidate, decision: Decision): string {
  const { operation } = candidate.decided;
  // Refused ones count too: else a grant could fill the spool with refusals.
  if (state.budget.statements.left > 0) state.budget.spend('statements', 1);
  if (state.recorder.failed) throw new TaskgateError('record-unavailable', 'the recording cannot be written');
  const decisionId = createId('dec', state.ports.clock.now(), state.ports.randomBytes);
  const parameters = candidate.parameters.map(toRecordedParameter(candidate.parameterFormats));
  const truncated = parameters.some((value) => value !== null && value.length > RECORDING_LIMITS.maxParameterBytes);
  const shortened = truncated
    ? parameters.map((value) => (value === null ? null : clip(value, RECORDING_LIMITS.maxParameterBytes)))
    : parameters;
  // Decided otherwise than by its text alone (a limit, say), it is a statement of its own.
  const key = decision === candidate.decided.decision ? candidate.decided : decision;
  const statementId = state.recorder.statementId(key, () => describeStatement(state, operation, decision));
  state.recorder.append({
    kind: 'operation',
    decisionId,
    statementId,
    via: state.via === 'console' && candidate.via !== 'dry-run' ? 'console' : candidate.via,
    secret: truncated ? { parameters: shortened, truncated } : { parameters: shortened },
  });
  if (candidate.via !== 'dry-run') state.observer?.onDecision(decisionId, candidate.decided, decision);
  return decisionId;
}

function describeStatement(
  state: SessionState,
  operation: SqlOperation,
  decision: Decision,
): Omit<StatementEvent, 'kind' | 'id'> {
  const statement = clip(operation.text, RECORDING_LIMITS.maxStatementBytes);
  return {
    statementClass: operation.statementClass,
    label: operation.label,
    relations: state.context.reachOf(operation),
    decision: { outcome: decision.outcome, reasons: decision.reasons },
    catalogVersion: state.context.catalog.version,
    fingerprint: hash('sha256', operation.text, 'hex'),
    secret: { statement, ...(statement.length < operation.text.length ? { truncated: true } : {}) },
  };
}

function clip(text: string, max: number): string {
  return text.length > max ? text.slice(0, max) : text;
}

/** Text, or `\x` and hex where the client sent it as binary. */
function toRecordedParameter(formats: readonly number[]): (value: Uint8Array | null, index: number) => string | null {
  return (value, index) => {
    if (value === null) return null;
    const format = formats.length === 0 ? 0 : formats.length === 1 ? formats[0] : formats[index];
    if (format !== 1) return utf8DecodeLossy(value);
    return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
  };
}
