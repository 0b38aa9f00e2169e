import type { BindMessage, FieldDescription } from '@taskgate/protocol-postgres';
import type { DecidedStatement } from './decision-context.ts';

/** A prepared statement, whoever prepared it: the protocol and SQL share one table, as they do at the server. */
export interface PreparedStatement {
  readonly text: string;
  /** As the client gave them. */
  readonly parameterTypes: readonly number[];
  decided: DecidedStatement;
  /** Key of the context that decided it: another one decides again. */
  contextKey: string;
  /** What the server says that it returns; `null` until it has said, or when it returns nothing. */
  shape: readonly FieldDescription[] | null;
  /** Prepared by SQL: its text cannot be decided again on its own, so a new context makes it unusable. */
  readonly viaSql: boolean;
}

/** A portal, or an SQL cursor: one table too. */
export interface Portal {
  readonly statement: PreparedStatement;
  /** Key of the context in which it was bound: the server runs what its tables and views meant then. */
  readonly contextKey: string;
  readonly parameters: readonly (Uint8Array | null)[];
  readonly parameterFormats: BindMessage['parameterFormats'];
  readonly resultFormats: readonly number[];
  readonly cursor: boolean;
  shape: readonly FieldDescription[] | null;
  /** Of an EXECUTE or FETCH that has run: what its name stood for then. The rest of its rows are that one's. */
  ran?: DecidedStatement;
}

const MAX_NAMES = 10_000;
/** Of the texts and parameters that the names of one session stand for. */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Names as the server has them. A change takes effect when the server has confirmed it: a `PREPARE` that fails must not
 * replace what the name stood for. Within a batch, what is not confirmed yet is seen through {@link NameTable.stage}.
 */
export class NameTable<T> {
  readonly #confirmed = new Map<string, T>();
  readonly #staged = new Map<string, T | null>();
  readonly #weigh: (value: T) => number;
  #bytes = 0;

  constructor(weigh: (value: T) => number) {
    this.#weigh = weigh;
  }

  get(name: string): T | undefined {
    const staged = this.#staged.get(name);
    if (staged !== undefined) return staged ?? undefined;
    return this.#confirmed.get(name);
  }

  /** Seen from here on in this batch; returns what to call when the server confirms. */
  stage(name: string, value: T | null): () => void {
    this.#staged.set(name, value);
    return () => {
      this.#drop(name);
      if (value === null || this.#confirmed.size >= MAX_NAMES) return;
      this.#confirmed.set(name, value);
      this.#bytes += this.#weigh(value);
    };
  }

  /** The batch is over, or failed: only what was confirmed stands. */
  unstage(): void {
    if (this.#staged.size > 0) this.#staged.clear();
  }

  /** At once, whatever the server says. */
  forget(name: string): void {
    this.#drop(name);
    this.#staged.delete(name);
  }

  get full(): boolean {
    return this.#confirmed.size >= MAX_NAMES || this.#bytes >= MAX_BYTES;
  }

  #drop(name: string): void {
    const value = this.#confirmed.get(name);
    if (value === undefined) return;
    this.#confirmed.delete(name);
    this.#bytes -= this.#weigh(value);
  }

  /** All names, or those that `drop` picks. */
  clear(drop: (value: T) => boolean = () => true): void {
    for (const [name, value] of this.#confirmed) if (drop(value)) this.#drop(name);
  }
}
