import type { Duplex } from 'node:stream';
import type { ConsoleEvent } from '@taskgate/contracts';
import { type MaskName, utf8DecodeLossy } from '@taskgate/core';
import {
  BACKEND_TAG,
  createFrameDecoder,
  dataRowValue,
  decodeBackendMessage,
  decodeDataRow,
  decodeErrorFields,
  encodeCopyFail,
  encodeQuery,
  encodeTerminate,
  type Frame,
  isBackendTag,
  maxBackendBytes,
  sqlstateOf,
} from '@taskgate/protocol-postgres';

const ROWS_PER_MESSAGE = 200;
const MAX_CELL_CHARACTERS = 1_000_000;

/**
 * A Postgres client inside the gateway, for one browser: it speaks the protocol to the door like any other client, so
 * that there is no second way in. What a message cannot carry (masks) comes from the session's observer.
 */
export class ConsoleClient {
  readonly #wire: Duplex;
  readonly #emit: (event: ConsoleEvent) => boolean;
  readonly #decoder = createFrameDecoder({ maxBytes: maxBackendBytes, knows: isBackendTag });
  #running: { readonly id: number; readonly maxRows: number; readonly startedAt: number; rows: number } | null = null;
  /** One entry a result whose description is still to be read: the door may be some results ahead. */
  #masks: (readonly (MaskName | null)[])[] = [];
  #rows: (string | null)[][] = [];
  #rowBytes = 0;
  #ready = false;
  #transaction: 'idle' | 'open' | 'failed' = 'idle';
  readonly #now: () => number;

  constructor(wire: Duplex, emit: (event: ConsoleEvent) => boolean, now: () => number) {
    this.#wire = wire;
    this.#emit = emit;
    this.#now = now;
    wire.on('data', (chunk: Uint8Array) => {
      for (const frame of this.#decoder.push(chunk)) this.#read(frame);
      this.#flushRows();
    });
  }

  get busy(): boolean {
    return this.#running !== null || !this.#ready;
  }

  /** Masks of a result whose description follows those of the results before it. */
  masksOf(masks: readonly (MaskName | null)[]): void {
    this.#masks.push(masks);
  }

  run(id: number, sql: string, maxRows: number): void {
    // JSON can hold a NUL; the protocol's texts end with the first one.
    if (sql.includes('\0')) {
      this.#send({
        type: 'error',
        id,
        sqlstate: '22021',
        message: 'a statement cannot hold a NUL character',
        detail: null,
        hint: 'take it out',
        position: sql.indexOf('\0') + 1,
        link: null,
      });
      return this.#send({ type: 'done', id, transaction: this.#transaction, durationMs: 0 });
    }
    this.#running = { id, maxRows, startedAt: this.#now(), rows: 0 };
    this.#wire.write(encodeQuery(sql));
  }

  close(): void {
    this.#wire.end(encodeTerminate());
  }

  /** The browser has taken what was sent. */
  resume(): void {
    this.#wire.resume();
  }

  #send(event: ConsoleEvent): void {
    if (!this.#emit(event)) this.#wire.pause();
  }

  #read(frame: Frame): void {
    const running = this.#running;
    const id = running?.id ?? 0;
    switch (frame.tag) {
      case BACKEND_TAG.dataRow: {
        if (running === null) return;
        running.rows += 1;
        // The limit is of what a browser is shown; psql has none. The rest is read and dropped.
        if (running.rows > running.maxRows) return;
        const row = decodeDataRow(frame.raw);
        const values: (string | null)[] = [];
        for (let index = 0; index < row.columnCount; index++) {
          const value = dataRowValue(row, index);
          values.push(value === null ? null : utf8DecodeLossy(value).slice(0, MAX_CELL_CHARACTERS));
        }
        this.#rows.push(values);
        this.#rowBytes += frame.raw.length;
        if (this.#rows.length >= ROWS_PER_MESSAGE || this.#rowBytes > 262_144) this.#flushRows();
        return;
      }
      case BACKEND_TAG.rowDescription: {
        const message = decodeBackendMessage(frame);
        if (message.kind !== 'row-description') return;
        if (running !== null) running.rows = 0;
        const masks = this.#masks.shift() ?? [];
        this.#send({
          type: 'columns',
          id,
          columns: message.fields.map(({ name, typeOid }, index) => ({
            name,
            typeOid,
            mask: masks[index] ?? null,
          })),
        });
        return;
      }
      case BACKEND_TAG.commandComplete: {
        this.#flushRows();
        const message = decodeBackendMessage(frame);
        if (message.kind === 'command-complete')
          this.#send({
            type: 'complete',
            id,
            tag: message.tag,
            truncated: running !== null && running.rows > running.maxRows,
          });
        return;
      }
      case BACKEND_TAG.copyIn:
        // The browser sends statements only: the target would wait for data for ever.
        this.#wire.write(encodeCopyFail('the console cannot copy data in; use psql'));
        return;
      case BACKEND_TAG.error:
      case BACKEND_TAG.notice: {
        this.#flushRows();
        const fields = decodeErrorFields(frame.raw);
        const hint = fields.get('H') ?? null;
        const link = /https?:\/\/\S+/.exec(hint ?? '')?.[0] ?? null;
        if (frame.tag === BACKEND_TAG.notice)
          return this.#send({
            type: 'notice',
            id,
            severity: fields.get('V') ?? 'NOTICE',
            message: fields.get('M') ?? '',
            link,
          });
        if (fields.get('V') === 'FATAL')
          return this.#send({
            type: 'ended',
            code: sqlstateOf(fields),
            message: fields.get('M') ?? 'the connection ended',
          });
        const position = Number(fields.get('P') ?? Number.NaN);
        return this.#send({
          type: 'error',
          id,
          sqlstate: sqlstateOf(fields),
          message: fields.get('M') ?? '',
          detail: fields.get('D') ?? null,
          hint,
          position: Number.isSafeInteger(position) ? position : null,
          link,
        });
      }
      case BACKEND_TAG.ready: {
        this.#flushRows();
        this.#ready = true;
        this.#masks = [];
        const message = decodeBackendMessage(frame);
        this.#running = null;
        if (message.kind !== 'ready') return;
        this.#transaction = message.status === 'idle' ? 'idle' : message.status === 'transaction' ? 'open' : 'failed';
        if (running !== null)
          this.#send({
            type: 'done',
            id,
            transaction: this.#transaction,
            durationMs: Math.round((this.#now() - running.startedAt) * 10) / 10,
          });
        return;
      }
      default:
        return;
    }
  }

  #flushRows(): void {
    if (this.#rows.length === 0) return;
    const rows = this.#rows;
    this.#rows = [];
    this.#rowBytes = 0;
    this.#send({ type: 'rows', id: this.#running?.id ?? 0, rows });
  }
}
