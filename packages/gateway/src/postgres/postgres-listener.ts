import net from 'node:net';
import type tls from 'node:tls';
import { TaskgateError } from '@taskgate/core';
import { encodeFatal, ProtocolError, type ScramChannelBinding } from '@taskgate/protocol-postgres';
import { createAttemptLimiter } from '../attempt-limiter.ts';
import { acceptClient, ClientRefused } from './accept-client.ts';
import { adopt } from './direct-socket.ts';
import { PreludeEnded } from './prelude-reader.ts';
import { runPostgresSession, type SessionPorts } from './run-postgres-session.ts';

const ACCEPT_OPTIONS = { pauseOnConnect: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };
const AUTHENTICATION_DEADLINE_MS = 10_000;
/** Connections that have not proven anything yet: of one address, and of all. */
const MAX_PENDING_PER_ADDRESS = 50;
const MAX_PENDING = 500;
const MAX_SESSIONS = 10_000;

export interface Listener {
  readonly port: number;
  /** Takes no new connections; those that are open go on. */
  close(): Promise<void>;
}

/** The Postgres door: accepts, bounds what has not authenticated, and hands over. */
export async function listenPostgres(options: {
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly context: tls.SecureContext; readonly binding: ScramChannelBinding | null };
  readonly ports: SessionPorts;
  readonly authenticationDeadlineMs?: number;
}): Promise<Listener> {
  const { ports } = options;
  const attempts = createAttemptLimiter({ clock: ports.clock, free: 10, maxBlockMs: 300_000, maxKeys: 50_000 });
  const pending = new Map<string, number>();
  let pendingTotal = 0;

  const serve = async (socket: net.Socket): Promise<void> => {
    const address = socket.remoteAddress ?? '';
    const ofAddress = pending.get(address) ?? 0;
    if (pendingTotal >= MAX_PENDING || ofAddress >= MAX_PENDING_PER_ADDRESS || ports.live.count >= MAX_SESSIONS) {
      socket.end(encodeFatal('53300', 'too many connections to the gate', 'try again in a moment'));
      socket.destroySoon();
      return;
    }
    pending.set(address, ofAddress + 1);
    pendingTotal += 1;
    let stream = socket;
    const deadline = setTimeout(() => {
      stream.write(encodeFatal('57014', 'authentication took too long', null));
      stream.destroySoon();
    }, options.authenticationDeadlineMs ?? AUTHENTICATION_DEADLINE_MS);
    let accepted: Awaited<ReturnType<typeof acceptClient>> = null;
    try {
      accepted = await acceptClient(socket, {
        controlPlane: ports.controlPlane,
        cancels: ports.cancels,
        attempts,
        tls: options.tls,
        onStream: (secured) => {
          secured.on('error', () => secured.destroy());
          stream = secured;
        },
      });
    } catch (error) {
      refuse(stream, error, ports);
    } finally {
      clearTimeout(deadline);
      pendingTotal -= 1;
      const left = (pending.get(address) ?? 1) - 1;
      if (left > 0) pending.set(address, left);
      else pending.delete(address);
    }
    if (accepted === null) {
      socket.end();
      return;
    }
    await runPostgresSession(
      {
        client: accepted.socket,
        grantId: accepted.grantId,
        database: accepted.database,
        task: accepted.task,
        settings: accepted.settings,
        meaningful: accepted.meaningful,
        application: accepted.application,
        clientAddress: address,
        via: 'postgres',
        rest: accepted.rest,
        notices: accepted.notices,
        observer: null,
      },
      ports,
    );
  };

  const server = net.createServer(ACCEPT_OPTIONS, (accepted) => {
    const socket = adopt(accepted);
    // Whatever happens to a socket from here on is an ending of its session, never of the process.
    socket.on('error', () => socket.destroy());
    serve(socket).catch((error: unknown) => {
      ports.log.error('connection failed', { error: String(error) });
      socket.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as net.AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function refuse(socket: net.Socket, error: unknown, ports: SessionPorts): void {
  if (error instanceof PreludeEnded || socket.destroyed) {
    socket.destroy();
    return;
  }
  let response: Uint8Array;
  if (error instanceof ClientRefused) response = error.response;
  else if (error instanceof ProtocolError) response = encodeFatal(error.sqlstate, error.message, null);
  else if (error instanceof TaskgateError)
    response = encodeFatal(
      error.code === 'store-unavailable' ? '57P03' : '58000',
      error.message,
      'try again in a moment',
    );
  else {
    // A TLS alert or the like: there is no client to tell; a bug of ours is in the log.
    ports.log.warn('connection refused', { error: String(error) });
    socket.destroy();
    return;
  }
  socket.end(response);
  setTimeout(() => socket.destroy(), 500).unref();
}
