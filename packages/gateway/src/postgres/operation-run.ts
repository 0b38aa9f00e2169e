import type { Clock } from '@taskgate/core';
import { utf8DecodeLossy } from '@taskgate/core';
import { type CopyRowMasker, createCopyRowMasker } from '@taskgate/masking';
import {
  BACKEND_TAG,
  ByteSink,
  eachDataRowValue,
  type FieldDescription,
  parseCommandTag,
  rewriteDataRow,
} from '@taskgate/protocol-postgres';
import { JsonBytes, type OperationOutcome, RECORDING_LIMITS } from '@taskgate/recording';
import type { SessionRecorder } from '../recording/session-recorder.ts';
import type { DecidedStatement, DecisionContext } from './decision-context.ts';
import type { GrantBudget, LimitReached } from './grant-budget.ts';
import { fitsOutput } from './result-masks.ts';
import { type ResultPlan, ShapeMismatch, type ShownColumn } from './result-plan.ts';

interface OutcomeDetails {
  readonly tag?: string | null;
  readonly sqlstate?: string | null;
  readonly message?: string | null;
}

const MAX_NOTES = 100;
const MAX_NOTE_CHARACTERS = 2_000;

export interface RunPorts {
  readonly recorder: SessionRecorder;
  readonly clock: Clock;
  readonly recordResults: boolean;
  readonly onShape: (decisionId: string, columns: readonly ShownColumn[]) => void;
  readonly context: () => DecisionContext;
}

const HEADER_BYTES = 5;
/** The last of a COPY's recording is not filled up with what happens to be short. */
const COPY_REST_BYTES = 4 * 1024;

/** The end of the message with this tag that lies whole in `chunk` from `at`; 0 where there is none. */
function wholeEnd(chunk: Uint8Array, at: number, tag: number): number {
  if (chunk.length - at < HEADER_BYTES || chunk[at] !== tag) return 0;
  const length = (chunk[at + 1]! << 24) | (chunk[at + 2]! << 16) | (chunk[at + 3]! << 8) | chunk[at + 4]!;
  const end = at + 1 + length;
  return length < 4 || end > chunk.length ? 0 : end;
}

/** One operation on its way through the target: masks its result, counts it, records what the client was sent. */
export class OperationRun {
  readonly decisionId: string;
  readonly decided: DecidedStatement;
  /** Whose result it is: for fetch and execute that of another statement. */
  readonly result: DecidedStatement;
  /** Called when the target confirms that it is done. */
  readonly onSuccess: () => void;
  /** Not committed before its rows are counted: what passes a limit is rolled back. */
  readonly guarded: boolean;
  /** Set where its result passed the grant's budget: what comes of it from here on is dropped. */
  cut: LimitReached | null = null;
  /** Frames held back until `affects` has been checked; `null`: passed on at once. */
  held: Uint8Array[] | null;
  heldBytes = 0;
  rows = 0;
  bytes = 0;
  maskedCells = 0;
  closed = false;
  /** The target has begun to copy out. */
  copying = false;
  readonly #ports: RunPorts;
  readonly #startedAt: number;
  #plan: ResultPlan | null = null;
  /** Of a shape that the recording has already. */
  #shapeId: number | null = null;
  #copyMasker: CopyRowMasker | null = null;
  #recordedRows = 0;
  #recordedBytes = 0;
  #pendingRows = 0;
  #rowsJson: JsonBytes | null = null;
  #pendingBytes = 0;
  #copyText: string[] = [];
  #copyLines = 0;
  #copyDirection: 'in' | 'out' = 'out';
  #notes: string[] = [];

  constructor(options: {
    readonly decisionId: string;
    readonly decided: DecidedStatement;
    readonly result: DecidedStatement;
    readonly onSuccess: () => void;
    readonly guarded: boolean;
    readonly ports: RunPorts;
  }) {
    this.decisionId = options.decisionId;
    this.decided = options.decided;
    this.result = options.result;
    this.onSuccess = options.onSuccess;
    this.guarded = options.guarded;
    this.held = options.decided.decision.obligations.affectsMax === null ? null : [];
    this.#ports = options.ports;
    this.#startedAt = options.ports.clock.monotonicMs();
  }

