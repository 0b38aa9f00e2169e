import { createRecordingReader, createRecordingWriter, decodeRecording, verifyChain } from '@taskgate/recording';
import type { ControlPlane } from '../control-plane.ts';
import type { Log } from '../ports.ts';
import { sha256 } from './session-cipher.ts';
import type { Spool } from './spool.ts';
import type { SpoolIndexer } from './spool-indexer.ts';

/**
 * Ends the recordings that a killed gateway left open: cuts a torn last frame off and appends the end, so that their
 * operations without outcome are indexed as `unknown`. A file that does not verify is left as it is and named.
 */
export async function recoverSpool(options: {
  readonly spool: Spool;
  readonly indexer: SpoolIndexer;
  readonly controlPlane: ControlPlane;
  readonly gatewayName: string;
  readonly now: () => number;
  readonly log: Log;
}): Promise<void> {
  const left = new Set(options.spool.list());
  for (const sessionId of left) {
    try {
      const bytes = options.spool.readAll(sessionId);
      if (!hasHeader(bytes)) {
        // Killed before the first write was whole: nothing was forwarded.
        options.spool.remove(sessionId);
        left.delete(sessionId);
        continue;
      }
      const decoded = decodeRecording(bytes);
      const whole = bytes.subarray(0, decoded.wholeBytes);
      const verified = await verifyChain(whole, { sha256 });
      if (!verified.ok) {
        options.log.error('a recording in the spool does not verify; it is left there', {
          session: sessionId,
          at: verified.at,
        });
        continue;
      }
      const last = decoded.frames.at(-1);
      if (last?.event.kind !== 'session-end') {
        const writer = createRecordingWriter({
          header: decoded.header,
          sha256,
          seal: () => {
            throw new Error('a recovered recording gets no secret parts');
          },
          resumeAt: {
            count: decoded.frames.length,
            hash: last === undefined ? sha256(bytes.subarray(0, decoded.wholeBytes)) : last.hash,
          },
        });
        const file = options.spool.reopen(sessionId, decoded.wholeBytes);
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
        file.close();
      }
      options.indexer.touch(sessionId);
    } catch (error) {
      options.log.error('a recording in the spool cannot be read; it is left there', {
        session: sessionId,
        error: String(error),
      });
    }
  }
  await endUnrecorded(options, left);
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
