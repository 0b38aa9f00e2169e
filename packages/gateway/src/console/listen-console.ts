import http from 'node:http';
import type net from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { type ConsoleEvent, ConsoleRequest } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Listener } from '../postgres/postgres-listener.ts';
import type { PostgresSession } from '../postgres/postgres-session.ts';
import { runPostgresSession, type SessionPorts } from '../postgres/run-postgres-session.ts';
import { ConsoleClient } from './console-client.ts';

const MAX_MESSAGE_BYTES = 1_300_000;
const OPEN_DEADLINE_MS = 10_000;
const MAX_SOCKETS = 2_000;
/** Sockets of one address without a ticket yet: anybody can open those. */
const MAX_WAITING_PER_ADDRESS = 50;
const PING_MS = 30_000;
/** Above this much unsent output the target waits. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024;

/**
 * The console's WebSocket, and `/health` for the readiness check. A browser's own cookies open nothing here: the first
 * message must hold a one-time ticket, and the Origin must be the web's (cross-site WebSocket hijacking).
 */
export async function listenConsole(options: {
  readonly host: string;
  readonly port: number;
  readonly allowedOrigins: readonly string[];
  readonly ports: SessionPorts;
}): Promise<Listener> {
  const { ports } = options;
  const server = http.createServer({ maxHeaderSize: 16_384 }, (request, response) => {
    const healthy = request.method === 'GET' && request.url === '/health';
    response.writeHead(healthy ? 200 : 404, { 'content-type': 'text/plain', 'x-content-type-options': 'nosniff' });
    response.end(healthy ? 'ok\n' : 'this port serves the console of the web app\n');
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 10_000;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
  const waiting = new Map<string, number>();
  server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const origin = request.headers.origin ?? '';
    const refuse = (status: string): void => {
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    };
    if (request.url !== '/console') return refuse('404 Not Found');
    if (!options.allowedOrigins.includes(origin)) return refuse('403 Forbidden');
    if (sockets.clients.size >= MAX_SOCKETS) return refuse('503 Service Unavailable');
    const address = (socket as net.Socket).remoteAddress ?? '';
    const ofAddress = waiting.get(address) ?? 0;
    if (ofAddress >= MAX_WAITING_PER_ADDRESS) return refuse('503 Service Unavailable');
    waiting.set(address, ofAddress + 1);
    let counted = true;
    const waitsNoMore = (): void => {
      if (!counted) return;
      counted = false;
      const left = waiting.get(address)! - 1;
      if (left > 0) waiting.set(address, left);
      else waiting.delete(address);
    };
    socket.once('close', waitsNoMore);
    sockets.handleUpgrade(request, socket, head, (webSocket) => serveConsole(webSocket, address, ports, waitsNoMore));
  });
  const pings = setInterval(() => {
    for (const socket of sockets.clients) socket.ping();
  }, PING_MS);
  pings.unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as net.AddressInfo).port,
    async close() {
      clearInterval(pings);
      for (const socket of sockets.clients) socket.close(1001, 'the gate is shutting down');
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function serveConsole(socket: WebSocket, clientAddress: string, ports: SessionPorts, onOpened: () => void): void {
  let console: { readonly client: ConsoleClient; session: PostgresSession | null } | null = null;
  let opening = false;
  const emit = (event: ConsoleEvent): boolean => {
    if (socket.readyState !== socket.OPEN) return true;
    socket.send(JSON.stringify(event), () => {
      if (socket.bufferedAmount < HIGH_WATER_BYTES / 2) console?.client.resume();
    });
    return socket.bufferedAmount < HIGH_WATER_BYTES;
  };
  const end = (code: string, message: string): void => {
    emit({ type: 'ended', code, message });
    socket.close(1008, message.slice(0, 120));
  };
  const deadline = setTimeout(() => {
    if (console === null) end('timeout', 'no ticket came in time');
  }, OPEN_DEADLINE_MS);

  async function open(ticket: string): Promise<void> {
    opening = true;
    const { grantId } = await ports.controlPlane.redeemTicket(ticket);
    // Gone while the ticket was looked up: a session opened now would have nobody to end it.
    if (socket.readyState !== socket.OPEN) return;
    onOpened();
    const [inner, outer] = duplexPair();
    const client = new ConsoleClient(inner, emit, () => ports.clock.monotonicMs());
    const opened: { readonly client: ConsoleClient; session: PostgresSession | null } = { client, session: null };
    console = opened;
    clearTimeout(deadline);
    inner.on('close', () => socket.close(1000));
    inner.on('end', () => socket.close(1000));
    await runPostgresSession(
      {
        client: outer,
        grantId,
        database: null,
        task: null,
        meaningful: null,
        settings: new Map([['application_name', 'taskgate console']]),
        application: 'console',
        clientAddress,
        via: 'console',
        rest: new Uint8Array(0),
        notices: [],
        observer: {
          onDecision: () => undefined,
          onShape: (_decisionId, columns) => client.masksOf(columns.map(({ mask }) => mask)),
        },
        onStarted: (session) => {
          opened.session = session;
          const { sessionId, grant } = session.state;
          emit({
            type: 'ready',
            sessionId,
            task: grant.task.name,
            resource: grant.resource.name,
            expiresAt: new Date(grant.expiresAt).toISOString(),
          });
        },
      },
      ports,
    );
  }

  let asked: Extract<ConsoleRequest, { type: 'preflight' }> | null = null;
  let answering = false;
  /**
   * One at a time, the latest only, and never more than half of this process's time: each is decided in one go, so a
   * flood of them would hold up every session of the gate.
   */
  const answerPreflights = async (session: PostgresSession): Promise<void> => {
    answering = true;
    try {
      while (asked !== null && socket.readyState === socket.OPEN) {
        const { id, sql } = asked;
        asked = null;
        const since = ports.clock.monotonicMs();
        const decided = await session.preflight(sql);
        emit({
          type: 'verdict',
          id,
          statements: decided.map(({ operation, decision }) => ({
            label: operation.label,
            statementClass: operation.statementClass,
            outcome: decision.outcome,
            reasons: [...decision.reasons],
            masks: decision.obligations.outputMasks.flatMap((mask, index) =>
              mask === null ? [] : [{ column: operation.output?.[index]?.name ?? '', mask }],
            ),
          })),
        });
        await new Promise((resolve) => setTimeout(resolve, ports.clock.monotonicMs() - since).unref());
      }
    } finally {
      answering = false;
    }
  };

  const handle = async (data: string): Promise<void> => {
    const parsed = ConsoleRequest.safeParse(JSON.parse(data));
    if (!parsed.success) return end('bad-input', 'that is not a message of the console');
    const request = parsed.data;
    if (request.type === 'open') {
      if (opening) return end('bad-input', 'the console is open already');
      return open(request.ticket);
    }
    const session = console?.session ?? null;
    if (console === null || session === null) return end('bad-input', 'open the console with a ticket first');
    switch (request.type) {
      case 'cancel':
        return session.cancel();
      case 'run':
        if (console.client.busy) {
          emit({
            type: 'error',
            id: request.id,
            sqlstate: '55000',
            message: 'a statement is still running',
            detail: null,
            hint: 'wait for it or cancel it',
            position: null,
            link: null,
          });
          return;
        }
        return console.client.run(request.id, request.sql, request.maxRows);
      case 'preflight':
        asked = request;
        if (!answering) await answerPreflights(session);
    }
  };

  socket.on('message', (data: Buffer, isBinary: boolean) => {
    // Closing takes the other side's answer: what it goes on to send meanwhile is not looked at.
    if (socket.readyState !== socket.OPEN) return;
    if (isBinary) return end('bad-input', 'messages of the console are text');
    handle(data.toString('utf8')).catch((error: unknown) => {
      if (error instanceof SyntaxError) return end('bad-input', 'that is not JSON');
      if (error instanceof TaskgateError && error.code !== 'internal') return end(error.code, error.message);
      ports.log.error('console failed', { error: String(error) });
      return end('internal', 'internal error in the gate; its log has more');
    });
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    clearTimeout(deadline);
    console?.client.close();
  });
}
