import type { AccessVerb, Decision, MaskName, Reason, StatementClass } from '@taskgate/core';
import type { JsonBytes } from './json-bytes.ts';

/** A value as the client was sent it: text, or `\x` and lower hex for binary; `null` is SQL NULL. */
export type RecordedValue = string | null;

export interface SessionStart {
  readonly kind: 'session-start';
  readonly sessionId: string;
  readonly grantId: string;
  readonly task: {
    readonly name: string;
    readonly revision: number;
    /** SHA-256 in hex of the grant's own document, where it is narrower than the revision. */
    readonly document?: string;
  };
  readonly policies: readonly { readonly name: string; readonly revision: number }[];
  readonly identity: { readonly id: string; readonly label: string };
  readonly resource: { readonly id: string; readonly name: string };
  /** `application` is what the client says of itself: not proven. */
  readonly client: { readonly address: string; readonly application: string | null };
  readonly protocol: 'postgres' | 'console';
  /** Name of the gateway process that serves it. */
  readonly gateway: string;
}

/** What is the same each time that a statement is asked for: written once a recording, before the first of its operations. */
export interface StatementEvent {
  readonly kind: 'statement';
  /** Its number in this recording. */
  readonly id: number;
  readonly statementClass: StatementClass;
  readonly label: string;
  readonly relations: readonly {
    readonly verb: AccessVerb;
    readonly schema: string;
    readonly name: string;
    readonly columns: readonly string[];
    /** Classes of those columns by the policies in force, as `{ pii: ['ssn'] }`. */
    readonly classes?: Readonly<Record<string, readonly string[]>>;
  }[];
  readonly decision: { readonly outcome: Decision['outcome']; readonly reasons: readonly Reason[] };
  readonly catalogVersion: string;
  /** SHA-256 of the statement's bytes, lower hex. */
  readonly fingerprint: string;
  readonly secret: {
    readonly statement: string;
    /** Present where it was cut to {@link RECORDING_LIMITS}. */
    readonly truncated?: boolean;
  };
}

/** An operation as it is read, with what its statement says. Durable before the statement is forwarded. */
export interface OperationEvent extends Omit<StatementEvent, 'kind' | 'id' | 'secret'> {
  readonly kind: 'operation';
  readonly decisionId: string;
  /** `dry-run`: run by the gate before approval and rolled back. */
  readonly via: 'simple' | 'extended' | 'console' | 'dry-run';
  readonly secret: {
    readonly statement: string;
    readonly parameters: readonly RecordedValue[];
    /** Present where the statement or a parameter was cut to {@link RECORDING_LIMITS}. */
    readonly truncated?: boolean;
  };
}

/** An operation as it is written: what it asks for stands in the {@link StatementEvent} of this number. */
export interface ReferringOperation {
  readonly kind: 'operation';
  readonly decisionId: string;
  readonly statementId: number;
  readonly via: OperationEvent['via'];
  readonly secret: {
    readonly parameters: readonly RecordedValue[];
    readonly truncated?: boolean;
  };
}

export interface HoldOpened {
  readonly kind: 'hold-opened';
  readonly decisionId: string;
  readonly holdId: string;
}

export const HOLD_OUTCOMES = ['approved', 'refused', 'timed-out', 'cancelled'] as const;
export type HoldOutcome = (typeof HOLD_OUTCOMES)[number];

export interface HoldClosed {
  readonly kind: 'hold-closed';
  readonly decisionId: string;
  readonly holdId: string;
  readonly outcome: HoldOutcome;
  /** Labels of those who decided. */
  readonly by: readonly string[];
  readonly comment: string | null;
}

/** The columns of a result and how each is masked. */
export interface ShapeEvent {
  readonly kind: 'shape';
  /** The operation that has it. */
  readonly decisionId: string;
  /** Its number in this recording, by which outcomes of later operations name it. */
  readonly id?: number;
  readonly columns: readonly { readonly name: string; readonly typeOid: number; readonly mask: MaskName | null }[];
}

