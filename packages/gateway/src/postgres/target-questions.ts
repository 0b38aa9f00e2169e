import { utf8DecodeLossy } from '@taskgate/core';
import {
  BACKEND_TAG,
  type BindMessage,
  dataRowValue,
  decodeBackendMessage,
  decodeDataRow,
  decodeErrorFields,
  encodeBind,
  encodeClose,
  encodeDescribe,
  encodeExecute,
  encodeParse,
  encodeSync,
  type Frame,
  sqlstateOf,
} from '@taskgate/protocol-postgres';

/** Under a name of the gate's own: the client's unnamed statement and portal stay as they are. */
const NAME = 'taskgate_question';
const SAVEPOINT = 'taskgate_question';
/** Of rows that are kept; what comes beyond is dropped. */
const MAX_KEPT_BYTES = 1024 * 1024;
const MAX_KEPT_ROWS = 10;

/** A statement that the gate sends to the target between two messages of the client. */
export interface Question {
  readonly text: string;
  readonly parameterTypes: readonly number[];
  readonly parameters: readonly (Uint8Array | null)[];
  readonly parameterFormats: BindMessage['parameterFormats'];
  /** The description of its rows is asked for too. */
  readonly describes?: true;
}

export interface Answer {
  /** The command's tag; `null` where it failed. */
  readonly tag: string | null;
  readonly sqlstate: string | null;
  /** RowDescription, where it was asked for. */
  readonly description: Uint8Array | null;
  /** Its first rows, as DataRow; fewer, where they are large. */
  readonly rows: readonly Uint8Array[];
  readonly notices: number;
}

/** The first column of its first row. */
export function answeredValue({ rows }: Answer): string | null {
  const row = rows[0] === undefined ? null : decodeDataRow(rows[0]);
  const value = row === null || row.columnCount === 0 ? null : dataRowValue(row, 0);
  return value === null ? null : utf8DecodeLossy(value);
}

interface Asked {
  readonly answers: Answer[];
  readonly count: number;
  readonly resolve: (answers: readonly Answer[] | null) => void;
  current: Current;
}

interface Current {
  tag: string | null;
  sqlstate: string | null;
  description: Uint8Array | null;
  readonly rows: Uint8Array[];
  /** Of all rows that came. */
  bytes: number;
  notices: number;
}

const nothingYet = (): Current => ({ tag: null, sqlstate: null, description: null, rows: [], bytes: 0, notices: 0 });

/**
 * The gate's own questions on the client's connection to the target, while nothing of the client's is on its way: they see
 * its transaction and its settings, and leave no trace in either.
 */
export class TargetQuestions {
  readonly #send: (parts: readonly Uint8Array[]) => void;
  readonly #cancel: () => void;
  #asked: Asked | null = null;

  /** `cancel`: asks the target to cancel what runs. */
  constructor(ports: { readonly send: (parts: readonly Uint8Array[]) => void; readonly cancel: () => void }) {
    this.#send = ports.send;
    this.#cancel = ports.cancel;
  }

  get asking(): boolean {
    return this.#asked !== null;
  }

  /**
   * Runs `question` in a transaction, or in a savepoint of the client's, that is rolled back in any case. `null`: the
   * session ended meanwhile. Cancels it after `deadlineMs`, or when `signal` aborts.
   */
  async askAndUndo(
    question: Question,
    options: { readonly inTransaction: boolean; readonly deadlineMs: number; readonly signal: AbortSignal },
  ): Promise<Answer | null> {
    const plain = (text: string): Question => ({ text, parameterTypes: [], parameters: [], parameterFormats: [] });
    // INVARIANT: one batch with what opens the transaction. Where that fails (a timeout of the client's, its cancel), the
    // target skips the question up to the Sync; behind a Sync of its own it would run, and stand.
    const batches = options.inTransaction
      ? [
          [plain(`savepoint ${SAVEPOINT}`), question],
          [plain(`rollback to savepoint ${SAVEPOINT}`)],
          [plain(`release savepoint ${SAVEPOINT}`)],
        ]
      : [[plain('begin'), question], [plain('rollback')]];
    const timer = setTimeout(this.#cancel, options.deadlineMs);
    options.signal.addEventListener('abort', this.#cancel, { once: true });
    try {
      const answers = await this.#ask(batches);
      return answers?.[0] ?? null;
    } finally {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', this.#cancel);
    }
  }

  /** Answers are by batch: of its last question, or of the one that failed. */
  #ask(batches: readonly (readonly Question[])[]): Promise<readonly Answer[] | null> {
    return new Promise((resolve) => {
      this.#asked = { answers: [], count: batches.length, resolve, current: nothingYet() };
      this.#send(
        batches.flatMap((questions) => [
          ...questions.flatMap(({ text, parameterTypes, parameters, parameterFormats, describes }) => [
            // What the last one left behind: in a transaction, a portal outlives its Sync. Closing nothing is no error.
            encodeClose('portal', NAME),
            encodeClose('statement', NAME),
            encodeParse({ statement: NAME, text, parameterTypes }),
            encodeBind({ portal: NAME, statement: NAME, parameterFormats, parameters, resultFormats: [] }),
            ...(describes === true ? [encodeDescribe('portal', NAME)] : []),
            encodeExecute(NAME, 0),
            encodeClose('portal', NAME),
            encodeClose('statement', NAME),
          ]),
          encodeSync(),
        ]),
      );
    });
  }

  /** One message of the target, while {@link asking}. */
  take(frame: Frame): void {
    const asked = this.#asked!;
    const { current } = asked;
    switch (frame.tag) {
      case BACKEND_TAG.dataRow:
        current.bytes += frame.raw.length;
        if (current.bytes <= MAX_KEPT_BYTES && current.rows.length < MAX_KEPT_ROWS)
          current.rows.push(frame.raw.slice());
        return;
      case BACKEND_TAG.rowDescription:
        current.description = frame.raw.slice();
        return;
      case BACKEND_TAG.commandComplete: {
        const message = decodeBackendMessage(frame);
        if (message.kind === 'command-complete') current.tag = message.tag;
        return;
      }
      case BACKEND_TAG.error:
        current.sqlstate = sqlstateOf(decodeErrorFields(frame.raw));
        current.tag = null;
        return;
      case BACKEND_TAG.notice:
        current.notices += 1;
        return;
      case BACKEND_TAG.ready:
        asked.answers.push(current);
        asked.current = nothingYet();
        if (asked.answers.length < asked.count) return;
        this.#asked = null;
        asked.resolve(asked.answers);
        return;
      default:
        return;
    }
  }

  /** The session ends: nobody answers any more. */
  close(): void {
    this.#asked?.resolve(null);
    this.#asked = null;
  }
}
