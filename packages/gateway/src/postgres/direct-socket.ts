import fs from 'node:fs';
import net from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * What any connection reads, it reads into here: the bytes are looked at before the next read, so that no memory is made
 * for each. A plain Uint8Array: `slice` of it is a copy.
 */
const READ_BUFFER = new Uint8Array(64 * 1024);

/** The part of Node's own handle of a socket that is used here; see docs/decisions/0018. */
interface Handle {
  /** -1 where there is none, and once it is closed. */
  readonly fd: number;
}
interface WithHandle {
  _handle?: Handle | null;
}

interface Reading {
  listener: ((chunk: Uint8Array) => void) | null;
}

/** Plain TCP sockets that are read and written without Node's streams. INVARIANT: never one that speaks TLS. */
const readings = new WeakMap<Duplex, Reading>();

function onread(reading: Reading, socket: () => net.Socket): net.OnReadOpts {
  return {
    buffer: READ_BUFFER,
    callback: (count, bytes) => {
      const chunk = bytes.subarray(0, count);
      if (reading.listener === null) return socket().push(Buffer.from(chunk));
      reading.listener(chunk);
      return true;
    },
  };
}

/** A TCP connection that can be read without a copy and an event for each read. */
export function dial(host: string, port: number): net.Socket {
  const reading: Reading = { listener: null };
  const socket: net.Socket = net.connect({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    onread: onread(reading, () => socket),
  });
  readings.set(socket, reading);
  return socket;
}

/** The like of an accepted connection, in place of the socket that a server with `pauseOnConnect` gave. */
export function adopt(accepted: net.Socket): net.Socket {
  const handle = (accepted as WithHandle)._handle;
  if (handle === undefined || handle === null) return accepted.resume();
  (accepted as WithHandle)._handle = null;
  const reading: Reading = { listener: null };
  const options: object = { handle, onread: onread(reading, () => socket) };
  const socket: net.Socket = new net.Socket(options);
  readings.set(socket, reading);
  // The server counts it until then.
  socket.once('close', () => accepted.destroy());
  return socket;
}

/**
 * From here on `listener` gets what is read: of a plain TCP socket in memory that is used again once it returns. `null`:
 * it is read as a stream again, as before.
 */
export function listenTo(stream: Duplex, listener: ((chunk: Uint8Array) => void) | null): void {
  const reading = readings.get(stream);
  if (reading !== undefined) reading.listener = listener;
  else if (listener === null) stream.removeAllListeners('data');
  else stream.on('data', (chunk: Buffer) => listener(withoutBuffer(chunk)));
}

/** The same memory, whose `slice` is a copy and not a view. */
export function withoutBuffer({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

/**
 * How many of the first `length` bytes the kernel took at once: without the stream's bookkeeping, which costs more than
 * the system call. The rest, or all of it where 0, is to be written to the stream; what went wrong it will say itself.
 */
export function writeDirectly(stream: Duplex, bytes: Uint8Array, length = bytes.length): number {
  if (!readings.has(stream) || stream.writableLength > 0 || stream.writableEnded || stream.destroyed) return 0;
  // Asked each time: the number of a closed one may be another file's by now.
  const fd = (stream as WithHandle)._handle?.fd ?? -1;
  if (fd < 0) return 0;
  try {
    return fs.writeSync(fd, bytes, 0, length);
  } catch {
    return 0;
  }
}

/** One system call for several parts. False: the target does not keep up. */
export function writeTogether(stream: Duplex, parts: readonly Uint8Array[]): boolean {
  let total = 0;
  for (const part of parts) total += part.length;
  // Small parts are cheaper copied together than handed to the kernel one by one.
  if (parts.length === 1 || total <= 65_536) {
    const bytes = parts.length === 1 ? parts[0]! : (asOneView(parts, total) ?? Buffer.concat(parts, total));
    const taken = writeDirectly(stream, bytes);
    return taken === bytes.length || stream.write(bytes.subarray(taken));
  }
  stream.cork();
  let flowing = true;
  for (const part of parts) flowing = stream.write(part);
  stream.uncork();
  return flowing;
}

/** Messages that came behind each other, and go on so. */
function asOneView(parts: readonly Uint8Array[], total: number): Uint8Array | null {
  const [first] = parts;
  if (first === undefined) return null;
  let end = first.byteOffset;
  for (const part of parts) {
    if (part.buffer !== first.buffer || part.byteOffset !== end) return null;
    end += part.length;
  }
  return new Uint8Array(first.buffer, first.byteOffset, total);
}
