import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { GITHUB_CLAIMS, runCommand, startTestIssuer, type TestIssuer, waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { applyDocument, as, openGrant } from '../api.ts';
import { describeWithPsql } from '../psql.ts';
import { ROOT } from '../system.ts';

const STEPS = ['orders', 'countries', 'items'] as const;
const EVERYTHING = ['figures', 'figures-orders', 'figures-countries', 'figures-items'];

let issuer: TestIssuer;
let folder: string;
/** What GitHub gives a job: an address that mints its token for the audience that it names. */
let github: Server;

beforeAll(async () => {
  issuer = await startTestIssuer();
  folder = mkdtempSync(join(tmpdir(), 'taskgate-e2e-exchange-'));
  writeFileSync(
    join(folder, 'taskgate'),
    `#!/bin/sh\nexec "${process.execPath}" "${ROOT}/scripts/taskgate.mjs" "$@"\n`,
  );
  chmodSync(join(folder, 'taskgate'), 0o755);
  github = createServer(async (request, response) => {
    const aud = new URL(request.url ?? '/', 'http://127.0.0.1').searchParams.get('audience');
    const value = request.headers.authorization === 'Bearer runner' ? await tokenOf('figures', { aud }) : null;
    response.writeHead(value === null ? 401 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ value }));
  });
  await new Promise<void>((resolve) => github.listen(0, '127.0.0.1', resolve));

  await applyDocument(readFileSync(join(ROOT, 'docs/ci/figures.yaml'), 'utf8'));
  const admin = as('admin');
  await admin.post('/issuers', {
    name: 'acme-ci',
    kind: 'github',
    url: issuer.url,
    audience: 'taskgate',
    keySource: 'discovery',
    jwksUrl: null,
    jwks: null,
    skewMs: 60_000,
    maxLifetimeMs: 3_600_000,
    singleUse: true,
    privateNetwork: true,
  });
  for (const name of ['figures', ...STEPS.map((step) => `figures-${step}`)])
    await admin.post('/machines', {
      kind: 'machine',
      name,
      tasks: name === 'figures' ? EVERYTHING : [name],
      proof: {
        issuer: 'acme-ci',
        claims: [
          { claim: 'repository', pattern: 'acme/shop' },
          { claim: 'repository_owner_id', pattern: '1234' },
          { claim: 'ref', pattern: 'refs/heads/main' },
          { claim: 'environment', pattern: name },
        ],
      },
    });
});
afterAll(async () => {
  await issuer.stop();
  await new Promise((resolve) => github.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

const tokenOf = (environment: string, more: object = {}): Promise<string> =>
  issuer.mint({ ...GITHUB_CLAIMS, environment, ...more });
const fileOf = async (name: string, text: string): Promise<string> => {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};
/** The command line on a runner: signed in as nobody. */
const onRunner = (command: readonly [string, ...string[]], env: Record<string, string> = {}) =>
  runCommand(command[0], command.slice(1), {
    cwd: ROOT,
    env: {
      PATH: `${folder}${delimiter}${process.env.PATH}`,
      XDG_CONFIG_HOME: folder,
      TASKGATE_URL: inject('system').webUrl,
      TASKGATE_TOKEN: undefined,
      ...env,
    },
    timeoutMs: 90_000,
  });

interface Exchanged {
  readonly grantId: string;
  readonly token: string;
  readonly connect: { readonly uri: string } | null;
}
/** The job of a step says that it is done, by the step's own token. */
const end = async ({ token, grantId }: Exchanged): Promise<void> => {
  const { status } = await fetch(`${inject('system').webUrl}/api/v1/grants/${grantId}/end`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{}',
  });
  expect(status).toBe(200);
};
const exchange = async (args: readonly string[], env: Record<string, string>): Promise<Exchanged> => {
  const result = await onRunner(['taskgate', 'exchange', ...args, '--json'], env);
  expect(result).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(result.stdout) as Exchanged;
};
const post = async (endpoint: string, form: Record<string, string>, token: string | null = null) => {
  const response = await fetch(`${inject('system').webUrl}/api/v1/oauth/${endpoint}`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as Record<string, unknown> };
};

describeWithPsql('a CI job with a token of its issuer', () => {
  test('runs three steps as three identities in one tree, is refused a column more, and ends with its root', {
    timeout: 180_000,
  }, async () => {
    const root = await exchange(['figures'], { TASKGATE_ID_TOKEN: await tokenOf('figures') });
    expect(root.connect).toBeNull();
    const under = { TASKGATE_GRANT_TOKEN: root.token };
    const stepOf = async (step: string, more: readonly string[] = []): Promise<Exchanged> => {
      const actor = await fileOf(`${step}.jwt`, await tokenOf(`figures-${step}`));
      return exchange([`figures-${step}`, '--actor-token-file', actor, ...more], under);
    };
    const orders = await stepOf('orders');
    const countries = await stepOf('countries');
    const counted = await onRunner(['psql', '-XAtd', orders.connect!.uri, '-c', 'select count(id) from orders'], {
      PGPASSWORD: orders.token,
    });
    expect(counted).toMatchObject({ code: 0, stdout: '5000\n' });
    const early = await onRunner(['taskgate', 'exchange', 'figures-items'], under);
    expect(early.stderr).toContain('figures-orders');
    await end(orders);
    const items = await stepOf('items');

    const wider = await onRunner(
      [
        ...(['taskgate', 'exchange', 'figures-countries', '--narrow'] as const),
        '{"allow": [{"select": "public.customers", "columns": ["id", "country", "email"]}]}',
      ],
      { TASKGATE_GRANT_TOKEN: countries.token },
    );
    expect(wider.code).toBe(1);
    expect(wider.stderr).toContain('column `email` of `public.customers`');

    const tree = await as('auditor').get<{
      rootId: string;
      nodes: { grant: { id: string; parentId: string | null; requestedBy: { name: string }; state: string } }[];
    }>(`/grants/${root.grantId}/tree`);
    expect(tree.rootId).toBe(root.grantId);
    expect(tree.nodes.map(({ grant }) => [grant.requestedBy.name, grant.parentId])).toEqual([
      ['figures', null],
      ['figures-orders', root.grantId],
      ['figures-countries', root.grantId],
      ['figures-items', root.grantId],
    ]);

    // Long enough that only the end of the root can end them.
    const running = [
      { of: countries, sql: 'select count(a.id) from customers a, customers b, customers c, customers d' },
      { of: items, sql: 'select count(*) from order_items a, order_items b, order_items c' },
    ].map(({ of, sql }) => {
      const ended = onRunner(['psql', '-XAtd', of.connect!.uri, '-c', sql], { PGPASSWORD: of.token });
      return { of, ended: ended.then((result) => ({ result, at: performance.now() })) };
    });
    await waitUntil(
      async () => {
        const { items: live } = await as('auditor').get<{ items: unknown[] }>(
          `/sessions?node=${root.grantId}&live=true`,
        );
        return live.length === 2;
      },
      60_000,
      'both sessions',
    );
    const endedAt = performance.now();
    await post('revoke', { token: root.token });
    for (const { ended } of running) {
      const { result, at } = await ended;
      expect(result.code).not.toBe(0);
      expect(result.stderr).toMatch(/grant.*ended|terminat|closed/i);
      expect(at - endedAt).toBeLessThan(1_000);
    }
    const after = await as('auditor').get<typeof tree>(`/grants/${root.grantId}/tree`);
    expect(new Set(after.nodes.map(({ grant }) => grant.state))).toEqual(new Set(['ended']));
  });

  test('as docs/ci says for GitHub Actions and for GitLab', { timeout: 180_000 }, async () => {
    const actions = readFileSync(join(ROOT, 'docs/ci/github-actions.yml'), 'utf8');
    const [, step] = /^ +run: (.+)$/m.exec(actions)!;
    const port = (github.address() as AddressInfo).port;
    const onGitHub = await onRunner(['/bin/sh', '-ec', step!], {
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'runner',
    });
    expect(onGitHub).toMatchObject({ code: 0, stderr: '' });
    expect(onGitHub.stdout).toMatch(/^cancelled\|\d+/m);
    expect(onGitHub.stdout.trim().split('\n').at(-1)).toMatch(/^\d+$/);

    const gitlab = readFileSync(join(ROOT, 'docs/ci/gitlab-ci.yml'), 'utf8');
    const [, script] = /^ {4}- (taskgate .+)$/m.exec(gitlab)!;
    const onGitLab = await onRunner(['/bin/sh', '-ec', script!], { TASKGATE_ID_TOKEN: await tokenOf('figures') });
    expect(onGitLab).toMatchObject({ code: 0, stderr: '', stdout: onGitHub.stdout });
  });

  test('leaves the exit code of its command with the grant', async () => {
    const failed = await onRunner(
      ['taskgate', 'run', '--task', 'figures-orders', '--', '/bin/sh', '-c', 'echo $TASKGATE_GRANT; exit 3'],
      { TASKGATE_ID_TOKEN: await tokenOf('figures') },
    );
    expect(failed.code).toBe(3);
    const grant = await as('auditor').get(`/grants/${failed.stdout.trim()}`);
    expect(grant).toMatchObject({ state: 'ended', endReason: 'failed', exitCode: 3 });
  });

  test('is told nothing of why its token is refused, and a token counts once', async () => {
    const once = await tokenOf('figures');
    await exchange(['figures-orders'], { TASKGATE_ID_TOKEN: once });
    for (const token of [once, await tokenOf('elsewhere'), `${once.slice(0, -4)}AAAA`]) {
      const refused = await onRunner(['taskgate', 'exchange', 'figures-orders'], { TASKGATE_ID_TOKEN: token });
      expect(refused.stderr).toBe(
        'taskgate: the `subject_token` was refused: the token was not accepted; an admin of Taskgate finds the reason in its log and audit (invalid_grant)\n',
      );
    }
  });
});

describeWithPsql('an agent', () => {
  test('does its steps under a grant of whom it acts for, narrower each time, as docs/agents says', {
    timeout: 120_000,
  }, async () => {
    const before = await as('admin').get<{ current: { source: string } }>('/tasks/sales-report');
    await applyDocument(
      before.current.source.replace('groups: [analysts]', 'groups: [analysts], agents: [report-bot]'),
    );
    const { id } = await as('admin').post<{ id: string }>('/machines', {
      kind: 'agent',
      name: 'report-bot',
      actsFor: 'engineer@demo.test',
      tasks: ['sales-report'],
      proof: {
        issuer: 'acme-ci',
        claims: [
          { claim: 'repository', pattern: 'acme/bot' },
          { claim: 'repository_owner_id', pattern: '1234' },
        ],
      },
    });
    // Each token of this issuer counts once, and the agent shows its own three times.
    await as('admin').patch('/issuers/acme-ci', { singleUse: false });
    const grant = await openGrant('sales-report');
    const run = await onRunner([process.execPath, join(ROOT, 'docs/agents/agent.mjs')], {
      SUBJECT_TOKEN: grant.token,
      AGENT_TOKEN: await issuer.mint({ ...GITHUB_CLAIMS, repository: 'acme/bot' }),
    });
    await as('admin').patch('/issuers/acme-ci', { singleUse: true });
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toMatch(/^\d+\n/);
    expect(run.stdout).toContain('column `ssn` of `public.customers`');
    const { nodes } = await as('engineer').get<{
      nodes: { grant: { requestedBy: { id: string; email: string }; endReason: string | null; parentId: string } }[];
    }>(`/grants/${grant.id}/tree`);
    expect(nodes.slice(1).map(({ grant: one }) => [one.requestedBy.id, one.endReason, one.parentId])).toEqual([
      [id, 'completed', grant.id],
      [id, 'completed', grant.id],
    ]);
    expect(nodes[1]!.grant.requestedBy.email).toBe('report-bot for engineer@demo.test');
    await applyDocument(before.current.source);
  });
});

test('tokens are introspected for whoever may see them, and revoked by whoever has them', async () => {
  const grant = await openGrant('sales-report');
  const mine = await post('introspect', { token: grant.token }, grant.token);
  expect(mine.body).toMatchObject({ active: true, aud: 'sales-report', jti: grant.id, username: 'engineer@demo.test' });
  const login = { email: 'reviewer@demo.test', password: inject('system').password };
  const other = await fetch(`${inject('system').webUrl}/api/v1/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(login),
  });
  const { token } = (await other.json()) as { token: string };
  expect((await post('introspect', { token }, grant.token)).body).toEqual({ active: false });
  expect((await post('introspect', { token: 'tgt_no' }, grant.token)).body).toEqual({ active: false });
  expect((await post('introspect', { token: grant.token })).status).not.toBe(200);
  expect((await post('revoke', { token: grant.token })).status).toBe(200);
  expect((await post('revoke', { token: grant.token })).status).toBe(200);
  expect(await as('engineer').get(`/grants/${grant.id}`)).toMatchObject({ state: 'ended', endReason: 'revoked' });
  await post('revoke', { token });
  expect((await post('introspect', { token }, token)).status).not.toBe(200);
});

test('a request that is none is told what is wrong, in the words of OAuth', async () => {
  const type = 'urn:ietf:params:oauth:grant-type:token-exchange';
  const jwt = 'urn:ietf:params:oauth:token-type:jwt';
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{}, 'invalid_request'],
    [{ grant_type: 'password' }, 'unsupported_grant_type'],
    [{ grant_type: type, subject_token: 'x' }, 'invalid_request'],
    [{ grant_type: type, subject_token: 'x', subject_token_type: 'urn:x', audience: 'figures' }, 'invalid_request'],
    [{ grant_type: type, subject_token: 'x', subject_token_type: jwt, audience: 'figures' }, 'invalid_grant'],
    [{ grant_type: type, subject_token: 'x', subject_token_type: jwt, narrow: '[' }, 'invalid_request'],
    [{ grant_type: type, subject_token: 'x', subject_token_type: jwt, ttl: 'soon' }, 'invalid_request'],
    // An agent whose secret is missing would act unnamed.
    [
      { grant_type: type, subject_token: 'x', subject_token_type: jwt, actor_token: '', actor_token_type: jwt },
      'invalid_request',
    ],
  ];
  for (const [form, error] of cases) {
    const { status, body } = await post('token', form);
    expect([form, status, body.error]).toEqual([form, 400, error]);
    expect(body.error_description).toEqual(expect.any(String));
  }
  const twice = await fetch(`${inject('system').webUrl}/api/v1/oauth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'grant_type=a&grant_type=b',
  });
  expect(await twice.json()).toMatchObject({ error: 'invalid_request' });
});
