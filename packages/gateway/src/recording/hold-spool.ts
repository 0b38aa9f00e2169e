import { createHash } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** What fits into a socket's address everywhere (sockaddr_un has 104 bytes on macOS, 108 on Linux). */
const MAX_ADDRESS_BYTES = 100;
const DEADLINE_MS = 10_000;
const POLL_MS = 50;
const FILE_NAME = /\.sock$/;

/**
 * Keeps a spool for the processes of one gateway: a socket for each, that the kernel closes with it, however it ends. The
 * first one waits here until those of an earlier run are gone: what they still wrote would be lost to whoever deals with
 * what they left. Throws where they do not go, or are another gateway's.
 *
 * @param holder which of the processes this is, from 0
 */
export async function holdSpool(
  spoolDirectory: string,
  holder: number,
  deadlineMs = DEADLINE_MS,
): Promise<{ release(): void }> {
  fs.mkdirSync(spoolDirectory, { recursive: true, mode: 0o700 });
  const folder = addressFolder(fs.realpathSync(spoolDirectory));
  if (holder === 0) await othersAreGone(folder, deadlineMs);
  const server = net.createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path: path.join(folder, `${holder}.sock`), exclusive: true }, resolve);
  });
  server.unref();
  return { release: () => void server.close() };
}

function addressFolder(spoolDirectory: string): string {
  const inside = path.join(spoolDirectory, 'processes');
  const folder =
    Buffer.byteLength(path.join(inside, '999.sock')) <= MAX_ADDRESS_BYTES
      ? inside
      : path.join(tmpdir(), `taskgate-${createHash('sha256').update(spoolDirectory).digest('hex').slice(0, 16)}`);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

async function othersAreGone(folder: string, deadlineMs: number): Promise<void> {
  const until = performance.now() + deadlineMs;
  for (const name of fs.readdirSync(folder).filter((name) => FILE_NAME.test(name))) {
    while (await isHeld(path.join(folder, name))) {
      if (performance.now() > until)
        throw new Error('another gateway works in the spool of this TASKGATE_HOME: stop it, or give this one a home');
      await delay(POLL_MS);
    }
    fs.rmSync(path.join(folder, name), { force: true });
  }
}

function isHeld(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ path: address });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
