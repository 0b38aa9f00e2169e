import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { type SecretValue, TaskgateError } from '@taskgate/core';
import { JsonBytes } from '@taskgate/recording';
import { openSpoolFile, type SpoolFile } from './spool.ts';

/** How long what need not be durable yet (outcomes, rows) is gathered before it goes to its session's own file. */
const GATHER_MS = 50;
/** A file that is as long is left behind, once all that it speaks of is in the sessions' own files. */
const MAX_FILE_BYTES = 32 * 1024 * 1024;
/** Turns in which one session wrote alone, after which nothing waits for the end of the turn any more. */
const ALONE_TURNS = 8;
/** How soon a recording that could not be written is tried again. */
const RETRY_MS = 1_000;
const MAGIC = Buffer.from('TGJRN\r\n\x01', 'latin1');
const SALT_BYTES = 16;
const LENGTH_BYTES = 4;
const CRC_BYTES = 4;
const HEADER_BYTES = LENGTH_BYTES + CRC_BYTES;
const FRAME_BYTES = 64 * 1024;
const MAX_KEPT_FRAME_BYTES = 1024 * 1024;
const KEYSTREAM_BYTES = 64 * 1024;
const FILE_NAME = /^operations-(?:\d+-)?(\d+)\.tgj$/;

/** A recording that gathers. */
export interface GatheringRecorder {
  /** Everything to its own file. Throws `record-unavailable`; it is then tried again. */
  flush(): void;
}

/**
 * What is about to be forwarded, of all sessions of this gateway, in one file and one write a turn of the event loop:
 * the sessions' own recordings, with their chains and keys, follow in larger pieces. After a crash the journal says what
 * they lack. It is encrypted (AES-256-CTR, one stream a file) under a key of the file, derived from the installation's.
 */
export interface OperationJournal {
  /**
   * `done(null)` once the events are in the kernel, `done(error)` where they could not be written: at once, or where
   * several sessions are at work, with what the others have in this turn of the loop. `clear`, `secret`: JSON lists of
   * the parts of the same events, without their brackets; they are copied.
   */
  write(sessionId: string, clear: Uint8Array, secret: Uint8Array, done: (error: TaskgateError | null) => void): void;
  /** The recorder has something that its own file has not: it is flushed within {@link GATHER_MS}, or again until it succeeds. */
  gather(recorder: GatheringRecorder): void;
  /** Flushes what gathers; the files are removed where nothing is missing in the recordings. */
  close(): void;
}

