import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findClientProgram, runCommand, waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { as, EMAIL } from '../api.ts';
import { ROOT } from '../system.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'taskgate-e2e-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As `npx taskgate` does at the root; `configHome` is whose sign-in is kept. */
const cli = (args: readonly string[], env: Record<string, string> = {}, configHome = inject('system').configHome) =>
  runCommand(process.execPath, [join(ROOT, 'scripts/taskgate.mjs'), ...args], {
    env: { XDG_CONFIG_HOME: configHome, TASKGATE_URL: undefined, TASKGATE_TOKEN: undefined, ...env },
    timeoutMs: 60_000,
  });

test('whoever started the demo is signed in as the engineer', async () => {
  const result = await cli(['whoami']);
  expect(result.stdout).toContain('engineer@demo.test');
  expect(result.stdout).toContain('groups: analysts, support');
});

test.skipIf(findClientProgram('psql') === null)('the line that the start prints works as pasted', async () => {
  const token = await cli(['grant', 'sales-report', '--reason', 'demo', '--token']);
  expect(token).toMatchObject({ code: 0, stderr: '' });
  const { postgresPort } = inject('system');
  const line = `psql "host=127.0.0.1 port=${postgresPort} user=sales-report dbname=shop" -XAtc "select count(*) from orders"`;
  const result = await runCommand('/bin/sh', ['-c', line], { env: { PGPASSWORD: token.stdout.trim() } });
  expect(result).toMatchObject({ code: 0, stdout: '5000\n' });
});

test('grant --json gives everything a script needs, and end ends it', async () => {
  const result = await cli(['grant', 'sales-report', '--ttl', '5m', '--json']);
  const grant = JSON.parse(result.stdout);
  expect(Object.keys(grant).sort()).toEqual(['connect', 'expiresAt', 'grantId', 'token']);
  expect(Object.keys(grant.connect).sort()).toEqual(['database', 'env', 'host', 'jdbc', 'port', 'psql', 'uri', 'user']);
  expect(JSON.stringify(grant.connect)).not.toContain(grant.token);
  expect((await cli(['grants'])).stdout).toContain(grant.grantId);
  const ended = await cli(['end', grant.grantId]);
  expect(ended).toMatchObject({ code: 0, stdout: `${grant.grantId} has ended (completed)\n` });
});

test.skipIf(findClientProgram('psql') === null)(
  'connect waits for approval, runs psql, and ends the grant',
  { timeout: 60_000 },
  async () => {
    const running = cli([
      'connect',
      'shop-admin',
      '--reason',
      'e2e connect',
      '--',
      '-XAtc',
      'select count(*) from payments',
    ]);
    const asked = await waitUntil(
      async () => {
        const { items } = await as('reviewer').get<{ items: readonly { id: string; grant?: { reason: string } }[] }>(
          '/inbox?view=mine&limit=200',
        );
        return items.find(({ grant }) => grant?.reason === 'e2e connect') ?? null;
      },
      20_000,
      'the request',
    );
    await as('reviewer').post(`/grants/${asked.id}/approve`);
    const result = await running;
    expect(result.code).toBe(0);
    expect(Number(result.stdout)).toBeGreaterThan(0);
    expect(result.stderr).toContain('waits for approval by 1 of dba');
    expect(result.stderr).toContain(`approved by ${EMAIL.reviewer}`);
    const grant = await as('engineer').get<{ state: string; endReason: string }>(`/grants/${asked.id}`);
    expect(grant).toMatchObject({ state: 'ended', endReason: 'completed' });
  },
);

test('login, apply with an error in its place, apply, logout', { timeout: 60_000 }, async () => {
  const { webUrl, password } = inject('system');
  const home = join(folder, 'config');
  const wrong = await cli(
    ['login', '--email', EMAIL.admin],
    { TASKGATE_URL: webUrl, TASKGATE_PASSWORD: 'wrong' },
    home,
  );
  expect(wrong).toMatchObject({ code: 1, stdout: '' });
  const login = await cli(
    ['login', '--email', EMAIL.admin],
    { TASKGATE_URL: webUrl, TASKGATE_PASSWORD: password },
    home,
  );
  expect(login).toMatchObject({ code: 0, stderr: '' });
  const file = join(folder, 'task.yaml');
  const source = `kind: Task\nname: e2e-applied\npurpose: Applied by the command line\nresource: demo-shop\nwho: { groups: [support] }\naccess: { ttl: 5m }\nallow:\n  - select: public.orders\n`;
  writeFileSync(file, source.replace('select:', 'selekt:'));
  const refused = await cli(['apply', '-f', file], {}, home);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(new RegExp(`^${file}:8:\\d+ .*selekt`));
  writeFileSync(file, source);
  expect((await cli(['apply', '-f', file], {}, home)).stdout).toMatch(/^Task e2e-applied revision \d+: created\n$/);
  expect((await cli(['apply', '-f', file], {}, home)).stdout).toMatch(/^Task e2e-applied revision \d+: unchanged\n$/);
  expect((await cli(['tasks'], {}, home)).stdout).toContain('e2e-applied');
  expect(await cli(['logout'], {}, home)).toMatchObject({ code: 0, stderr: '' });
  expect((await cli(['whoami'], {}, home)).code).toBe(1);
});

test('a recording verifies without the server', async () => {
  const recordings = join(inject('system').home, 'recordings');
  const file = await waitUntil(() => readdirSync(recordings).find((name) => name.endsWith('.tgs')) ?? null);
  const result = await cli(['verify', join(recordings, file)]);
  expect(result).toMatchObject({ code: 0, stderr: '' });
  expect(result.stdout).toMatch(/^consistent: \d+ events, head [0-9a-f]{64}\n/);
});

test('an auditor lists sessions, an engineer may not read the sessions of others', async () => {
  const mine = await cli(['sessions', '--task', 'sales-report', '--json']);
  // Their own, and those of agents that act for them.
  for (const session of JSON.parse(mine.stdout))
    expect(session.person.email).toMatch(new RegExp(`(^|^[\\w-]+ for )${EMAIL.engineer}$`));
});
