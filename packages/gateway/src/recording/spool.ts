import fs from 'node:fs';
import path from 'node:path';
import { TaskgateError } from '@taskgate/core';

/** One file that is being written: appended whole, so that half a write never stands in front of another. */
export interface SpoolFile {
  /**
   * The bytes are in the kernel when it returns. Throws `record-unavailable`: what was written of them has been cut off
   * again, or will be before the next write, and a later write can succeed.
   */
  write(bytes: Uint8Array): void;
  close(): void;
}

export interface Spool {
  readonly directory: string;
  create(sessionId: string): SpoolFile;
  /** Cuts a torn tail off and goes on after it. */
  reopen(sessionId: string, wholeBytes: number): SpoolFile;
  /** Bytes from `offset`, so many at most; empty where there are none yet. */
  read(sessionId: string, offset: number, maxBytes?: number): Uint8Array;
  readAll(sessionId: string): Uint8Array;
  /** The same piece by piece, as it is read. */
  chunks(sessionId: string): Iterable<Uint8Array>;
  list(): readonly string[];
  remove(sessionId: string): void;
}

const CHUNK_BYTES = 1024 * 1024;
const SUFFIX = '.tgr';
const SESSION_ID = /^ses_[0-9a-z]{26}$/;

/** Opens `file` with `flags` of `fs.open`; `size`: what it holds already. */
export function openSpoolFile(file: string, flags: string, size: number): SpoolFile {
  let descriptor: number | null = openOrRefuse(file, flags);
  let whole = size;
  let torn = false;
  return {
    write(bytes) {
      if (descriptor === null) throw new TaskgateError('record-unavailable', 'the recording is closed');
      try {
        if (torn) fs.ftruncateSync(descriptor, whole);
        torn = false;
        let written = 0;
        while (written < bytes.length) {
          torn = true;
          written += fs.writeSync(descriptor, bytes, written);
        }
        torn = false;
        whole += bytes.length;
      } catch (cause) {
        throw new TaskgateError('record-unavailable', 'the recording cannot be written', { cause });
      }
    },
    close() {
      if (descriptor === null) return;
      try {
        if (torn) fs.ftruncateSync(descriptor, whole);
      } catch {
        // A torn tail is cut off when the file is read.
      }
      fs.closeSync(descriptor);
      descriptor = null;
    },
  };
}

function openOrRefuse(file: string, flags: string): number {
  try {
    return fs.openSync(file, flags, 0o600);
  } catch (cause) {
    throw new TaskgateError('record-unavailable', 'the recording cannot be written', { cause });
  }
}

/** Recordings that are being written, one plain file a session, below a private directory. */
export function createSpool(directory: string): Spool {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const fileOf = (sessionId: string): string => {
    if (!SESSION_ID.test(sessionId)) throw new TaskgateError('bad-input', 'that is not a session id');
    return path.join(directory, sessionId + SUFFIX);
  };
  const read = (sessionId: string, offset: number, maxBytes = 16 * 1024 * 1024): Uint8Array => {
    const descriptor = fs.openSync(fileOf(sessionId), 'r');
    try {
      const size = fs.fstatSync(descriptor).size;
      const bytes = new Uint8Array(Math.max(0, Math.min(size - offset, maxBytes)));
      let read = 0;
      while (read < bytes.length) {
        const count = fs.readSync(descriptor, bytes, read, bytes.length - read, offset + read);
        if (count === 0) break;
        read += count;
      }
      return bytes.subarray(0, read);
    } finally {
      fs.closeSync(descriptor);
    }
  };
  function* chunks(sessionId: string): Generator<Uint8Array> {
    for (let offset = 0; ; ) {
      const chunk = read(sessionId, offset, CHUNK_BYTES);
      if (chunk.length === 0) return;
      yield chunk;
      offset += chunk.length;
    }
  }
  return {
    directory,
    create: (sessionId) => openSpoolFile(fileOf(sessionId), 'ax', 0),
    reopen(sessionId, wholeBytes) {
      fs.truncateSync(fileOf(sessionId), wholeBytes);
      return openSpoolFile(fileOf(sessionId), 'a', wholeBytes);
    },
    read,
    readAll: (sessionId) => read(sessionId, 0, Number.POSITIVE_INFINITY),
    chunks,
    list: () =>
      fs
        .readdirSync(directory)
        .filter((name) => name.endsWith(SUFFIX) && SESSION_ID.test(name.slice(0, -SUFFIX.length)))
        .map((name) => name.slice(0, -SUFFIX.length)),
    remove: (sessionId) => fs.rmSync(fileOf(sessionId), { force: true }),
  };
}
