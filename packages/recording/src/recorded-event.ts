import { TaskgateError, utf8Decode } from '@taskgate/core';
import type { ReadEvent, StoredEvent } from './event.ts';
import type { Open, RecordingFrame } from './frame.ts';
import { RECORDING_LIMITS } from './limits.ts';
import { checkSecret, parseJson } from './parse-event.ts';

/** One event of a recording that was read, with where its secret part lies. */
export interface RecordedEvent {
  /** The clear part; that of an operation with what its statement says. */
  readonly event: ReadEvent;
  readonly frame: RecordingFrame;
  /** Its place in the frame. */
  readonly index: number;
  /** An operation's statement; `null` for others, and in format 1. */
  readonly statement: RecordedEvent | null;
}

const NOTHING = new Uint8Array(0);

/**
 * Gives the events of frames, in their order, each operation joined with its statement. Throws `bad-input` where one
 * refers to nothing. Without `sealed` it keeps of a statement what is clear, and not the frame that it came in.
 */
export function createEventJoiner(options: { readonly sealed: boolean }): (frame: RecordingFrame) => RecordedEvent[] {
  const statements = new Map<number, RecordedEvent>();
  return (frame) =>
    frame.events.map((stored, index) => {
      const recorded = join(stored, frame, index, statements);
      if (stored.kind !== 'statement') return recorded;
      const kept = options.sealed ? frame : { ...frame, bytes: NOTHING, events: [], sealed: null, hash: NOTHING };
      statements.set(stored.id, { ...recorded, frame: kept });
      if (statements.size > RECORDING_LIMITS.maxStatements) statements.delete(statements.keys().next().value!);
      return recorded;
    });
}

function join(
  stored: StoredEvent,
  frame: RecordingFrame,
  index: number,
  statements: ReadonlyMap<number, RecordedEvent>,
): RecordedEvent {
  if (stored.kind !== 'operation' || !('statementId' in stored))
    return { event: stored as ReadEvent, frame, index, statement: null };
  const { statementId, ...own } = stored;
  const statement = statements.get(statementId);
  if (statement === undefined)
    throw new TaskgateError('bad-input', `an operation is of statement ${statementId}, which is not there`);
  return { event: { ...statement.event, ...own } as ReadEvent, frame, index, statement };
}

const opened = new WeakMap<RecordingFrame, WeakMap<Open, Promise<readonly unknown[]>>>();

/** The secret parts of a frame: opened once, however many of its events are asked for. */
function openFrame(frame: RecordingFrame, open: Open): Promise<readonly unknown[]> {
  let byKey = opened.get(frame);
  if (byKey === undefined) {
    byKey = new WeakMap();
    opened.set(frame, byKey);
  }
  let secrets = byKey.get(open);
  if (secrets === undefined) {
    secrets = openSecrets(frame, open);
    byKey.set(open, secrets);
  }
  return secrets;
}

async function openSecrets(frame: RecordingFrame, open: Open): Promise<readonly unknown[]> {
  if (frame.sealed === null) return [];
  const { seq } = frame.events[0]!;
  let plaintext: Uint8Array;
  try {
    plaintext = await open(frame.sealed, seq);
  } catch (cause) {
    throw new TaskgateError('bad-input', `the sealed part of event ${seq} does not open with this key`, { cause });
  }
  const json = utf8Decode(plaintext);
  const parsed = json === null ? undefined : parseJson(json);
  const secrets = frame.sealedList ? parsed : [parsed];
  if (!Array.isArray(secrets) || secrets.length !== frame.events.length)
    throw new TaskgateError('bad-input', `the sealed part of event ${seq} is not one`);
  return secrets;
}

/** The event with its secret part, opened under the session's key. Throws `bad-input` where it does not open. */
export async function openEvent(recorded: RecordedEvent, open: Open): Promise<ReadEvent> {
  const { event, frame, index, statement } = recorded;
  const own = (await openFrame(frame, open))[index] ?? null;
  if (own === null && statement === null) return event;
  const secret = own === null ? {} : checkSecret(event, own);
  if (statement === null) return { ...event, secret } as ReadEvent;
  const said = checkSecret(statement.event, (await openFrame(statement.frame, open))[statement.index]);
  return { ...event, secret: { ...said, ...secret } } as unknown as ReadEvent;
}
