import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startTestPostgres, type TestDatabase, type TestPostgres } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let server: TestPostgres;
let database: TestDatabase;
let folder: string;

beforeAll(async () => {
  server = await startTestPostgres();
  database = await server.createDatabase();
  folder = await mkdtemp(path.join(tmpdir(), 'taskgate-setup-'));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly result: Record<string, unknown>;
  readonly stderr: string;
}

function runSetup(environment: Record<string, string>, stdin = ''): Promise<Ended> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'setup.ts')], {
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: database.url,
      TASKGATE_HOME: path.join(folder, 'home'),
      XDG_CONFIG_HOME: path.join(folder, 'config'),
      TASKGATE_WEB_URL: 'http://127.0.0.1:3999',
      ...environment,
    },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  child.stdin.end(stdin);
  return new Promise((resolve) => {
    child.on('close', (code) =>
      resolve({ code, stderr, result: stdout.startsWith('{') ? JSON.parse(stdout.trimEnd()) : {} }),
    );
  });
}

const target = () =>
  JSON.stringify({
    host: '127.0.0.1',
    port: server.port,
    database: 'shop',
    username: 'gate',
    password: 'canary-target',
  });
const credentials = () => path.join(folder, 'config/taskgate/credentials.json');

describe('the setup command', () => {
  it('migrates, installs the demo, prints its new password once, and signs the command line in for its owner only', async () => {
    const first = await runSetup({ TASKGATE_DEMO: '1' }, target());
    expect(first).toMatchObject({ code: 0, result: { demo: true, password: expect.stringMatching(/^[\w-]{16}$/) } });
    expect(first.result.signIns).toHaveLength(4);
    expect((await stat(credentials())).mode & 0o777).toBe(0o600);
    const kept = await readFile(credentials(), 'utf8');
    expect(JSON.parse(kept)).toMatchObject({ url: 'http://127.0.0.1:3999', email: 'engineer@demo.test' });
    expect((await stat(path.join(folder, 'home/master.key'))).mode & 0o777).toBe(0o600);

    const second = await runSetup({ TASKGATE_DEMO: '1' }, target());
    expect(second.code).toBe(0);
    expect(second.result).not.toHaveProperty('password');
    expect(await readFile(credentials(), 'utf8')).toBe(kept);
    expect(first.stderr + second.stderr).not.toContain('canary-target');
  });

  it('leaves a command line that is signed in elsewhere as it is, and says so', async () => {
    const before = await readFile(credentials(), 'utf8');
    const ended = await runSetup({ TASKGATE_DEMO: '1', TASKGATE_WEB_URL: 'http://127.0.0.1:4000' }, target());
    expect(ended).toMatchObject({
      code: 0,
      result: { commandLine: { url: 'http://127.0.0.1:3999', email: 'engineer@demo.test' } },
    });
    expect(await readFile(credentials(), 'utf8')).toBe(before);
  });

  it('with another master key says so and changes nothing', async () => {
    const ended = await runSetup({ TASKGATE_DEMO: '1', TASKGATE_HOME: path.join(folder, 'elsewhere') }, target());
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('the master key is not the one this store was sealed with');
  });

  it('gives the first admin’s token where there is nobody and no demo', async () => {
    const empty = await server.createDatabase();
    const ended = await runSetup({
      TASKGATE_DEMO: '0',
      DATABASE_URL: empty.url,
      TASKGATE_HOME: path.join(folder, 'h2'),
    });
    expect(ended).toMatchObject({
      code: 0,
      result: { demo: false, setupToken: expect.stringMatching(/^tgs_[\w-]{43}$/) },
    });
    expect(ended.stderr).not.toContain(String(ended.result.setupToken));
  });

  it('never repeats the store’s password when it cannot be reached', async () => {
    const ended = await runSetup({ TASKGATE_DEMO: '0', DATABASE_URL: 'postgresql://u:canary-store@127.0.0.1:1/x' });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('the store cannot be reached');
    expect(ended.stderr).not.toContain('canary-store');
  });
});
