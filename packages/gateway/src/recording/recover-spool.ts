import type { SecretValue } from '@taskgate/core';
import {
  createRecordingReader,
  createRecordingWriter,
  decodeHeader,
  type NewRecordingEvent,
  type RecordingEventBody,
  type RecordingHeader,
  verifyChain,
} from '@taskgate/recording';
import type { ControlPlane } from '../control-plane.ts';
import type { Log } from '../ports.ts';
import { type JournaledEvent, readLeftJournal } from './operation-journal.ts';
import { createSessionSeal, sha256 } from './session-cipher.ts';
import type { Spool } from './spool.ts';
import type { SpoolIndexer } from './spool-indexer.ts';

const PIECE_BYTES = 256 * 1024;

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
      if (decodeHeader(bytes) === null) {
        // Killed before the first write was whole: nothing was forwarded.
        spool.remove(sessionId);
        left.delete(sessionId);
        continue;
      }
      const written = readWritten(bytes, journal.events.get(sessionId) ?? []);
      const whole = bytes.subarray(0, written.wholeBytes);
      const verified = await verifyChain(whole, { sha256 });
      if (!verified.ok) {
        log.error('a recording in the spool does not verify; it is left there', {
          session: sessionId,
          at: verified.at,
        });
        complete = false;
        continue;
      }
      if (!written.ended) await endRecording(sessionId, written, verified.head, options);
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

interface WrittenRecording {
  readonly header: RecordingHeader;
  readonly wholeBytes: number;
  /** Events in it. */
  readonly count: number;
  readonly ended: boolean;
  /** Statements, operations and outcomes that the journal has and the recording has not, in their order. */
  readonly missing: NewRecordingEvent[];
}

/** Piece by piece: what is parsed takes ten times the memory of what is written. */
function readWritten(bytes: Uint8Array, journaled: readonly JournaledEvent[]): WrittenRecording {
  const missing = new Map<string, JournaledEvent>();
  for (const event of journaled) missing.set(keyOf(event.clear), event);
  const reader = createRecordingReader({ sealed: false });
  let count = 0;
  let ended = false;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES)
    for (const { event } of reader.push(bytes.subarray(at, at + PIECE_BYTES))) {
      count += 1;
      ended = event.kind === 'session-end';
      missing.delete(keyOf({ ...event }));
    }
  return {
    header: reader.header!,
    wholeBytes: reader.end().wholeBytes,
    count,
    ended,
    missing: [...missing.values()].map(({ clear: { seq: _, ...event }, secret }) => {
      // Written by this gateway's own recorder, and opened under its key: what it says is an event.
      return { ...event, secret } as unknown as NewRecordingEvent;
    }),
  };
}

/** What the journal has is one of these three; an operation may have two outcomes. */
function keyOf({ kind, id, decisionId, outcome }: Readonly<Record<string, unknown>>): string {
  if (kind === 'statement') return `statement ${id}`;
  return kind === 'outcome' ? `outcome ${decisionId} ${outcome}` : `${kind} ${decisionId}`;
}

async function endRecording(
  sessionId: string,
  { header, count, wholeBytes, missing }: WrittenRecording,
  hash: Uint8Array,
  options: Pick<Parameters<typeof recoverSpool>[0], 'spool' | 'controlPlane' | 'now'>,
): Promise<void> {
  const seal =
    missing.length === 0
      ? () => {
          throw new Error('nothing of it is secret');
        }
      : createSessionSeal(await options.controlPlane.openSessionKey(sessionId, header.wrappedKey), sessionId);
  const writer = createRecordingWriter({
    header,
    sha256,
    seal,
    resumeAt: { count, hash },
  });
  for (const { at, ...event } of missing) writer.add(event as RecordingEventBody, at);
  const file = options.spool.reopen(sessionId, wholeBytes);
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
