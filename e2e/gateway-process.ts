import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, waitUntil } from '@taskgate/testkit';
import { insideOf, ROOT, type SystemFacts } from './system.ts';

const START_DEADLINE_MS = 30_000;

/** A second gateway of the same control plane, which a test may kill: the supervisor would stop everything else. */
export interface SecondGateway {
  readonly name: string;
  readonly port: number;
  /** Of the first of its processes, while it runs. */
  pid(): number;
  start(): Promise<void>;
  /** Its exit code, once it has ended by itself or by a signal that it heeds. */
  ended(): Promise<number | null>;
  /** SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and what it wrote away. */
  remove(): Promise<void>;
  log(): string;
}

/** Its spool is its own; keys and the archive of recordings are those of the first. */
export async function secondGateway(
  facts: SystemFacts,
  name: string,
  { processes }: { readonly processes: number },
): Promise<SecondGateway> {
  const home = mkdtempSync(join(tmpdir(), 'taskgate-e2e-gateway-'));
  for (const file of ['master.key', 'gate-certificate.pem', 'gate-key.pem'])
    if (existsSync(join(facts.home, file))) copyFileSync(join(facts.home, file), join(home, file));
  mkdirSync(join(facts.home, 'recordings'), { recursive: true, mode: 0o700 });
  symlinkSync(join(facts.home, 'recordings'), join(home, 'recordings'));
  const [port, consolePort] = [await freePort(), await freePort()];
  const logFile = join(home, 'gateway.log');
  let child: ChildProcess | null = null;
  let gone: Promise<number | null> = Promise.resolve(null);

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child?.kill(signal);
    await gone;
    child = null;
  };
  return {
    name,
    port,
    pid: () => child!.pid!,
    async start() {
      const flags = JSON.parse(readFileSync(join(ROOT, 'apps/gateway/node-flags.json'), 'utf8')) as string[];
      const output = openSync(logFile, 'a');
      const started = spawn(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', ...flags, join(ROOT, 'apps/gateway/src/main.ts')],
        {
          cwd: join(ROOT, 'apps/gateway'),
          env: {
            ...process.env,
            NODE_ENV: 'production',
            DATABASE_URL: insideOf(facts).storeUrl,
            TASKGATE_HOME: home,
            TASKGATE_URL: facts.webUrl,
            TASKGATE_POSTGRES_PORT: String(port),
            TASKGATE_CONSOLE_PORT: String(consolePort),
            TASKGATE_GATEWAY_NAME: name,
            TASKGATE_GATEWAY_PROCESSES: String(processes),
          },
          stdio: ['ignore', output, output],
        },
      );
      child = started;
      gone = new Promise((resolve) => started.once('close', resolve));
      await waitUntil(
        async () => (await fetch(`http://127.0.0.1:${consolePort}/health`)).status === 200,
        START_DEADLINE_MS,
        'the second gateway',
      );
    },
    ended: () => gone,
    kill: () => end('SIGKILL'),
    async remove() {
      await end('SIGTERM');
      rmSync(home, { recursive: true, force: true });
    },
    log: () => readFileSync(logFile, 'utf8'),
  };
}
