import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createRecordingWriter, sealRecording } from '@taskgate/recording';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

const MAIN = new URL('./main.ts', import.meta.url).pathname;
const NOW = '2026-01-01T00:00:00.000Z';
const CONNECT = {
  host: '127.0.0.1',
  port: 15432,
  user: 'sales-report',
  database: 'shop',
  psql: 'psql "host=127.0.0.1 port=15432 user=sales-report dbname=shop"',
  uri: 'postgresql://sales-report@127.0.0.1:15432/shop',
  jdbc: 'jdbc:postgresql://127.0.0.1:15432/shop?user=sales-report',
  env: 'PGHOST=127.0.0.1',
};

interface Call {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: Record<string, unknown>;
}
interface Answer {
  readonly status: number;
  readonly body: unknown;
}

let server: Server;
let url = '';
let folder = '';
let calls: Call[] = [];
let answers: Record<string, (call: Call) => Answer> = {};

const ok = (body: unknown): Answer => ({ status: 200, body });
const problem = (status: number, code: string, detail: string, problems: unknown[] = []): Answer => ({
  status,
  body: { type: `about:blank#${code}`, title: code, status, detail, code, problems },
});
const grantOf = (state: string, more: Record<string, unknown> = {}) => ({
  id: 'grt_1',
  task: 'sales-report',
  state,
  endReason: null,
  approvals: [],
  approvalsNeeded: 1,
  approvers: ['dba'],
  expiresAt: NOW,
  ...more,
});

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const path = request.url ?? '';
    const call: Call = {
      method: request.method ?? '',
      path,
      authorization: request.headers.authorization,
      body: text === '' ? {} : JSON.parse(text),
    };
    calls.push(call);
    const answer = answers[`${call.method} ${path.replace('/api/v1', '')}`]?.(call) ?? problem(404, 'not-found', path);
    response.writeHead(answer.status, {
      'content-type': answer.status >= 400 ? 'application/problem+json' : 'application/json',
    });
    response.end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  calls = [];
  answers = {};
  folder = mkdtempSync(join(tmpdir(), 'taskgate-cli-'));
  return () => rmSync(folder, { recursive: true, force: true });
});

function start(args: string[], env: Record<string, string | undefined> = {}) {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
    env: {
      ...process.env,
      XDG_CONFIG_HOME: folder,
      TASKGATE_URL: url,
      TASKGATE_TOKEN: undefined,
      TASKGATE_PASSWORD: undefined,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const result = { stdout: '', stderr: '', code: null as number | null };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    result.stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    result.stderr += chunk;
  });
  const ended = new Promise<typeof result>((resolve) => {
    child.once('close', (code) => resolve({ ...result, code }));
  });
  return { child, ended, result };
}
const run = (args: string[], env: Record<string, string | undefined> = {}) => start(args, env).ended;
const withToken = { TASKGATE_TOKEN: 'tgp_test' };

