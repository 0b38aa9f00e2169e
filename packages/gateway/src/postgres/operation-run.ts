import type { CatalogColumn, Clock, ColumnName, MaskName } from '@taskgate/core';
import { utf8DecodeLossy } from '@taskgate/core';
import { type CopyRowMasker, createCopyRowMasker, createRowMasker, type RowMasker } from '@taskgate/masking';
import {
  dataRowValue,
  decodeDataRow,
  type FieldDescription,
  parseCommandTag,
  rewriteDataRow,
} from '@taskgate/protocol-postgres';
import { type OperationOutcome, RECORDING_LIMITS } from '@taskgate/recording';
import type { SessionRecorder } from '../recording/session-recorder.ts';
import type { DecidedStatement } from './decision-context.ts';
import type { LimitReached } from './grant-budget.ts';
import { resultMasks } from './result-masks.ts';

const MAX_NOTES = 100;
const MAX_NOTE_CHARACTERS = 2_000;

/** The server's result is not the one that was decided on: nothing of it may go to the client. */
export class ShapeMismatch extends Error {
  override readonly name = 'ShapeMismatch';
}

/** A column as the client is told of it, with the mask that holds. */
export interface ShownColumn {
  readonly name: string;
  readonly typeOid: number;
  readonly mask: MaskName | null;
}

