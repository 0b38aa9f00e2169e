// Memory of a gateway with thousands of idle sessions, as `pnpm bench` runs it: `node idle-sessions.ts SESSIONS`. The target
// is a stub that only greets (a Postgres with as many backends needs more memory than the machine has); all else is the
// real data path. Prints the resident bytes that a session adds.

import { fork } from 'node:child_process';
import net from 'node:net';
import {
  encodeBackendKeyData,
  encodeBackendMessage,
  encodeParameterStatus,
  encodeReadyForQuery,
} from '@taskgate/protocol-postgres';
import { openTestDoor } from './open-test-door.ts';
import { RawClient } from './raw-client.ts';

const PARALLEL = 20;

if (process.send === undefined) await measure(Number(process.argv[2] ?? 5_000));
else await serve(Number(process.argv[2]));

/** The gateway, in a process of its own: tells its memory when asked. */
async function serve(targetPort: number): Promise<void> {
  const door = await openTestDoor({ target: { host: '127.0.0.1', port: targetPort } });
  const { token } = door.grant('sales-report', { limits: { connections: 1e6 } });
  process.on('message', () => {
    // What can be collected is not memory that a session holds.
    for (let round = 0; round < 3; round++) globalThis.gc?.();
    process.send!({ ...process.memoryUsage(), sessions: door.ports.live.count });
  });
  process.on('disconnect', () => process.exit(0));
  process.send!({ port: door.port, token, database: door.database.name });
}

async function measure(sessions: number): Promise<void> {
  const greeting = Buffer.concat([
    encodeBackendMessage({ kind: 'authentication', request: { kind: 'ok' } }),
    encodeParameterStatus('server_version', '16.0'),
    encodeParameterStatus('client_encoding', 'UTF8'),
    encodeBackendKeyData(1, Uint8Array.of(0, 0, 0, 1)),
    encodeReadyForQuery('idle'),
  ]);
  const target = net.createServer((socket) => {
    socket.once('data', () => socket.write(greeting));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  const gateway = fork(import.meta.filename, [String((target.address() as net.AddressInfo).port)], {
    execArgv: ['--expose-gc', '--liftoff-only', '--disable-warning=ExperimentalWarning'],
  });
  const next = <T>(): Promise<T> =>
    new Promise((resolve) => gateway.once('message', (message) => resolve(message as T)));
  const door = await next<{ port: number; token: string; database: string }>();
  const memory = async (): Promise<{ rss: number; sessions: number }> => {
    const answer = next<{ rss: number; sessions: number }>();
    gateway.send('memory');
    return answer;
  };
  const clients: RawClient[] = [];
  const open = async (count: number): Promise<void> => {
    for (let left = count; left > 0; left -= PARALLEL)
      clients.push(
        ...(await Promise.all(
          Array.from({ length: Math.min(PARALLEL, left) }, () =>
            RawClient.open(
              { port: door.port, database: { name: door.database } },
              { token: door.token, grant: { task: { name: 'sales-report' } } },
            ),
          ),
        )),
      );
  };
  // What the first sessions load and compile is not memory of a session.
  await open(Math.min(200, sessions));
  const before = await memory();
  await open(sessions);
  const after = await memory();
  const bytes = (after.rss - before.rss) / (after.sessions - before.sessions);
  process.stdout.write(
    `${JSON.stringify({ sessions: after.sessions, rss: after.rss, bytesPerSession: Math.round(bytes) })}\n`,
  );
  for (const client of clients) client.close();
  gateway.kill('SIGKILL');
  target.close();
  process.exit(0);
}