test('a sign-in is kept for its owner alone, and used for the server it was made at only', async () => {
  answers['POST /login'] = () => ok({ token: 'tgp_kept', expiresAt: NOW, me: { email: 'a@demo.test' } });
  answers['GET /me'] = () => ok({ email: 'a@demo.test', name: 'A', groups: ['support'], roles: ['engineer'] });
  const login = await run(['login', '--email', 'a@demo.test'], { TASKGATE_PASSWORD: 'a long password' });
  expect(login).toMatchObject({ code: 0, stderr: '' });
  expect(login.stdout).not.toContain('tgp_kept');
  expect(calls[0]?.body).toMatchObject({ email: 'a@demo.test', password: 'a long password' });
  const file = join(folder, 'taskgate/credentials.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ url, token: 'tgp_kept', email: 'a@demo.test' });

  const who = await run(['whoami'], { TASKGATE_URL: undefined });
  expect(who).toMatchObject({ code: 0, stdout: `a@demo.test (A) at ${url}\ngroups: support\nroles: engineer\n` });
  expect(calls.at(-1)?.authorization).toBe('Bearer tgp_kept');

  const asked = calls.length;
  const elsewhere = await run(['whoami'], { TASKGATE_URL: 'http://127.0.0.1:9' });
  expect(elsewhere).toMatchObject({ code: 1 });
  expect(elsewhere.stderr).toContain(`you are signed in at ${url}, not at http://127.0.0.1:9`);
  expect(calls.length).toBe(asked);

  expect(await run(['logout'])).toMatchObject({ code: 0 });
  expect(existsSync(file)).toBe(false);
});

test('TASKGATE_TOKEN comes before the kept sign-in', async () => {
  answers['GET /me'] = () => ok({ email: 'b@demo.test', name: 'B', groups: [], roles: [] });
  expect(await run(['whoami', '--json'], withToken)).toMatchObject({ code: 0 });
  expect(calls[0]?.authorization).toBe('Bearer tgp_test');
});

test('grant prints the token alone, JSON, or a block that warns', async () => {
  answers['POST /grants'] = () => ok(grantOf('approved'));
  answers['POST /grants/grt_1/activate'] = () =>
    ok({ grant: grantOf('active'), token: 'tgg_secret', connect: CONNECT });
  const token = await run(['grant', 'sales-report', '--reason', 'demo', '--ttl', '30m', '--token'], withToken);
  expect(token).toMatchObject({ code: 0, stdout: 'tgg_secret\n', stderr: '' });
  expect(calls[0]?.body).toEqual({ task: 'sales-report', reason: 'demo', ticket: null, ttlMs: 1_800_000 });
  const json = await run(['grant', 'sales-report', '--json'], withToken);
  expect(JSON.parse(json.stdout)).toEqual({ grantId: 'grt_1', token: 'tgg_secret', expiresAt: NOW, connect: CONNECT });
  const block = await run(['grant', 'sales-report'], withToken);
  expect(block.stdout).toContain(CONNECT.psql);
  expect(block.stdout).toContain('shown this once');
});

test('grant waits for its approval, and says who approved', async () => {
  let polls = 0;
  const approval = { by: { email: 'r@demo.test' }, outcome: 'approved', comment: null };
  answers['POST /grants'] = () => ok(grantOf('requested'));
  answers['GET /grants/grt_1'] = () =>
    ok(++polls < 2 ? grantOf('requested') : grantOf('approved', { approvals: [approval] }));
  answers['POST /grants/grt_1/activate'] = () =>
    ok({ grant: grantOf('active'), token: 'tgg_secret', connect: CONNECT });
  const result = await run(['grant', 'shop-admin', '--token'], withToken);
  expect(result).toMatchObject({ code: 0, stdout: 'tgg_secret\n' });
  expect(result.stderr).toContain('waits for approval by 1 of dba');
  expect(result.stderr).toContain('approved by r@demo.test (1 of 1)');
});

test('a refusal while it waits is told with its reason, and Ctrl-C says how to go on', async () => {
  answers['POST /grants'] = () => ok(grantOf('requested'));
  answers['GET /grants/grt_1'] = () => ok(grantOf('requested'));
  const waiting = start(['grant', 'shop-admin'], withToken);
  await expect.poll(() => calls.length, { timeout: 10_000 }).toBeGreaterThan(1);
  waiting.child.kill('SIGINT');
  const stopped = await waiting.ended;
  expect(stopped).toMatchObject({ code: 1, stdout: '' });
  expect(stopped.stderr).toContain('go on with `taskgate grant grt_1` once it is approved');

  const refusal = { by: { email: 'r@demo.test' }, outcome: 'refused', comment: 'not today' };
  answers['GET /grants/grt_1'] = () => ok(grantOf('ended', { endReason: 'refused', approvals: [refusal] }));
  const refused = await run(['grant', 'grt_1'], withToken);
  expect(refused).toMatchObject({ code: 1, stderr: 'taskgate: r@demo.test refused grt_1: not today\n' });
});

test('connect gives psql the token by its environment only, and ends the grant with it', async () => {
  answers['POST /grants'] = () => ok(grantOf('approved'));
  answers['POST /grants/grt_1/activate'] = () =>
    ok({ grant: grantOf('active'), token: 'tgg_secret', connect: CONNECT });
  answers['POST /grants/grt_1/end'] = () => ok(grantOf('ended', { endReason: 'completed' }));
  const psql = join(folder, 'psql');
  writeFileSync(psql, '#!/bin/sh\necho "args: $*"; echo "password: $PGPASSWORD token: $TASKGATE_TOKEN"; exit 3\n');
  chmodSync(psql, 0o755);
  const path = `${folder}:/usr/bin:/bin`;
  const result = await run(['connect', 'sales-report', '--', '-c', 'select 1'], { ...withToken, PATH: path });
  expect(result).toMatchObject({
    code: 3,
    stdout: `args: -d ${CONNECT.uri} -c select 1\npassword: tgg_secret token: \n`,
  });
  expect(calls.at(-1)?.path).toBe('/api/v1/grants/grt_1/end');

  calls = [];
  const missing = await run(['connect', 'sales-report'], { ...withToken, PATH: '/nowhere' });
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain('psql is not installed');
  expect(calls).toEqual([]);
});

test('apply reads secrets by reference and names the place of each problem', async () => {
  const file = join(folder, 'shop.yaml');
  writeFileSync(file, 'kind: Resource\nname: shop\nsecret: env:SHOP_PASSWORD\n');
  answers['POST /documents/apply'] = () =>
    ok({ applied: [{ kind: 'Resource', name: 'shop', revision: null, outcome: 'created', warnings: [] }] });
  const applied = await run(['apply', '-f', file], { ...withToken, SHOP_PASSWORD: 'hunter2' });
  expect(applied).toMatchObject({ code: 0, stdout: 'Resource shop: created\n' });
  expect(calls[0]?.body).toMatchObject({ secrets: { shop: 'hunter2' } });

  const missing = await run(['apply', '-f', file], withToken);
  expect(missing).toMatchObject({
    code: 1,
    stderr: `${file}:3:9 the secret of \`shop\` is not there: set SHOP_PASSWORD\n`,
  });

  answers['POST /documents/apply'] = () =>
    problem(400, 'bad-input', 'the file has problems', [
      { path: 'host', message: '`host` is missing', position: { line: 2, column: 1 } },
    ]);
  const wrong = await run(['apply', '-f', file], { ...withToken, SHOP_PASSWORD: 'x' });
  expect(wrong).toMatchObject({ code: 1, stderr: `${file}:2:1 \`host\` is missing\n` });
});

test('verify finds a flipped byte in plain and sealed recordings and names the event', async () => {
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
  const writer = createRecordingWriter({
    header: { sessionId: 'ses_1', createdAt: 0, wrappedKey: new Uint8Array(0) },
    sha256,
    seal: (bytes) => bytes,
  });
  const parts = [writer.headerBytes];
  for (let at = 0; at < 3; at++)
    parts.push(
      writer.append({ kind: 'session-end', at, reason: 'client-closed', detail: null, bytesIn: 0, bytesOut: 0 }),
    );
  const plain = Buffer.concat(parts);
  const head = Buffer.from(writer.head.hash).toString('hex');
  const file = join(folder, 'ses_1.tgr');
  writeFileSync(file, plain);
  const good = await run(['verify', file, '--head', head, '--count', '3']);
  expect(good).toMatchObject({ code: 0, stdout: `consistent: 3 events, head ${head}\n` });
  writeFileSync(file, await sealRecording(plain, { compress: (bytes) => gzipSync(bytes) }));
  expect((await run(['verify', file])).stdout).toContain(`consistent: 3 events, head ${head}`);

  const bad = Buffer.from(plain);
  const inSecond = parts[0]!.length + parts[1]!.length + 12;
  bad[inSecond] = bad[inSecond]! ^ 1;
  writeFileSync(file, bad);
  const found = await run(['verify', file]);
  expect(found.code).toBe(1);
  expect(found.stdout).toMatch(/at event 1\n {2}expected [0-9a-f]{64}\n {2}found {4}[0-9a-f]{64}/);

  writeFileSync(file, plain.subarray(0, plain.length - parts[3]!.length));
  expect((await run(['verify', file])).code).toBe(0);
  expect((await run(['verify', file, '--head', head, '--count', '3'])).code).toBe(1);
});

test('what went wrong is one line, without a stack, with an exit code that tells usage from failure', async () => {
  answers['POST /grants'] = () => problem(403, 'forbidden', 'you are in none of the groups of `sales-report`');
  answers['GET /tasks'] = () => problem(401, 'not-signed-in', 'the API token has been revoked');
  const table: [string[], number, string][] = [
    [['grant', 'sales-report'], 1, 'taskgate: you are in none of the groups of `sales-report`\n'],
    [['tasks'], 1, 'taskgate: the API token has been revoked; sign in with `taskgate login`\n'],
    [['grant'], 2, 'taskgate: name the task (`taskgate tasks` lists them); see `taskgate help grant`\n'],
    [['grant', 'x', '--ttl', 'soon'], 2, 'taskgate: `soon` is not a time; write it as `30m`, `2h` or `90s`\n'],
    [['grant', 'x', '--bogus'], 2, 'taskgate: unknown option `--bogus`\n'],
    [['constructor'], 2, 'taskgate: there is no command `constructor`; `taskgate help` lists them\n'],
    [['verify', '/nowhere'], 1, 'taskgate: there is no file `/nowhere`\n'],
    [
      ['login', '--email', 'a@demo.test'],
      1,
      'taskgate: there is no terminal to ask at; give the password in TASKGATE_PASSWORD\n',
    ],
  ];
  for (const [args, code, stderr] of table) expect(await run(args, withToken)).toEqual({ code, stderr, stdout: '' });
  const away = await run(['tasks'], { ...withToken, TASKGATE_URL: 'http://127.0.0.1:9' });
  expect(away).toMatchObject({ code: 1 });
  expect(away.stderr).toMatch(
    /^taskgate: Taskgate cannot be reached at http:\/\/127\.0\.0\.1:9 \(\w.*\); start it, or .*\n$/,
  );
  expect(await run(['help', 'grant'])).toMatchObject({ code: 0, stderr: '' });
  expect((await run(['--version'])).stdout).toMatch(/^taskgate \d+\.\d+\.\d+\n$/);
});

test('offboard shows what would end, and ends it only with --yes and a reason', async () => {
  const person = { id: 'usr_1', kind: 'person', email: 'c@demo.test', name: 'C' };
  answers['GET /users?q=C%40demo.test&limit=200'] = () =>
    ok({ items: [{ id: 'usr_1', email: 'c@demo.test' }], nextCursor: null });
  answers['GET /people/usr_1/reach'] = () =>
    ok({
      identity: { ...person, disabledAt: null, actsFor: null },
      whyNotOffboard: null,
      ...{ groups: ['analysts'], roles: [], scopes: ['task:read'], tasks: [{ name: 'sales-report' }] },
      ...{
        resources: ['demo-shop'],
        agents: [],
        apiTokens: [{}],
        scimTokens: null,
        webSessions: null,
        grants: [{}],
        sessions: [],
      },
      ...{ holds: [], asked: [] },
    });
  const shown = await run(['offboard', 'C@demo.test'], withToken);
  expect(shown).toMatchObject({ code: 0, stderr: expect.stringContaining('nothing was ended') });
  expect(shown.stdout).toContain('alive     1 grant, 1 API token');
  expect(calls.filter((call) => call.method === 'POST')).toEqual([]);
  expect((await run(['offboard', 'usr_1', '--yes'], withToken)).code).toBe(2);
  answers['POST /people/usr_1/offboard'] = () =>
    ok({
      actId: 'act_1',
      identity: person,
      groups: [],
      agents: [],
      webSessions: 0,
      apiTokens: 1,
      scimTokens: 0,
      grants: [],
      sessions: 2,
      holds: 0,
    });
  const ended = await run(['offboard', 'usr_1', '--yes', '--reason', 'gone'], withToken);
  expect(ended).toMatchObject({ code: 0, stdout: 'c@demo.test is offboarded (act_1): 2 connections, 1 API token\n' });
  expect(calls.at(-1)?.body).toMatchObject({ reason: 'gone' });
});

test('rotate says how it went, and fails where the old password stays', async () => {
  const step = { name: 'connect', ok: true, message: 'signed in', durationMs: 1 };
  answers['POST /resources/orders/rotate'] = () => ok({ ok: true, steps: [step] });
  expect(await run(['rotate', 'orders'], withToken)).toMatchObject({
    code: 0,
    stdout: 'ok  connect: signed in\nthe password of orders was rotated\n',
  });
  answers['POST /resources/orders/rotate'] = () =>
    ok({ ok: false, steps: [{ ...step, ok: false, message: 'refused' }] });
  expect(await run(['rotate', 'orders'], withToken)).toMatchObject({
    code: 1,
    stdout: 'failed  connect: refused\nthe password of before is still in use\n',
  });
});