export interface RunPorts {
  readonly recorder: SessionRecorder;
  readonly clock: Clock;
  readonly hmacSha256: (bytes: Uint8Array) => Uint8Array;
  readonly recordResults: boolean;
  readonly onShape: (decisionId: string, columns: readonly ShownColumn[]) => void;
  /** A column of the resource, for results whose description has no types (COPY). */
  readonly findColumn: (name: ColumnName) => CatalogColumn | null;
  readonly knowsRelation: (oid: number) => boolean;
  /** A type outside the built-in ones that is text all the same (citext). */
  readonly isTextType: (typeOid: number) => boolean;
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
  readonly #ports: RunPorts;
  readonly #startedAt: number;
  #fields: readonly FieldDescription[] | null = null;
  #masker: RowMasker | null = null;
  #copyMasker: CopyRowMasker | null = null;
  #recordedRows = 0;
  #recordedBytes = 0;
  #pendingRows: (string | null)[][] = [];
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
    return this.#fields !== null;
  }

  /** The columns that rows will have. Throws {@link ShapeMismatch} where they are not those decided on. */
  describe(fields: readonly FieldDescription[]): void {
    this.#fields = fields;
    if (!fields.every(({ tableOid }) => this.#ports.knowsRelation(tableOid)))
      throw new ShapeMismatch('rows come from a table that is not in the catalog');
    const masks = resultMasks(this.result, fields);
    if (masks === null) throw new ShapeMismatch(`${fields.length} columns came, other than those decided on`);
    const detectors = this.result.decision.obligations.detectors;
    const looked = detectors.length > 0 || masks.some((mask) => mask !== null);
    this.#masker = looked
      ? createRowMasker({
          columns: fields.map(({ typeOid, typeModifier, format }, index) => ({
            mask: masks[index]!,
            typeOid,
            typeModifier,
            isText: this.#ports.isTextType(typeOid),
            format: format === 1 ? 'binary' : 'text',
          })),
          detectors,
          ports: { hmacSha256: this.#ports.hmacSha256 },
        })
      : null;
    const columns = fields.map(({ name, typeOid }, index) => ({ name, typeOid, mask: masks[index]! }));
    this.#ports.recorder.append({ kind: 'shape', decisionId: this.decisionId, columns });
    this.#ports.onShape(this.decisionId, columns);
  }

  /** The bytes to send for a DataRow. */
  row(raw: Uint8Array): Uint8Array {
    if (this.#fields === null) throw new ShapeMismatch('rows came without a description');
    const masker = this.#masker;
    const sent =
      masker === null
        ? raw
        : rewriteDataRow(raw, (index, value) => masker.maskColumn(index, value), this.#fields.length);
    this.rows += 1;
    this.bytes += sent.length;
    if (
      this.#ports.recordResults &&
      this.#recordedRows < RECORDING_LIMITS.maxRowsPerOperation &&
      this.#recordedBytes + sent.length <= RECORDING_LIMITS.maxResultBytesPerOperation
    )
      this.#recordRow(sent);
    return sent;
  }

  #recordRow(sent: Uint8Array): void {
    const row = decodeDataRow(sent);
    const values: (string | null)[] = [];
    for (let index = 0; index < row.columnCount; index++) {
      const value = dataRowValue(row, index);
      values.push(
        value === null
          ? null
          : this.#fields![index]?.format === 1
            ? `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
            : utf8DecodeLossy(value),
      );
    }
    this.#pendingRows.push(values);
    this.#recordedRows += 1;
    this.#recordedBytes += sent.length;
    this.#pendingBytes += sent.length;
    if (this.#pendingBytes >= RECORDING_LIMITS.maxRowsBytesPerEvent) this.#flushRows();
  }

  #flushRows(): void {
    if (this.#pendingRows.length > 0)
      this.#ports.recorder.append({
        kind: 'rows',
        decisionId: this.decisionId,
        count: this.#pendingRows.length,
        secret: { rows: this.#pendingRows },
      });
    this.#pendingRows = [];
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
    const { outputMasks, detectors } = this.result.decision.obligations;
    const output = this.result.operation.output;
    if (output !== null && output.length !== columns)
      throw new ShapeMismatch(`${columns} columns came where ${output.length} were decided on`);
    if (outputMasks.every((mask) => mask === null) && detectors.length === 0) return;
    if (format === 'binary') throw new ShapeMismatch('binary copy cannot be masked');
    this.#copyMasker = createCopyRowMasker({
      format,
      columns: Array.from({ length: columns }, (_, index) => {
        const source = output?.[index]?.plain === true ? output[index].sources[0] : undefined;
        const column = source === undefined ? null : this.#ports.findColumn(source);
        return {
          mask: outputMasks[index] ?? null,
          ...(column === null ? {} : { typeOid: column.typeOid, isText: this.#ports.isTextType(column.typeOid) }),
        };
      }),
      detectors,
      ports: { hmacSha256: this.#ports.hmacSha256 },
    });
  }

  /** One CopyData of the target: the body to send. */
  copyOut(data: Uint8Array): Uint8Array {
    const sent = this.#copyMasker === null || this.#isCopyHeader(data) ? data : this.#copyMasker.maskRow(data);
    this.rows += 1;
    this.bytes += sent.length;
    this.#recordCopy('out', sent);
    return sent;
  }

  /** A header holds just the columns' names: what equals them tells nothing, wherever it came from. */
  #isCopyHeader(data: Uint8Array): boolean {
    const { output, copy } = this.result.operation;
    if (this.rows > 0 || output === null || copy === null) return false;
    const names = output.map(({ name }) => name).join(copy.format === 'csv' ? ',' : '\t');
    return utf8DecodeLossy(data) === `${names}\n`;
  }

  copyIn(data: Uint8Array): void {
    this.bytes += data.length;
    this.#recordCopy('in', data);
  }

  #recordCopy(direction: 'in' | 'out', data: Uint8Array): void {
    if (!this.#ports.recordResults || this.#recordedBytes + data.length > RECORDING_LIMITS.maxCopyBytesPerOperation)
      return;
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
  close(
    outcome: OperationOutcome,
    details: { readonly tag?: string | null; readonly sqlstate?: string | null; readonly message?: string | null } = {},
  ): void {
    if (this.closed) return;
    this.closed = true;
    this.maskedCells = (this.#masker?.maskedCells ?? 0) + (this.#copyMasker?.maskedCells ?? 0);
    this.#flushRows();
    const tag = details.tag ?? null;
    const said = [...(details.message == null ? [] : [details.message]), ...this.#notes];
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
      secret: { message: said.length === 0 ? null : said.join('\n') },
    });
    if (outcome === 'done') this.onSuccess();
  }
}
