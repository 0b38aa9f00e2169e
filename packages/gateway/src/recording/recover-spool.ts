import type { SecretValue } from '@taskgate/core';
import {
  createRecordingReader,
  createRecordingWriter,
  type DecodedRecording,
  decodeRecording,
  type NewRecordingEvent,
  type RecordingEventBody,
  verifyChain,
} from '@taskgate/recording';
import type { ControlPlane } from '../control-plane.ts';
import type { Log } from '../ports.ts';
import { type JournaledEvent, readLeftJournal } from './operation-journal.ts';
import { createSessionSeal, sha256 } from './session-cipher.ts';
import type { Spool } from './spool.ts';
import type { SpoolIndexer } from './spool-indexer.ts';

/**
 * Ends the recordings that a killed gateway left open: cuts a torn last frame off, adds the operations that only the
 * journal has, and the end, so that operations without outcome are indexed as `unknown`. A file that does not verify is
 * left as it is and named; the journal stays until every recording that it speaks of has what it says.
 */
export async function recoverSpool(options: {
  readonly spool: Spool;
  /** Opens the journal. */
  readonly journalKey: SecretValue;
  readonly indexer: SpoolIndexer;
  readonly controlPlane: ControlPlane;
  readonly gatewayName: string;
  readonly now: () => number;
  readonly log: Log;
}): Promise<void> {
  const { spool, log } = options;
  const journal = readLeftJournal(spool.directory, options.journalKey);
  const left = new Set(spool.list());
  let complete = true;
  for (const sessionId of left) {
    try {
      const bytes = spool.readAll(sessionId);
      if (!hasHeader(bytes)) {
        // Killed before the first write was whole: nothing was forwarded.
        spool.remove(sessionId);
        left.delete(sessionId);
        continue;
      }
      const decoded = decodeRecording(bytes);
      const whole = bytes.subarray(0, decoded.wholeBytes);
      const verified = await verifyChain(whole, { sha256 });
      if (!verified.ok) {
        log.error('a recording in the spool does not verify; it is left there', {
          session: sessionId,
          at: verified.at,
        });
        complete = false;
        continue;
      }
      if (decoded.events.at(-1)?.event.kind !== 'session-end')
        await endRecording(sessionId, decoded, verified.head, journal.events.get(sessionId) ?? [], options);
      options.indexer.touch(sessionId);
    } catch (error) {
      log.error('a recording in the spool cannot be read; it is left there', {
        session: sessionId,
        error: String(error),
      });
      complete = false;
    }
  }
  if (complete) journal.remove();
  await endUnrecorded(options, left);
}

async function endRecording(
  sessionId: string,
  decoded: DecodedRecording,
  hash: Uint8Array,
  journaled: readonly JournaledEvent[],
  options: Pick<Parameters<typeof recoverSpool>[0], 'spool' | 'controlPlane' | 'now'>,
): Promise<void> {
  const missing = missingEvents(decoded, journaled);
  const seal =
    missing.length === 0
      ? () => {
          throw new Error('nothing of it is secret');
        }
      : createSessionSeal(await options.controlPlane.openSessionKey(sessionId, decoded.header.wrappedKey), sessionId);
  const writer = createRecordingWriter({
    header: decoded.header,
    sha256,
    seal,
    resumeAt: { count: decoded.events.length, hash },
  });
  for (const { at, ...event } of missing) writer.add(event as RecordingEventBody, at);
  const file = options.spool.reopen(sessionId, decoded.wholeBytes);
  try {
    file.write(
      writer.append({
        kind: 'session-end',
        at: options.now(),
        reason: 'gateway-crashed',
        detail: 'the gateway ended without closing this session; operations without an outcome are unknown',
        bytesIn: 0,
        bytesOut: 0,
      }),
    );
  } finally {
    file.close();
  }
}

/** Statements, operations and outcomes that the journal has and the recording has not, in their order. */
function missingEvents(decoded: DecodedRecording, journaled: readonly JournaledEvent[]): NewRecordingEvent[] {
  const statements = new Set<unknown>();
  const operations = new Set<unknown>();
  const outcomes = new Set<unknown>();
  for (const { event } of decoded.events)
    if (event.kind === 'statement') statements.add(event.id);
    else if (event.kind === 'operation') operations.add(event.decisionId);
    else if (event.kind === 'outcome') outcomes.add(`${event.decisionId} ${event.outcome}`);
  return journaled.flatMap(({ clear, secret }) => {
    const { seq: _, ...event } = clear;
    const known =
      event.kind === 'statement'
        ? statements.has(event.id)
        : event.kind === 'operation'
          ? operations.has(event.decisionId)
          : outcomes.has(`${event.decisionId} ${event.outcome}`);
    // Written by this gateway's own recorder, and opened under its key: what it says is an event.
    return known ? [] : [{ ...event, secret } as unknown as NewRecordingEvent];
  });
}

/** Sessions that the store has and the spool has not: the gateway was killed before it had written anything of them. */
async function endUnrecorded(
  options: Pick<Parameters<typeof recoverSpool>[0], 'controlPlane' | 'gatewayName' | 'now' | 'log'>,
  recorded: ReadonlySet<string>,
): Promise<void> {
  try {
    for (const { sessionId } of await options.controlPlane.unfinishedSessions(options.gatewayName)) {
      if (recorded.has(sessionId)) continue;
      await options.controlPlane.indexSession(sessionId, {
        operations: [],
        outcomes: [],
        end: {
          at: options.now(),
          reason: 'gateway-crashed',
          detail: 'the gateway ended before anything was recorded; nothing was forwarded',
          interrupted: true,
          head: { count: 0, hash: '' },
          bytesIn: 0,
          bytesOut: 0,
        },
        upTo: 0,
      });
    }
  } catch (error) {
    options.log.warn('sessions of before could not be ended; the next start tries again', { error: String(error) });
  }
}

/** False for a file that ends within its header. */
function hasHeader(bytes: Uint8Array): boolean {
  const reader = createRecordingReader();
  reader.push(bytes);
  return reader.header !== null;
}
