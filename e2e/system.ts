import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort, waitUntil } from '@taskgate/testkit';

export const ROOT = dirname(import.meta.dirname);
const READY_DEADLINE_MS = 180_000; // the first start may build the web
const STOP_DEADLINE_MS = 30_000;

/** What a test must know of the running product; plain data, so that it can be handed to the test processes. */
export interface SystemFacts {
  readonly webUrl: string;
  readonly postgresPort: number;
  readonly consolePort: number;
  readonly home: string;
  /** Of every demo sign-in. */
  readonly password: string;
  /** XDG_CONFIG_HOME of the command line that the start signed in. */
  readonly configHome: string;
}

export interface RunningSystem {
  readonly facts: SystemFacts;
  /** What it printed so far. */
  readonly output: () => string;
  readonly stop: () => Promise<void>;
}

/** The product as a user starts it, in a home of its own, on ports of its own. */
export async function startSystem(): Promise<RunningSystem> {
  const home = mkdtempSync(join(tmpdir(), 'taskgate-e2e-'));
  const [web, postgresPort, consolePort] = [await freePort(), await freePort(), await freePort()];
  const facts: SystemFacts = {
    webUrl: `http://127.0.0.1:${web}`,
    postgresPort,
    consolePort,
    home,
    password: randomBytes(12).toString('base64url'),
    configHome: join(home, 'config'),
  };
  const child = spawn(process.execPath, [join(ROOT, 'scripts/start.mjs')], {
    cwd: ROOT,
    env: {
      ...process.env,
      DATABASE_URL: '',
      TASKGATE_HOME: home,
      TASKGATE_WEB_PORT: String(web),
      TASKGATE_POSTGRES_PORT: String(postgresPort),
      TASKGATE_CONSOLE_PORT: String(consolePort),
      TASKGATE_DEMO: '1',
      TASKGATE_DEMO_PASSWORD: facts.password,
      TASKGATE_URL: '',
      TASKGATE_TOKEN: '',
      XDG_CONFIG_HOME: facts.configHome,
      NODE_ENV: undefined, // what runs the tests must not decide how the product is built
      VITEST: undefined,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const killAtExit = (): void => void child.kill('SIGTERM');
  process.once('exit', killAtExit);

  const stop = async (): Promise<void> => {
    process.off('exit', killAtExit);
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
    await ended;
    clearTimeout(timer);
    removeHome(home);
  };
  try {
    await waitUntil(
      () => {
        if (child.exitCode !== null) throw new Error('it ended');
        return output.includes('Taskgate is ready');
      },
      READY_DEADLINE_MS,
      'the start',
    );
  } catch (cause) {
    await stop();
    throw new Error(`the product did not start:\n${output}`, { cause });
  }
  return { facts, output: () => output, stop };
}

/** Its servers' data too, which root's start puts where another user can reach it. */
function removeHome(home: string): void {
  for (const name of ['store', 'demo-shop']) {
    const link = join(home, name);
    if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink())
      rmSync(dirname(readlinkSync(link)), { recursive: true, force: true });
  }
  rmSync(home, { recursive: true, force: true });
}

/** Connection strings of the store and of the demo target's superuser, from the home: for tests that look behind the gate. */
export function insideOf(facts: SystemFacts): { readonly storeUrl: string; readonly targetSuperuserUrl: string } {
  const secret = (name: string): string =>
    encodeURIComponent(readFileSync(join(facts.home, 'secrets', name), 'utf8').trim());
  const state = JSON.parse(readFileSync(join(facts.home, 'state.json'), 'utf8')) as {
    readonly storePort: number;
    readonly demoShopPort: number;
  };
  return {
    storeUrl: `postgresql://taskgate:${secret('store-password')}@127.0.0.1:${state.storePort}/taskgate`,
    targetSuperuserUrl: `postgresql://postgres:${secret('demo-shop-superuser-password')}@127.0.0.1:${state.demoShopPort}/shop`,
  };
}
