import { access, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { isId, TaskgateError } from '@taskgate/core';
import { isSealedRecording, unsealRecording } from '@taskgate/recording';
import type { ServiceSettings } from '../context.ts';

/** Where recordings are read from. */
export interface RecordingStore {
  /** The plain bytes, of a live session those written so far; `null` where there is no recording. */
  read(sessionId: string): Promise<Uint8Array | null>;
  has(sessionId: string): Promise<boolean>;
  /** Deletes the recording of a session that has ended; one that is not there is deleted. */
  erase(sessionId: string): Promise<void>;
}

/** Of one recording, unsealed: above it the page says so instead of taking the process down. */
const MAX_PLAIN_BYTES = 512 * 1024 * 1024;
const inflate = promisify(gunzip);

/** The gateway's spool, a plain file a live session, and its archive, a sealed file an ended one. */
export function createFolderRecordingStore(
  settings: Pick<ServiceSettings, 'spoolDirectory' | 'recordingsDirectory'>,
): RecordingStore {
  const live = (id: string): string => join(settings.spoolDirectory, `${id}.tgr`);
  const ended = (id: string): string => join(settings.recordingsDirectory, `${id}.tgs`);
  return {
    async read(sessionId) {
      // The id becomes part of a path.
      if (!isId(sessionId, 'ses')) return null;
      // A session that ends meanwhile moves from the first to the second.
      const bytes = (await readIfThere(live(sessionId))) ?? (await readIfThere(ended(sessionId)));
      if (bytes === null || bytes.length === 0) return null;
      return isSealedRecording(bytes) ? unseal(bytes) : bytes;
    },
    async has(sessionId) {
      if (!isId(sessionId, 'ses')) return false;
      return (await isThere(live(sessionId))) || (await isThere(ended(sessionId)));
    },
    async erase(sessionId) {
      if (isId(sessionId, 'ses')) await rm(ended(sessionId), { force: true });
    },
  };
}

function unseal(bytes: Uint8Array): Promise<Uint8Array> {
  return unsealRecording(bytes, {
    decompress: (block, plainLength) => inflate(block, { maxOutputLength: Math.max(1, plainLength) }),
    maxBytes: MAX_PLAIN_BYTES,
  });
}

async function readIfThere(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw new TaskgateError('record-unavailable', 'the recording cannot be read', { cause });
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
