import { createServer } from 'node:net';

const HOST = '127.0.0.1';
const SEARCHED_PORTS = 200;

/** A port that somebody else holds; the message names it and the setting that changes it. */
export class PortTakenError extends Error {
  constructor(port: number, setting: string) {
    super(`port ${port} is taken by another process: stop that, or set ${setting} to a free port`);
  }
}

/** The number in an environment variable. */
export function portSetting(name: string, fallback: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error(`${name} is \`${text}\`, which is not a port: use a number from 1 to 65535`);
  }
  return port;
}

export async function isPortFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, HOST, () => probe.close(() => resolve(true)));
  });
}

/** The first free port from `from` on. */
export async function findFreePort(from: number): Promise<number> {
  for (let port = from; port < from + SEARCHED_PORTS; port++) {
    if (await isPortFree(port)) return port;
  }
  throw new Error(`no port from ${from} to ${from + SEARCHED_PORTS - 1} is free`);
}