/** Some rows of a result, in the order in which the client was sent them. */
export interface RowsEvent {
  readonly kind: 'rows';
  readonly decisionId: string;
  /** How many `secret.rows` holds: known without the key. */
  readonly count: number;
  readonly secret: { readonly rows: readonly (readonly RecordedValue[])[] };
}

/** Rows as they are written. */
export interface EncodedRows extends Omit<RowsEvent, 'secret'> {
  /** Each row as a JSON list, between them commas. It is copied. */
  readonly json: JsonBytes;
}

export interface CopyDataEvent {
  readonly kind: 'copy-data';
  readonly decisionId: string;
  readonly direction: 'in' | 'out';
  readonly lines: number;
  readonly secret: { readonly text: string };
}

export const OPERATION_OUTCOMES = ['done', 'error', 'refused', 'cancelled', 'skipped', 'withheld'] as const;
export type OperationOutcome = (typeof OPERATION_OUTCOMES)[number];

export interface OutcomeEvent {
  readonly kind: 'outcome';
  readonly decisionId: string;
  /** `withheld`: it ran at the target, the client was not sent its result. `skipped`: never sent, after an error. */
  readonly outcome: OperationOutcome;
  /** Command tag of the target, such as `UPDATE 1`. */
  readonly tag: string | null;
  readonly rows: number;
  readonly bytes: number;
  readonly maskedCells: number;
  readonly durationMs: number;
  readonly sqlstate: string | null;
  /** {@link ShapeEvent.id}, where an earlier operation had a result of the same shape. */
  readonly shapeId?: number | undefined;
  /** The target's own error text, which can quote data. */
  readonly secret: { readonly message: string | null };
}

export const SESSION_END_REASONS = [
  'client-closed',
  'target-closed',
  'grant-ended',
  'expired',
  'idle',
  'limit',
  'error',
  'store-away',
  'gateway-stopped',
  'gateway-crashed',
] as const;
export type SessionEndReason = (typeof SESSION_END_REASONS)[number];

export interface SessionEnd {
  readonly kind: 'session-end';
  readonly reason: SessionEndReason;
  /** For people; never holds a value or a statement. */
  readonly detail: string | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

type CommonEventBody =
  | SessionStart
  | StatementEvent
  | HoldOpened
  | HoldClosed
  | ShapeEvent
  | RowsEvent
  | CopyDataEvent
  | OutcomeEvent
  | SessionEnd;

/** As events are written; an operation of format 1 said all that its statement says. */
export type RecordingEventBody = CommonEventBody | ReferringOperation | OperationEvent;

/** What a writer takes. */
export type WrittenEventBody = RecordingEventBody | EncodedRows;

export type RecordingEventKind = RecordingEventBody['kind'];

interface Stamp {
  /** Place in the session, from 0 without gaps. */
  readonly seq: number;
  /** Epoch milliseconds of the gateway's clock. Order by `seq`, never by this: clocks jump. */
  readonly at: number;
}

type WithoutSecret<E> = E extends { readonly secret: infer S }
  ? Omit<E, 'secret'> & { readonly secret?: S | undefined }
  : E;

/** One event of a session, whole. */
export type RecordingEvent = Stamp & RecordingEventBody;

/** An event as it is given to the writer, which numbers it. */
export type NewRecordingEvent = { readonly at: number } & RecordingEventBody;

/** An event as it stands in the file, its `secret` apart. */
export type StoredEvent = Stamp & WithoutSecret<RecordingEventBody>;

/** An event as it was read: operations say what their statements say; without the session's key `secret` is absent. */
export type ReadEvent = Stamp & WithoutSecret<CommonEventBody | OperationEvent>;

export type ReadEventOf<K extends RecordingEventKind> = Extract<ReadEvent, { readonly kind: K }>;
