import fs from 'node:fs';
import path from 'node:path';
import { TaskgateError } from '@taskgate/core';

/** An open recording in the spool. Writes are synchronous: when one returns, the bytes are in the kernel. */
export interface SpoolFile {
  /** Throws `record-unavailable`; the file is then closed for good: half a frame must never be followed by another. */
  write(bytes: Uint8Array): void;
  close(): void;
}

export interface Spool {
  readonly directory: string;
  create(sessionId: string): SpoolFile;
  /** Cuts a torn tail off and goes on after it. */
  reopen(sessionId: string, wholeBytes: number): SpoolFile;
  /** Bytes from `offset`; empty where there are none yet. */
  read(sessionId: string, offset: number): Uint8Array;
  readAll(sessionId: string): Uint8Array;
  list(): readonly string[];
  remove(sessionId: string): void;
}

const SUFFIX = '.tgr';
const SESSION_ID = /^ses_[0-9a-z]{26}$/;

/** Recordings that are being written, one plain file a session, below a private directory. */
export function createSpool(directory: string): Spool {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const fileOf = (sessionId: string): string => {
    if (!SESSION_ID.test(sessionId)) throw new TaskgateError('bad-input', 'that is not a session id');
    return path.join(directory, sessionId + SUFFIX);
  };
  const open = (file: string, flags: string): SpoolFile => {
    let descriptor: number | null = fs.openSync(file, flags, 0o600);
    const close = (): void => {
      if (descriptor !== null) fs.closeSync(descriptor);
      descriptor = null;
    };
    return {
      write(bytes) {
        if (descriptor === null) throw new TaskgateError('record-unavailable', 'the recording is closed');
        try {
          let written = 0;
          while (written < bytes.length) written += fs.writeSync(descriptor, bytes, written);
        } catch (cause) {
          close();
          throw new TaskgateError('record-unavailable', 'the recording cannot be written', { cause });
        }
      },
      close,
    };
  };
  const read = (sessionId: string, offset: number): Uint8Array => {
    const descriptor = fs.openSync(fileOf(sessionId), 'r');
    try {
      const size = fs.fstatSync(descriptor).size;
      const bytes = new Uint8Array(Math.max(0, Math.min(size - offset, 16 * 1024 * 1024)));
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
  return {
    directory,
    create: (sessionId) => open(fileOf(sessionId), 'ax'),
    reopen(sessionId, wholeBytes) {
      fs.truncateSync(fileOf(sessionId), wholeBytes);
      return open(fileOf(sessionId), 'a');
    },
    read,
    readAll(sessionId) {
      const parts: Uint8Array[] = [];
      for (let offset = 0; ; ) {
        const part = read(sessionId, offset);
        if (part.length === 0) return Buffer.concat(parts);
        parts.push(part);
        offset += part.length;
      }
    },
    list: () =>
      fs
        .readdirSync(directory)
        .filter((name) => name.endsWith(SUFFIX) && SESSION_ID.test(name.slice(0, -SUFFIX.length)))
        .map((name) => name.slice(0, -SUFFIX.length)),
    remove: (sessionId) => fs.rmSync(fileOf(sessionId), { force: true }),
  };
}
