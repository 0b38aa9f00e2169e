import { TaskgateError } from '@taskgate/core';
import {
  HOLD_OUTCOMES,
  OPERATION_OUTCOMES,
  type ReadEvent,
  type RecordingEventKind,
  SESSION_END_REASONS,
  type StoredEvent,
} from './event.ts';

type Check = (value: unknown) => boolean;

const string: Check = (value) => typeof value === 'string';
const number: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const nullable =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const oneOf =
  (words: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && words.includes(value);
const shape =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(fields).every(([name, check]) => Object.hasOwn(value, name) && check(Reflect.get(value, name)));

const named = shape({ name: string, revision: number });
const reason = shape({ code: string, rule: shape({ kind: string, name: string }), message: string });

/** What a statement event says, and an operation of format 1. */
const SAID = {
  statementClass: string,
  label: string,
  relations: list(shape({ verb: string, schema: string, name: string, columns: list(string) })),
  decision: shape({ outcome: oneOf(['allow', 'deny', 'hold']), reasons: list(reason) }),
  catalogVersion: string,
  fingerprint: string,
};
const OPERATION = shape({ decisionId: string, via: string });
const REFERRING = shape({ statementId: number });

/** What a reader relies on. Fields that a later writer adds pass. */
const CLEAR: Readonly<Record<RecordingEventKind, Check>> = {
  'session-start': shape({
    sessionId: string,
    grantId: string,
    task: named,
    policies: list(named),
    identity: shape({ id: string, label: string }),
    resource: shape({ id: string, name: string }),
    client: shape({ address: string, application: nullable(string) }),
    protocol: string,
    gateway: string,
  }),
  statement: shape({ id: number, ...SAID }),
  operation: (event) => OPERATION(event) && (REFERRING(event) || shape(SAID)(event)),
  'hold-opened': shape({ decisionId: string, holdId: string }),
  'hold-closed': shape({
    decisionId: string,
    holdId: string,
    outcome: oneOf(HOLD_OUTCOMES),
    by: list(string),
    comment: nullable(string),
  }),
  shape: shape({
    decisionId: string,
    columns: list(shape({ name: string, typeOid: number, mask: nullable(string) })),
  }),
  rows: shape({ decisionId: string, count: number }),
  'copy-data': shape({ decisionId: string, direction: oneOf(['in', 'out']), lines: number }),
  outcome: shape({
    decisionId: string,
    outcome: oneOf(OPERATION_OUTCOMES),
    tag: nullable(string),
    rows: number,
    bytes: number,
    maskedCells: number,
    durationMs: number,
    sqlstate: nullable(string),
  }),
  'session-end': shape({
    reason: oneOf(SESSION_END_REASONS),
    detail: nullable(string),
    bytesIn: number,
    bytesOut: number,
  }),
};

const value = nullable(string);

/** Kinds that have a sealed part, and what is in it. */
const SECRET: Readonly<Partial<Record<RecordingEventKind, Check>>> = {
  statement: shape({ statement: string }),
  operation: shape({ parameters: list(value) }),
  rows: shape({ rows: list(list(value)) }),
  'copy-data': shape({ text: string }),
  outcome: shape({ message: nullable(string) }),
};

const stamp = shape({ seq: (seq) => Number.isSafeInteger(seq) && (seq as number) >= 0, at: number, kind: string });

/** The clear part of an event, parsed from JSON; throws `bad-input` where it is not one. */
export function checkClearEvent(event: unknown): StoredEvent {
  // A clear part that brings its own `secret` would be shown as if it had been opened with the key.
  if (!stamp(event) || Object.hasOwn(event as object, 'secret'))
    throw new TaskgateError('bad-input', 'the clear part of an event is not one');
  const kind = (event as { kind: string }).kind;
  if (!Object.hasOwn(CLEAR, kind))
    throw new TaskgateError('not-supported', 'an event has a kind that is not known here');
  if (!CLEAR[kind as RecordingEventKind](event))
    throw new TaskgateError('bad-input', `the clear part of an event of kind ${kind} lacks what such an event has`);
  return event as StoredEvent;
}

/** An event's opened secret part, parsed from JSON; throws `bad-input` where the two do not belong together. */
export function checkSecret(event: Pick<ReadEvent, 'kind'>, secret: unknown): Readonly<Record<string, unknown>> {
  if (SECRET[event.kind]?.(secret) !== true)
    throw new TaskgateError(
      'bad-input',
      `the sealed part of an event of kind ${event.kind} is not what such an event has`,
    );
  return secret as Readonly<Record<string, unknown>>;
}

/** `undefined` where it is no JSON. */
export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
