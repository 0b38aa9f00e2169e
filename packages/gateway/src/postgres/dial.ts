import net from 'node:net';

/**
 * What any connection reads, it reads into here: the bytes are looked at before the next read, so that no memory is made
 * for each. A plain Uint8Array: `slice` of it is a copy.
 */
const READ_BUFFER = new Uint8Array(64 * 1024);

export interface DialedSocket {
  readonly socket: net.Socket;
  /**
   * From here on `listener` gets what is read, in memory that is used again once it returns. `null`: it is read as a
   * stream again, as before.
   */
  listen(listener: ((chunk: Uint8Array) => void) | null): void;
}

/** A TCP connection that can be read without a copy and an event for each read. */
export function dial(host: string, port: number): DialedSocket {
  let listener: ((chunk: Uint8Array) => void) | null = null;
  const socket: net.Socket = net.connect({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    onread: {
      buffer: READ_BUFFER,
      callback: (count, bytes) => {
        const chunk = bytes.subarray(0, count);
        if (listener === null) return socket.push(Buffer.from(chunk));
        listener(chunk);
        return true;
      },
    },
  });
  return {
    socket,
    listen: (given) => {
      listener = given;
    },
  };
}
