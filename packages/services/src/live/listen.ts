import pg from 'pg';
import type { Services } from '../context.ts';
import { CHANGE_CHANNEL, CHANGE_TOPICS, type Change } from './notify-change.ts';

/** `resync`: notifications may have been lost, so whoever listens reads again what it holds. Said after each connect. */
export type ChangeEvent = Change | { readonly topic: 'resync'; readonly id: null };

const MIN_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** A connection that a firewall dropped looks open for ever: asked for a sign of life this often. */
const PROBE_MS = 15_000;
const PROBE_TIMEOUT_MS = 5_000;

/**
 * Tells of every change until `signal` aborts, over one connection of its own. It never throws: where the store is
 * away it tries again, and says `resync` once it listens. `onAlive` is called each time that it has answered a probe.
 */
export function listenForChanges(
  services: Pick<Services, 'databaseUrl' | 'log'>,
  listener: (event: ChangeEvent) => void,
  signal: AbortSignal,
  onAlive: () => void = () => undefined,
): void {
  void run(services, listener, signal, onAlive);
}

async function run(
  services: Pick<Services, 'databaseUrl' | 'log'>,
  listener: (event: ChangeEvent) => void,
  signal: AbortSignal,
  onAlive: () => void,
): Promise<void> {
  let backoffMs = MIN_BACKOFF_MS;
  while (!signal.aborted) {
    try {
      await listenOnce(services, listener, signal, onAlive, () => {
        backoffMs = MIN_BACKOFF_MS;
      });
    } catch (error) {
      if (!signal.aborted)
        services.log.warn('the store does not tell of changes; trying again', { error: nameOf(error) });
    }
    await pause(backoffMs, signal);
    backoffMs = Math.min(MAX_BACKOFF_MS, backoffMs * 2);
  }
}

/** Resolves when the connection is over. */
async function listenOnce(
  services: Pick<Services, 'databaseUrl'>,
  listener: (event: ChangeEvent) => void,
  signal: AbortSignal,
  onAlive: () => void,
  onListening: () => void,
): Promise<void> {
  const client = services.databaseUrl.reveal(
    (connectionString) =>
      new pg.Client({
        connectionString,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        query_timeout: PROBE_TIMEOUT_MS,
        keepAlive: true,
        application_name: 'taskgate-listen',
      }),
  );
  let probe: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    client.on('error', () => resolve());
    client.on('end', () => resolve());
    signal.addEventListener('abort', () => resolve(), { once: true });
    client.on('notification', ({ payload }) => {
      const change = parseChange(payload);
      if (change !== null) listener(change);
    });
    probe = setInterval(() => {
      client.query('select 1').then(onAlive, () => resolve());
    }, PROBE_MS);
    probe.unref();
  });
  try {
    await client.connect();
    await client.query(`listen ${CHANGE_CHANNEL}`);
    onListening();
    listener({ topic: 'resync', id: null });
    await over;
  } finally {
    clearInterval(probe);
    await Promise.race([client.end().catch(() => {}), pause(1_000, null)]);
  }
}

/** `null` for what is none: anybody who can sign in to the store can notify. */
function parseChange(payload: string | undefined): Change | null {
  try {
    const value: unknown = JSON.parse(payload ?? '');
    if (typeof value !== 'object' || value === null || !('topic' in value) || !('id' in value)) return null;
    const known = CHANGE_TOPICS.some((topic) => topic === value.topic);
    return known && (value.id === null || typeof value.id === 'string') ? (value as Change) : null;
  } catch {
    return null;
  }
}

function pause(ms: number, signal: AbortSignal | null): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    if (signal === null) timer.unref();
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

const nameOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error ? String(error.code) : error.name;
};