  get affectsMax(): number | null {
    return this.decided.decision.obligations.affectsMax;
  }

  get described(): boolean {
    return this.#plan !== null;
  }

  /** The columns that rows will have. Throws {@link ShapeMismatch} where they are not those decided on. */
  describe(fields: readonly FieldDescription[]): void {
    if (this.result.operation.copy !== null && !this.#ports.context().policies.unrestricted)
      throw new ShapeMismatch('rows came where a copy was decided on');
    const plan = this.#ports.context().results.plan(this.result, fields);
    this.#plan = plan;
    const shape = this.#ports.recorder.shapeId(plan);
    if (shape.known) this.#shapeId = shape.id;
    else
      this.#ports.recorder.append({
        kind: 'shape',
        decisionId: this.decisionId,
        id: shape.id,
        columns: plan.columns,
      });
    this.#ports.onShape(this.decisionId, plan.columns);
  }

  /**
   * Puts what the client is to get of the whole DataRows (or CopyData) that follow each other from `start` into `sink`,
   * as far as the budget goes; answers where it stopped.
   */
  takeRows(chunk: Uint8Array, start: number, sink: ByteSink, budget: GrantBudget): number {
    const copies = chunk[start] === BACKEND_TAG.copyData;
    if (copies ? !this.copying : this.#plan === null) return start;
    const tag = copies ? BACKEND_TAG.copyData : BACKEND_TAG.dataRow;
    let at = start;
    let from = sink.length;
    if (copies ? this.#copyMasker === null && this.#copyRecorded : this.#plan?.masker === null && this.#rowsRecorded)
      return this.#pass(chunk, start, sink, budget);
    try {
      for (let end = wholeEnd(chunk, at, tag); end > 0 && budget.hasRow; end = wholeEnd(chunk, at, tag)) {
        from = sink.length;
        if (copies) this.#putCopy(chunk, at, end, sink);
        else this.#putRow(chunk, at, end, sink);
        budget.spendRow(sink.length - from - (copies ? HEADER_BYTES : 0));
        at = end;
      }
    } catch (error) {
      // Half a row must not stand in front of the error that ends the session.
      sink.length = from;
      throw error;
    }
    return at;
  }

  /** Nothing is masked and no more recorded: the rows go on together. */
  #pass(chunk: Uint8Array, start: number, sink: ByteSink, budget: GrantBudget): number {
    const tag = chunk[start]!;
    // Of a copy its rows are counted, of a result its messages.
    const uncounted = tag === BACKEND_TAG.copyData ? HEADER_BYTES : 0;
    let at = start;
    try {
      for (let end = wholeEnd(chunk, at, tag); end > 0 && budget.hasRow; end = wholeEnd(chunk, at, tag)) {
        if (uncounted === 0) this.#checkColumns(chunk, at, end);
        const size = end - at - uncounted;
        this.rows += 1;
        this.bytes += size;
        budget.spendRow(size);
        at = end;
      }
    } finally {
      sink.putRange(chunk, start, at);
    }
    return at;
  }

  get #rowsRecorded(): boolean {
    return !this.#ports.recordResults || this.#recordedRows >= RECORDING_LIMITS.maxRowsPerOperation;
  }

  #checkColumns(chunk: Uint8Array, at: number, end: number): void {
    const body = at + HEADER_BYTES;
    if (end - body < 2 || ((chunk[body]! << 8) | chunk[body + 1]!) !== this.#plan!.fields.length)
      throw new ShapeMismatch('a row has other columns than were described');
  }

  get #copyRecorded(): boolean {
    return (
      !this.#ports.recordResults || this.#recordedBytes >= RECORDING_LIMITS.maxCopyBytesPerOperation - COPY_REST_BYTES
    );
  }

  /** The DataRow in `raw`, alone. */
  row(raw: Uint8Array): Uint8Array {
    const sink = new ByteSink(raw.length);
    this.#putRow(raw, 0, raw.length, sink);
    return sink.bytes.slice(0, sink.length);
  }

  #putRow(chunk: Uint8Array, at: number, end: number, sink: ByteSink): void {
    const plan = this.#plan;
    if (plan === null) throw new ShapeMismatch('rows came without a description');
    const from = sink.length;
    const { masker, looked } = plan;
    if (masker === null || looked === null) {
      this.#checkColumns(chunk, at, end);
      sink.putRange(chunk, at, end);
    } else {
      const before = masker.maskedCells;
      rewriteDataRow(chunk, at, sink, looked, masker.maskRange);
      this.maskedCells += masker.maskedCells - before;
    }
    const size = sink.length - from;
    this.rows += 1;
    this.bytes += size;
    if (!this.#rowsRecorded && this.#recordedBytes + size <= RECORDING_LIMITS.maxResultBytesPerOperation)
      this.#recordRow(sink.bytes, from, sink.length, plan.fields);
  }

  #recordRow(bytes: Uint8Array, start: number, end: number, fields: readonly FieldDescription[]): void {
    this.#rowsJson ??= new JsonBytes();
    const json = this.#rowsJson;
    const before = json.length;
    try {
      json.raw(this.#pendingRows > 0 ? ',[' : '[');
      eachDataRowValue(bytes, start, end, (column, from, to) => {
        if (column > 0) json.raw(',');
        if (from === -1) json.raw('null');
        else if (fields[column]?.format === 1) json.hexOf(bytes, from, to);
        else json.textOf(bytes, from, to);
      });
      json.raw(']');
    } catch (error) {
      // Half a row must not stand in the recording either.
      json.length = before;
      throw error;
    }
    this.#pendingRows += 1;
    this.#recordedRows += 1;
    this.#recordedBytes += end - start;
    this.#pendingBytes += end - start;
    if (this.#pendingBytes >= RECORDING_LIMITS.maxRowsBytesPerEvent) this.#flushRows();
  }

  #flushRows(): void {
    if (this.#rowsJson !== null && this.#pendingRows > 0)
      this.#ports.recorder.append({
        kind: 'rows',
        decisionId: this.decisionId,
        count: this.#pendingRows,
        json: this.#rowsJson,
      });
    this.#rowsJson?.clear();
    this.#pendingRows = 0;
    this.#pendingBytes = 0;
    if (this.#copyLines > 0)
      this.#ports.recorder.append({
        kind: 'copy-data',
        decisionId: this.decisionId,
        direction: this.#copyDirection,
        lines: this.#copyLines,
        secret: { text: this.#copyText.join('') },
      });
    this.#copyText = [];
    this.#copyLines = 0;
  }

  /** CopyOutResponse: `columns` of them in `format`. */
  describeCopy(columns: number, format: 'text' | 'csv' | 'binary'): void {
    const { unrestricted } = this.#ports.context().policies;
    if (this.copying && !unrestricted) throw new ShapeMismatch('a copy began twice');
    this.copying = true;
    if (unrestricted) return;
    const { outputMasks, detectors } = this.result.decision.obligations;
    const output = this.result.operation.output;
    if (output !== null && !fitsOutput(output, columns))
      throw new ShapeMismatch(`${columns} columns came where ${output.length} were decided on`);
    if (outputMasks.every((mask) => mask === null) && detectors.length === 0) return;
    if (format === 'binary') throw new ShapeMismatch('binary copy cannot be masked');
    const context = this.#ports.context();
    this.#copyMasker = createCopyRowMasker({
      format,
      columns: Array.from({ length: columns }, (_, index) => {
        const source = output?.[index]?.plain === true ? output[index].sources[0] : undefined;
        const column = source === undefined ? null : context.findColumn(source);
        return {
          mask: outputMasks[index] ?? null,
          ...(column === null ? {} : { typeOid: column.typeOid, isText: context.isTextType(column.typeOid) }),
        };
      }),
      detectors,
      ports: context,
    });
  }

  /** One CopyData of the target: the body to send. */
  copyOut(data: Uint8Array): Uint8Array {
    const sink = new ByteSink(data.length);
    this.#putCopyRow(data, 0, data.length, sink);
    return sink.bytes.subarray(0, sink.length);
  }

  #putCopy(chunk: Uint8Array, at: number, end: number, sink: ByteSink): void {
    const from = sink.length;
    sink.putRange(chunk, at, at + HEADER_BYTES);
    this.#putCopyRow(chunk, at + HEADER_BYTES, end, sink);
    sink.setInt32(from + 1, sink.length - from - 1);
  }

  #putCopyRow(chunk: Uint8Array, start: number, end: number, sink: ByteSink): void {
    if (!this.copying) throw new ShapeMismatch('rows of a copy came before it began');
    const from = sink.length;
    const masker = this.#copyMasker;
    if (masker === null || (this.rows === 0 && this.#isCopyHeader(chunk.subarray(start, end))))
      sink.putRange(chunk, start, end);
    else masker.maskRow(chunk, start, end, sink);
    this.rows += 1;
    this.bytes += sink.length - from;
    if (!this.#copyRecorded) this.#recordCopy('out', sink.bytes.subarray(from, sink.length));
  }

  /**
   * A header holds just the columns' names, which the client may have chosen: where the server sends none, a first row that
   * equals them is data, and to show it would tell who guesses a masked value that they have it.
   */
  #isCopyHeader(data: Uint8Array): boolean {
    const { output, copy } = this.result.operation;
    if (output === null || copy === null || copy.header !== true) return false;
    const names = output.map(({ name }) => name).join(copy.format === 'csv' ? ',' : '\t');
    return utf8DecodeLossy(data) === `${names}\n`;
  }

  copyIn(data: Uint8Array): void {
    this.bytes += data.length;
    this.#recordCopy('in', data);
  }

  #recordCopy(direction: 'in' | 'out', data: Uint8Array): void {
    if (this.#copyRecorded || this.#recordedBytes + data.length > RECORDING_LIMITS.maxCopyBytesPerOperation) return;
    this.#copyDirection = direction;
    this.#copyText.push(utf8DecodeLossy(data));
    this.#copyLines += 1;
    this.#recordedBytes += data.length;
    this.#pendingBytes += data.length;
    if (this.#pendingBytes >= RECORDING_LIMITS.maxRowsBytesPerEvent) this.#flushRows();
  }

  /** What the target said beside the result and the client was not told: kept with the outcome. */
  note(text: string): void {
    if (this.#notes.length < MAX_NOTES) this.#notes.push(text.slice(0, MAX_NOTE_CHARACTERS));
  }

  /** The session ends before the target has answered: what was sent is recorded, an outcome is not known. */
  abandon(): void {
    if (this.closed) return;
    this.closed = true;
    this.#flushRows();
  }

  /** Writes the outcome, once. */
  close(outcome: OperationOutcome, details: OutcomeDetails = {}): void {
    if (this.closed) return;
    this.closed = true;
    this.maskedCells += this.#copyMasker?.maskedCells ?? 0;
    this.#writeOutcome(outcome, details);
    if (outcome === 'done') this.onSuccess();
  }

  /** It was done, and its commit failed behind that: a second outcome, which holds. */
  undo(details: OutcomeDetails): void {
    this.#writeOutcome('error', details);
  }

  #writeOutcome(outcome: OperationOutcome, details: OutcomeDetails): void {
    this.#flushRows();
    const tag = details.tag ?? null;
    const said = details.message == null ? this.#notes : [details.message, ...this.#notes];
    const counted = tag === null ? null : parseCommandTag(tag).rows;
    this.#ports.recorder.append({
      kind: 'outcome',
      decisionId: this.decisionId,
      outcome,
      tag,
      rows: counted ?? this.rows,
      bytes: this.bytes,
      maskedCells: this.maskedCells,
      durationMs: Math.round((this.#ports.clock.monotonicMs() - this.#startedAt) * 1000) / 1000,
      sqlstate: details.sqlstate ?? null,
      shapeId: this.#shapeId ?? undefined,
      secret: { message: said.length === 0 ? null : said.join('\n').slice(0, RECORDING_LIMITS.maxMessageLength) },
    });
  }
}