export function createOperationJournal(options: {
  readonly directory: string;
  /** Which of the processes that write into this directory: their files have names of their own. */
  readonly writer: number;
  /** 32 bytes, base64: the installation's. */
  readonly key: SecretValue;
  readonly randomBytes: (length: number) => Uint8Array;
}): OperationJournal {
  fs.mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  let number = Math.max(0, ...journalFiles(options.directory).map((file) => file.number));
  let current: OpenJournal | null = null;
  const entries = new JsonBytes();
  let waiting: ((error: TaskgateError | null) => void)[] = [];
  const gathering = new Set<GatheringRecorder>();
  let timer: NodeJS.Timeout | null = null;
  let closed = false;
  let aloneFor = ALONE_TURNS;
  let wroteThisTurn = false;
  const endTurn = (): void => {
    wroteThisTurn = false;
  };

  const flushRecorders = (): boolean => {
    let all = true;
    for (const recorder of gathering)
      try {
        recorder.flush();
        gathering.delete(recorder);
      } catch {
        all = false;
      }
    return all;
  };
  const arm = (ms: number): void => {
    timer ??= setTimeout(() => {
      timer = null;
      if (!flushRecorders()) arm(RETRY_MS);
    }, ms);
  };
  /** A file that some recording still needs stays, for the next start to read. */
  const leave = (left: OpenJournal): void => {
    left.file.close();
    if (flushRecorders()) fs.rmSync(left.path, { force: true });
  };
  const journal = (): OpenJournal => {
    if (current !== null && current.size < MAX_FILE_BYTES) return current;
    const left = current;
    number += 1;
    current = openJournal(path.join(options.directory, `operations-${options.writer}-${number}.tgj`), options);
    if (left !== null) leave(left);
    return current;
  };
  const writeNow = (): void => {
    if (waiting.length === 0) return;
    entries.raw(']');
    const callbacks = waiting;
    aloneFor = callbacks.length === 1 ? aloneFor + 1 : 0;
    waiting = [];
    let failure: TaskgateError | null = null;
    try {
      journal().append(entries);
    } catch (error) {
      // Its stream is ahead of what it holds: the next write begins another.
      if (current !== null) leave(current);
      current = null;
      failure =
        error instanceof TaskgateError
          ? error
          : new TaskgateError('record-unavailable', 'the recording cannot be written', { cause: error });
    }
    if (entries.bytes.length > MAX_KEPT_FRAME_BYTES) entries.clear();
    else entries.length = 0;
    for (const done of callbacks) done(failure);
  };

  return {
    write(sessionId, clear, secret, done) {
      const alone = aloneFor >= ALONE_TURNS && !wroteThisTurn;
      // A second one in this turn: from now on they wait for each other.
      if (wroteThisTurn) aloneFor = 0;
      entries.raw(entries.length === 0 ? '[{"session":' : ',{"session":');
      entries.text(sessionId);
      entries.raw(',"clear":[');
      entries.put(clear);
      entries.raw('],"secret":[');
      entries.put(secret);
      entries.raw(']}');
      waiting.push(done);
      if (alone) {
        wroteThisTurn = true;
        setImmediate(endTurn);
        writeNow();
      } else if (waiting.length === 1) setImmediate(writeNow);
    },
    gather(recorder) {
      gathering.add(recorder);
      if (closed) flushRecorders();
      else arm(GATHER_MS);
    },
    close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      if (current !== null) leave(current);
      current = null;
    },
  };
}

interface OpenJournal {
  readonly path: string;
  readonly file: SpoolFile;
  size: number;
  append(payload: JsonBytes): void;
}

function openJournal(
  file: string,
  options: { readonly key: SecretValue; readonly randomBytes: (length: number) => Uint8Array },
): OpenJournal {
  const salt = options.randomBytes(SALT_BYTES);
  const key = fileKey(options.key, salt);
  const spoolFile = openSpoolFile(file, 'ax', 0);
  const header = Buffer.concat([MAGIC, salt]);
  try {
    spoolFile.write(header);
  } catch (error) {
    // The next write tries another: this one would stay open, and its file lie there, at each attempt.
    spoolFile.close();
    fs.rmSync(file, { force: true });
    throw error;
  }
  const keystream = createKeystream(key);
  /** Made once and used for every write that fits. */
  let frame = Buffer.allocUnsafeSlow(FRAME_BYTES);
  return {
    path: file,
    file: spoolFile,
    size: header.length,
    append({ bytes, length }) {
      // Where in the frame it begins is such that words of it meet whole words of the keystream.
      const start = keystream.offset;
      const from = start + LENGTH_BYTES;
      const end = start + HEADER_BYTES + length;
      if (end > frame.length) frame = Buffer.allocUnsafeSlow((end + 3) & ~3);
      frame.set(bytes.subarray(0, length), start + HEADER_BYTES);
      frame.writeUInt32BE(end - from, start);
      frame.writeUInt32BE(crc32(frame.subarray(start + HEADER_BYTES, end)), from);
      keystream.apply(frame, from, end);
      spoolFile.write(frame.subarray(start, end));
      if (frame.length > MAX_KEPT_FRAME_BYTES) frame = Buffer.allocUnsafeSlow(FRAME_BYTES);
      this.size += end - start;
    },
  };
}

interface Keystream {
  /** Where modulo 4 the next bytes must lie. */
  readonly offset: number;
  /** `bytes` begins where its memory does. */
  apply(bytes: Uint8Array, from: number, to: number): void;
}

