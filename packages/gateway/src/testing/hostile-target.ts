import net from 'node:net';
import { createFrameDecoder, type Frame, isBackendTag, maxBackendBytes } from '@taskgate/protocol-postgres';

/**
 * A real Postgres with somebody in front of it who changes what it answers: for each message of the server, `change`
 * gives the bytes that are sent in its place.
 */
export interface HostileTarget {
  readonly port: number;
  /** From now on. `null`: everything as the server said it. */
  change: ((frame: Frame) => Uint8Array | readonly Uint8Array[]) | null;
  close(): Promise<void>;
}

export async function startHostileTarget(real: {
  readonly host: string;
  readonly port: number;
}): Promise<HostileTarget> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(real.port, real.host);
    sockets.add(client).add(upstream);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.end());
    client.pipe(upstream);
    const decoder = createFrameDecoder({ maxBytes: maxBackendBytes, knows: isBackendTag });
    upstream.on('data', (chunk: Buffer) => {
      for (const frame of decoder.push(new Uint8Array(chunk))) {
        const changed = hostile.change?.(frame) ?? frame.raw;
        for (const bytes of Array.isArray(changed) ? changed : [changed]) client.write(bytes as Uint8Array);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const hostile: HostileTarget = {
    port: (server.address() as net.AddressInfo).port,
    change: null,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return hostile;
}

/** In front of the server's answer to a statement (not to the handshake): `bytes` first. */
export const before =
  (tag: number, ...bytes: readonly Uint8Array[]) =>
  (frame: Frame): readonly Uint8Array[] =>
    frame.tag === tag ? [...bytes, frame.raw] : [frame.raw];

/** In place of it. */
export const insteadOf =
  (tag: number, ...bytes: readonly Uint8Array[]) =>
  (frame: Frame): readonly Uint8Array[] =>
    frame.tag === tag ? bytes : [frame.raw];
