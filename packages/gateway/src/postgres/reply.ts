import type { Portal, PreparedStatement } from './name-tables.ts';
import type { OperationRun } from './operation-run.ts';

/**
 * What the target has yet to answer, in order: one entry a message that was forwarded or added by the gate. `swallow`:
 * the gate asked, the client did not.
 */
export type ExpectedReply =
  | {
      readonly kind: 'parse';
      readonly statement: PreparedStatement;
      readonly confirm: () => void;
      readonly swallow: boolean;
    }
  | { readonly kind: 'bind'; readonly portal: Portal; readonly confirm: () => void; readonly swallow: boolean }
  | { readonly kind: 'close'; readonly confirm: () => void; readonly swallow: boolean }
  | { readonly kind: 'describe-statement'; readonly statement: PreparedStatement; readonly swallow: boolean }
  | {
      readonly kind: 'describe-portal';
      readonly portal: Portal;
      readonly swallow: boolean;
      /** Of a converted simple query: "no data" is swallowed, a row description held with the run. */
      readonly run: OperationRun | null;
    }
  | { readonly kind: 'execute'; readonly run: OperationRun; readonly portal: Portal }
  /** One simple query message: its statements run one after the other, until one fails. */
  | {
      readonly kind: 'query';
      /** The whole message: positions of errors count in it. */
      readonly text: string;
      readonly runs: readonly OperationRun[];
      current: number;
      failed: boolean;
    }
  /** A statement that always fails, in place of a refused one: the target's error is replaced by `error`. */
  | {
      readonly kind: 'refusal';
      readonly error: Uint8Array;
      /** It stands for a whole simple query: ReadyForQuery follows. */
      readonly simple: boolean;
      answered: boolean;
    }
  | {
      readonly kind: 'sync';
      /** The gate's own, behind a converted simple query: its ReadyForQuery is the query's. */
      readonly converted: boolean;
    };

/** Whether a transaction block may be over once it is answered. */
export const endsBlock = (reply: ExpectedReply): boolean =>
  reply.kind === 'execute' && reply.run.decided.operation.statementClass === 'transaction';
