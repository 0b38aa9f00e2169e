import net from 'node:net';
import {
  createFrameDecoder,
  decodeStartupPacket,
  encodeBackendKeyData,
  encodeBackendMessage,
  encodeParameterStatus,
  encodeReadyForQuery,
  type Frame,
  isFrontendTag,
  maxFrontendBytes,
} from '@taskgate/protocol-postgres';

/** One connection of the gate, past its handshake. */
export interface TargetPeer {
  readonly socket: net.Socket;
  /** As the client named itself. */
  application: string;
  /** Everything that the gate sent, in order. */
  readonly frames: Frame[];
  send(...messages: readonly Uint8Array[]): void;
}

export interface Script {
  /** What it says in place of a welcome; `null`: the usual one. */
  readonly welcome?: (socket: net.Socket) => void;
  readonly onConnection?: (peer: TargetPeer) => void;
  readonly onFrame?: (frame: Frame, peer: TargetPeer) => void;
}

/** A server that welcomes whoever comes, and then does what the test says: honest, hostile or both. */
export interface ScriptedTarget {
  readonly port: number;
  readonly peers: TargetPeer[];
  /** Of all connections, cancel requests among them. */
  readonly connections: number;
  readonly cancels: number;
  script: Script;
  close(): Promise<void>;
}

export async function openScriptedTarget(): Promise<ScriptedTarget> {
  const sockets = new Set<net.Socket>();
  const peers: TargetPeer[] = [];
  let connections = 0;
  let cancels = 0;
  const server = net.createServer({ noDelay: true }, (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    const decoder = createFrameDecoder({ maxBytes: maxFrontendBytes, knows: isFrontendTag });
    let startup = Buffer.alloc(0);
    const peer: TargetPeer = {
      socket,
      application: '',
      frames: [],
      send: (...messages) => {
        if (!socket.destroyed) socket.write(Buffer.concat(messages));
      },
    };
    let welcomed = false;
    const read = (chunk: Uint8Array): void => {
      for (const frame of decoder.push(new Uint8Array(chunk))) {
        peer.frames.push(frame);
        if (frame.tag === 0x58) socket.end();
        else target.script.onFrame?.(frame, peer);
      }
    };
    socket.on('data', (chunk) => {
      if (welcomed) return read(chunk);
      startup = Buffer.concat([startup, chunk]);
      const packet = decodeStartupPacket(startup);
      if (packet.kind === 'incomplete') return;
      if (packet.kind === 'cancel') {
        cancels += 1;
        socket.end();
        return;
      }
      if (packet.kind === 'startup') peer.application = packet.parameters.get('application_name') ?? '';
      const rest = startup.subarray(packet.bytes);
      welcomed = true;
      if (target.script.welcome !== undefined) return target.script.welcome(socket);
      peers.push(peer);
      peer.send(...WELCOME);
      target.script.onConnection?.(peer);
      if (rest.length > 0) read(rest);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const target: ScriptedTarget = {
    port: (server.address() as net.AddressInfo).port,
    peers,
    get connections() {
      return connections;
    },
    get cancels() {
      return cancels;
    },
    script: {},
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return target;
}

export const WELCOME: readonly Uint8Array[] = [
  encodeBackendMessage({ kind: 'authentication', request: { kind: 'ok' } }),
  encodeParameterStatus('server_version', '18.0'),
  encodeParameterStatus('client_encoding', 'UTF8'),
  encodeBackendKeyData(7, new Uint8Array([1, 2, 3, 4])),
  encodeReadyForQuery('idle'),
];