/** AES-256-CTR, its keystream made in large pieces: a call into the cipher for each small write costs more than all else. */
function createKeystream(key: Uint8Array): Keystream {
  const cipher = createCipheriv('aes-256-ctr', key, ZERO_IV);
  const zeroes = Buffer.alloc(KEYSTREAM_BYTES);
  let stream = new Uint8Array(0);
  let words = new Int32Array(stream.buffer);
  let used = 0;
  return {
    get offset() {
      return used & 3;
    },
    apply(bytes, from, to) {
      const own = new Int32Array(bytes.buffer, 0, bytes.length >> 2);
      for (let i = from; i < to; ) {
        if (used === stream.length) {
          stream = new Uint8Array(cipher.update(zeroes));
          words = new Int32Array(stream.buffer);
          used = 0;
        }
        if ((i & 3) === 0 && to - i >= 4) {
          const at = i >> 2;
          const key = used >> 2;
          const count = Math.min((to - i) >> 2, words.length - key);
          for (let k = 0; k < count; k++) own[at + k]! ^= words[key + k]!;
          i += count * 4;
          used += count * 4;
        } else bytes[i++]! ^= stream[used++]!;
      }
    },
  };
}

function fileKey(key: SecretValue, salt: Uint8Array): Uint8Array {
  return key.reveal(
    (base64) =>
      new Uint8Array(hkdfSync('sha256', Buffer.from(base64, 'base64'), salt, 'taskgate operation journal', 32)),
  );
}

/** A key encrypts one file. */
const ZERO_IV = Buffer.alloc(16);

function journalFiles(directory: string): { readonly path: string; readonly number: number }[] {
  return fs
    .readdirSync(directory)
    .flatMap((name) => {
      const number = FILE_NAME.exec(name)?.[1];
      return number === undefined ? [] : [{ path: path.join(directory, name), number: Number(number) }];
    })
    .sort((a, b) => a.number - b.number);
}

/** One event as the journal holds it: parsed JSON. */
export interface JournaledEvent {
  readonly clear: Readonly<Record<string, unknown>>;
  readonly secret: Readonly<Record<string, unknown>> | null;
}

export interface LeftJournal {
  /** By session, in the order in which they were written. */
  readonly events: ReadonlyMap<string, readonly JournaledEvent[]>;
  /** Their recordings have them now. */
  remove(): void;
}

/**
 * What a gateway that was killed left. A torn last write was never acknowledged, and nothing that it speaks of was
 * forwarded. Throws `internal` where a file is not one that this installation's key opens.
 */
export function readLeftJournal(directory: string, key: SecretValue): LeftJournal {
  const files = fs.existsSync(directory) ? journalFiles(directory) : [];
  const events = new Map<string, JournaledEvent[]>();
  for (const file of files)
    for (const payload of openPayloads(fs.readFileSync(file.path), key))
      for (const entry of JSON.parse(payload) as {
        session: string;
        clear: JournaledEvent['clear'][];
        secret: JournaledEvent['secret'][];
      }[]) {
        const list = events.get(entry.session) ?? [];
        events.set(entry.session, list);
        for (const [index, clear] of entry.clear.entries()) list.push({ clear, secret: entry.secret[index] ?? null });
      }
  return {
    events,
    remove() {
      for (const file of files) fs.rmSync(file.path, { force: true });
    },
  };
}

function* openPayloads(bytes: Buffer, key: SecretValue): Generator<string> {
  const start = MAGIC.length + SALT_BYTES;
  // Killed while the file was made: nothing was written to it.
  if (bytes.length < start) return;
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new TaskgateError('internal', 'the journal is not one');
  const decipher = createDecipheriv('aes-256-ctr', fileKey(key, bytes.subarray(MAGIC.length, start)), ZERO_IV);
  for (let at = start; bytes.length - at >= 4; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return;
    const plain = decipher.update(bytes.subarray(at + 4, end));
    const payload = plain.subarray(CRC_BYTES);
    if (plain.length < CRC_BYTES || crc32(payload) !== plain.readUInt32BE(0))
      throw new TaskgateError('internal', 'the journal is damaged, or of another installation');
    yield payload.toString('utf8');
    at = end;
  }
}
