import cluster, { type Worker } from 'node:cluster';
import { createJsonLog } from './json-log.ts';
import type { SiblingMessage } from './siblings.ts';

/**
 * One gateway as several processes behind the same ports, connections dealt out in turn. They share the store's view of the
 * gateway (its name, its spool) and nothing in memory. INVARIANT: the first one deals with what the last run left before
 * there is another; and where one ends unasked, all end, so that the next start finds nobody at work in the spool.
 */
export function runProcesses(count: number): void {
  const log = createJsonLog((line) => process.stderr.write(line));
  const workers = new Map<number, Worker>();
  let stopping = false;
  let code = 0;

  const stop = (signal: NodeJS.Signals): void => {
    stopping = true;
    for (const worker of workers.values()) worker.process.kill(signal);
  };
  const fork = (): void => {
    const worker = cluster.fork();
    workers.set(worker.id - 1, worker);
    worker.on('message', (message: SiblingMessage) => {
      if (message.kind === 'cancel') workers.get(message.process)?.send(message);
      else if (!stopping) while (workers.size < count) fork();
    });
    worker.on('error', (error) => log.warn('a process of the gateway could not be reached', { error: String(error) }));
    worker.once('exit', (exitCode, signal) => {
      workers.delete(worker.id - 1);
      if (!stopping) {
        log.error('a process of the gateway ended: all end', { exitCode, signal });
        code = 1;
        stop('SIGTERM');
      }
      if (workers.size === 0) process.exit(code);
    });
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(signal));
  fork();
}
