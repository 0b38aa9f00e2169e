import { GITHUB_CLAIMS, startTestIssuer, type TestIssuer } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadAudit } from '../audit/load-audit.ts';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { applyDocuments } from '../documents/apply-documents.ts';
import { activateGrant } from '../grants/activate-grant.ts';
import { approveGrant } from '../grants/approve-grant.ts';
import { endGrant } from '../grants/end-grant.ts';
import { loadGrant, loadGrants } from '../grants/load-grants.ts';
import { requestGrant } from '../grants/request-grant.ts';
import { createIssuer } from '../issuers/create-issuer.ts';
import { loadIssuers } from '../issuers/load-issuers.ts';
import { updateIssuer } from '../issuers/update-issuer.ts';
import { authenticateApiToken } from '../people/authenticate-api-token.ts';
import { createApiToken } from '../people/create-api-token.ts';
import { updateUser } from '../people/update-user.ts';
import { loadSession, loadSessions } from '../sessions/load-sessions.ts';
import type { TestPerson } from '../testing/test-services.ts';
import { refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { createMachine } from './create-machine.ts';
import { loadMachine, loadMachines } from './load-machines.ts';
import { createMachineSecret, revokeMachineSecret, rotateMachineSecret } from './machine-secrets.ts';
import { tryToken } from './try-token.ts';
import { updateMachine } from './update-machine.ts';
import { verifySubjectToken } from './verify-subject-token.ts';

const TASKS = `kind: Task
name: nightly-export
purpose: Export the orders every night
resource: demo-shop
who: { groups: [analysts], machines: [nightly, weekly, slow-night], agents: [bot, machine-bot, gone-bot] }
access: { ttl: 1h }
allow:
  - select: public.orders
---
kind: Task
name: nightly-fix
purpose: Put right what the night left
resource: demo-shop
who: { groups: [dba], machines: [nightly], agents: [dba-bot] }
access: { approvals: { from: [dba], count: 1, timeout: 8h }, ttl: 1h }
allow:
  - select: public.orders
`;
const SHOP_CLAIMS = [
  { claim: 'repository', pattern: 'acme/shop' },
  { claim: 'ref', pattern: 'refs/heads/main' },
];
const DAY = 86_400_000;

let shop: TestShop;
let issuer: TestIssuer;
let admin: ServiceContext;
let count = 0;

beforeAll(async () => {
  shop = await startTestShop();
  issuer = await startTestIssuer();
  await applyDocuments(shop.setup, { source: TASKS, secrets: {} });
  admin = shop.admin.ctx;
  await createIssuer(admin, issuerWish('ci', issuer.url));
});
afterAll(async () => {
  await issuer.stop();
  await shop.stop();
});

const issuerWish = (name: string, url: string, more: object = {}) => ({
  ...{ name, kind: 'github', url, audience: 'taskgate', keySource: 'discovery', jwksUrl: null, jwks: null },
  ...{ skewMs: 30_000, maxLifetimeMs: 3_600_000, singleUse: false, privateNetwork: true },
  ...more,
});
const machine = (name: string, more: object = {}) =>
  createMachine(admin, { kind: 'machine', name, tasks: ['nightly-export'], proof: null, ...more });
const agent = (name: string, actsFor: string, more: object = {}) =>
  createMachine(admin, { kind: 'agent', name, actsFor, tasks: ['nightly-export'], proof: null, ...more });
const proof = (claims = SHOP_CLAIMS, more: object = {}) => ({ issuer: 'ci', claims, ...more });
const mint = (claims: object = {}, from = issuer) =>
  from.mint({ ...GITHUB_CLAIMS, ...claims }, { atMs: shop.clock.now() });
/** From an address of its own, so that no test slows another down. */
const verify = (token: string, options: object = {}) =>
  verifySubjectToken(shop.services, token, { address: `192.0.2.${++count % 250}`, ...options });
const verdictOf = async (token: string, options: object = {}): Promise<string> => {
  const verdict = await verify(token, options);
  return verdict.ok ? verdict.actor.email : verdict.refusal;
};
const as = (actor: IdentityActor | null): ServiceContext => {
  if (actor === null) throw new Error('nobody');
  return { services: shop.services, actor };
};
/** The machine or agent as it calls with a static secret. */
async function bySecret(id: string): Promise<{ ctx: ServiceContext; token: string; secretId: string }> {
  const { token, secret } = await createMachineSecret(admin, { id, name: 'ci', ttlMs: DAY });
  return { ctx: as(await authenticateApiToken(shop.services, token)), token, secretId: secret.id };
}
const grantOf = async (ctx: ServiceContext, task = 'nightly-export'): Promise<string> => {
  const { id } = await requestGrant(ctx, { task });
  await activateGrant(ctx, { id });
  return id;
};

describe('a token of an issuer', () => {
  it('stands for the machine whose claims it matches, which may do what it is named for and no more', async () => {
    const { id } = await machine('nightly', { proof: proof(), tasks: ['nightly-export', 'sales-report'] });
    const verdict = await verify(await mint());
    if (!verdict.ok) throw new Error(verdict.detail);
    expect(verdict.actor).toMatchObject({
      ...{ kind: 'machine', identityId: id, email: 'nightly', groups: [], roles: [], via: 'token-exchange' },
      scopes: ['task:read', 'grant:request', 'session:own'],
    });
    const ctx = as(verdict.actor);
    const grantId = await grantOf(ctx);
    expect(await loadGrant(admin, { id: grantId })).toMatchObject({
      requestedBy: { kind: 'machine', email: 'nightly' },
    });
    // In its own list, but the task does not name it; named by the task, but not in its list.
    expect(await refusal(requestGrant(ctx, { task: 'sales-report' }))).toBe('forbidden');
    expect(await refusal(requestGrant(ctx, { task: 'nightly-fix' }))).toBe('forbidden');
    expect(await refusal(loadMachines(ctx, {}))).toBe('forbidden');
    expect((await loadMachine(admin, { id })).proof?.lastUsedAt).not.toBeNull();
    const { items } = await loadAudit(shop.auditor.ctx, { action: 'machine.prove', subject: 'nightly' });
    expect(items[0]).toMatchObject({ actor: { email: 'nightly' }, after: { sub: GITHUB_CLAIMS.sub, run_id: '42' } });
  });

  it('of an empty list of tasks activates nothing', async () => {
    const { id } = await machine('weekly', { tasks: [] });
    const { ctx } = await bySecret(id);
    expect(await refusal(requestGrant(ctx, { task: 'nightly-export' }))).toBe('forbidden');
  });

  it('that does not match is refused, with the claim for the log and the audit and one answer for the client', async () => {
    const verdict = await verify(await mint({ ref: 'refs/heads/evil' }));
    expect(verdict).toMatchObject({
      refusal: 'no-machine-matches',
      detail: 'no machine fits. machine `nightly`: `ref` is `refs/heads/evil`, not `refs/heads/main`',
    });
    const stranger = await verify(await mint({ iss: 'https://evil.test' }));
    expect(stranger).toMatchObject({ refusal: 'unknown-issuer' });
    expect(!verdict.ok && !stranger.ok && verdict.answer === stranger.answer).toBe(true);
    expect(!verdict.ok && verdict.answer).not.toMatch(/ref|nightly/);
    const { items } = await loadAudit(shop.auditor.ctx, { action: 'machine.refuse' });
    expect(items[0]).toMatchObject({ after: { refusal: 'no-machine-matches', detail: expect.stringMatching(/evil/) } });
  });

  it('never gets into the log or the audit', async () => {
    const tokens = [await mint(), await mint({ ref: 'x' }), 'a.b.c-secret', await mint({ aud: 'x' })];
    for (const token of tokens) await verify(token);
    await tryToken(admin, { issuer: 'ci', claims: SHOP_CLAIMS, token: tokens[0] });
    const rows = await shop.database.query<{ text: string }>('select a::text as text from audit a');
    const written = [...rows.map(({ text }) => text), ...shop.logged].join('\n');
    for (const token of tokens) expect(written).not.toContain(token.split('.')[2]);
  });

  it('for another audience counts where the machine says that one, and only there', async () => {
    const claims = [{ claim: 'repository', pattern: 'acme/other' }];
    await machine('other-audience', { proof: proof(claims, { audience: 'https://gate.test' }) });
    const other = { repository: 'acme/other' };
    expect(await verdictOf(await mint({ ...other, aud: 'https://gate.test' }))).toBe('other-audience');
    expect(await verdictOf(await mint(other))).toBe('no-machine-matches');
    expect(await verdictOf(await mint({ aud: 'https://gate.test' }))).toBe('no-machine-matches');
  });

  it('that fits two machines stands for neither, unless the request names one of them', async () => {
    const claims = [{ claim: 'repository', pattern: 'acme/twice' }];
    await machine('twice-a', { proof: proof(claims) });
    await machine('twice-b', { proof: proof(claims) });
    const token = await mint({ repository: 'acme/twice' });
    expect(await verdictOf(token)).toBe('several-machines-match');
    expect(await verdictOf(token, { name: 'twice-b' })).toBe('twice-b');
    expect(await verdictOf(token, { name: 'nightly' })).toBe('no-machine-matches');
  });

  it('of a single-use issuer counts once, also of ten at the same moment', async () => {
    const once = await startTestIssuer();
    await createIssuer(admin, issuerWish('once', once.url, { singleUse: true }));
    await machine('once', { proof: { issuer: 'once', claims: SHOP_CLAIMS } });
    const token = await mint({}, once);
    await tryToken(admin, { issuer: 'once', claims: SHOP_CLAIMS, token });
    const verdicts = await Promise.all(Array.from({ length: 10 }, () => verdictOf(token)));
    expect(verdicts.filter((verdict) => verdict === 'once')).toHaveLength(1);
    expect(verdicts.filter((verdict) => verdict === 'used-already')).toHaveLength(9);
    expect(await verdictOf(await mint({}, once))).toBe('once');
    const reused = await mint();
    expect([await verdictOf(reused), await verdictOf(reused)]).toEqual(['nightly', 'nightly']);
    await once.stop();
  });

  it('of a disabled issuer or machine is refused, and the issuer’s machines lose their grants', async () => {
    const { id } = await machine('sleeper', { proof: proof([{ claim: 'repository', pattern: 'acme/sleeper' }]) });
    const token = await mint({ repository: 'acme/sleeper' });
    expect(await verdictOf(token)).toBe('sleeper');
    await updateMachine(admin, { id, disabled: true });
    expect(await verdictOf(token)).toBe('disabled');
    await updateMachine(admin, { id, disabled: false });
    const nightly = await verify(await mint());
    const grantId = await grantOf(as(nightly.ok ? nightly.actor : null));
    await updateIssuer(admin, { name: 'ci', disabled: true });
    expect(await verdictOf(token)).toBe('issuer-disabled');
    expect(await loadGrant(admin, { id: grantId })).toMatchObject({ state: 'ended', endReason: 'revoked' });
    await updateIssuer(admin, { name: 'ci', disabled: false });
    expect(await verdictOf(token)).toBe('sleeper');
  });

  it('of an issuer that is disabled while its token is looked at, or after, opens nothing more', async () => {
    const slow = await startTestIssuer();
    await createIssuer(admin, issuerWish('slow', slow.url));
    await machine('slow-night', { proof: proof(SHOP_CLAIMS, { issuer: 'slow' }) });
    const early = await verify(await mint({}, slow));
    const ctx = as(early.ok ? early.actor : null);
    const { id } = await requestGrant(ctx, { task: 'nightly-export' });
    // Whoever runs the issuer says how long its keys take.
    await slow.rotate();
    shop.clock.advance(10 * 60_000);
    slow.answer(async ({ url }, response) => {
      if (url === '/keys') await updateIssuer(admin, { name: 'slow', disabled: true });
      response.end(JSON.stringify(url === '/keys' ? slow.jwks() : { issuer: slow.url, jwks_uri: `${slow.url}/keys` }));
    });
    expect(await verdictOf(await mint({}, slow))).toBe('issuer-disabled');
    expect(await refusal(activateGrant(ctx, { id }))).toBe('not-signed-in');
    expect(await refusal(requestGrant(ctx, { task: 'nightly-export' }))).toBe('not-signed-in');
    await slow.stop();
  });

  it('that is refused slows its address down, and one that is accepted does not', async () => {
    const good = await mint();
    for (let i = 0; i < 40; i++) expect(await verdictOf(good, { address: '198.51.100.1' })).toBe('nightly');
    const bad = await mint({ ref: 'x' });
    let last = '';
    for (let i = 0; i < 40 && last !== 'too-many-attempts'; i++)
      last = await verdictOf(bad, { address: '198.51.100.2' });
    expect(last).toBe('too-many-attempts');
    expect(await verdictOf(good, { address: '198.51.100.2' })).toBe('too-many-attempts');
    expect(await verdictOf(good, { address: '198.51.100.1' })).toBe('nightly');
  });
});

describe('an agent', () => {
  const engineer = (): TestPerson => shop.engineer;

  it('may do no more than whom it acts for, now, and is named with them everywhere', async () => {
    const { id } = await agent('bot', engineer().email, { tasks: ['nightly-export', 'nightly-fix'] });
    const { ctx } = await bySecret(id);
    const label = `bot for ${engineer().email}`;
    expect(ctx.actor).toMatchObject({ kind: 'agent', email: label });
    const grantId = await grantOf(ctx);
    expect(await refusal(requestGrant(ctx, { task: 'nightly-fix' }))).toBe('forbidden');
    expect((await loadGrant(admin, { id: grantId })).requestedBy.email).toBe(label);
    const sessionId = await shop.session(grantId);
    expect((await loadSession(admin, { id: sessionId })).person.email).toBe(label);
    expect((await loadSessions(admin, { person: engineer().email })).items.map((row) => row.id)).toContain(sessionId);
    expect((await shop.controlPlane.openGrant(grantId)).identity.label).toBe(label);
    const { items } = await loadAudit(shop.auditor.ctx, { subject: grantId });
    expect(items.map((row) => row.actor?.email)).toEqual([label, label]);
    // Theirs to see and to end.
    expect((await loadGrants(engineer().ctx, {})).items.map((row) => row.id)).toContain(grantId);
    expect(await refusal(endGrant(shop.otherEngineer.ctx, { id: grantId }))).toBe('not-found');
    expect(await endGrant(engineer().ctx, { id: grantId })).toMatchObject({ state: 'ended' });
  });

  it('loses its grants with the groups of whom it acts for', async () => {
    const leaver = await shop.person('leaver', [], ['analysts']);
    const { id } = await agent('machine-bot', leaver.email);
    const { ctx, token } = await bySecret(id);
    const grantId = await grantOf(ctx);
    await updateUser(admin, { id: leaver.id, groups: ['auditors'] });
    expect(await loadGrant(admin, { id: grantId })).toMatchObject({ state: 'ended', endReason: 'revoked' });
    expect((await authenticateApiToken(shop.services, token))?.scopes).not.toContain('grant:request');
  });

  it('ends with whom it acts for: its grants, its secrets and its proof', async () => {
    const leaver = await shop.person('gone', [], ['analysts']);
    const { id } = await agent('gone-bot', leaver.email, {
      proof: proof([{ claim: 'repository', pattern: 'acme/gone' }]),
    });
    const jwt = await mint({ repository: 'acme/gone' });
    expect(await verdictOf(jwt)).toBe(`gone-bot for ${leaver.email}`);
    const { token, ctx } = await bySecret(id);
    const grantId = await grantOf(ctx);
    await updateUser(admin, { id: leaver.id, disabled: true });
    expect(await loadGrant(admin, { id: grantId })).toMatchObject({ state: 'ended', endReason: 'revoked' });
    expect(await authenticateApiToken(shop.services, token)).toBeNull();
    expect(await verdictOf(jwt)).toBe('disabled');
    expect(await refusal(createMachineSecret(admin, { id, name: 'x' }))).toBe('invalid-state');
    await updateUser(admin, { id: leaver.id, disabled: false });
    expect(await authenticateApiToken(shop.services, token)).toBeNull();
  });

  it('asks for nothing that whom it acts for could approve by themselves', async () => {
    const [reviewer, other] = shop.reviewers;
    const { id } = await agent('dba-bot', reviewer.email, { tasks: ['nightly-fix'] });
    const { ctx } = await bySecret(id);
    const grant = await requestGrant(ctx, { task: 'nightly-fix' });
    expect(await refusal(approveGrant(reviewer.ctx, { id: grant.id }))).toBe('forbidden');
    expect(await approveGrant(other.ctx, { id: grant.id })).toMatchObject({ state: 'approved' });
  });

  it('acts for a person or a machine that is there, never for another agent or for nobody', async () => {
    await expect(agent('nobody-bot', 'nobody@test.example')).rejects.toMatchObject({ code: 'bad-input' });
    await expect(agent('bot-bot', 'bot')).rejects.toMatchObject({ code: 'bad-input' });
    await expect(createMachine(admin, { kind: 'agent', name: 'x', tasks: [], proof: null })).rejects.toMatchObject({
      code: 'bad-input',
    });
    await expect(machine('y', { actsFor: engineer().email })).rejects.toMatchObject({ code: 'bad-input' });
    const ofMachine = await agent('of-machine', 'nightly');
    expect(ofMachine.actsFor).toMatchObject({ kind: 'machine', email: 'nightly' });
  });
});

describe('a machine that is disabled', () => {
  it('loses its secrets and grants, and so do the agents that act for it', async () => {
    const { id } = await machine('doomed', { tasks: [] });
    const own = await bySecret(id);
    const { id: agentId } = await agent('doomed-bot', 'doomed');
    const ofAgent = await bySecret(agentId);
    await updateMachine(admin, { id, disabled: true });
    for (const { token } of [own, ofAgent]) expect(await authenticateApiToken(shop.services, token)).toBeNull();
    await updateMachine(admin, { id, disabled: false });
    for (const { token } of [own, ofAgent]) expect(await authenticateApiToken(shop.services, token)).toBeNull();
  });

  it('keeps no grant of a task that is taken from its list', async () => {
    const { id } = await loadMachines(admin, { kind: 'machine' }).then(
      (all) => all.find((one) => one.name === 'weekly')!,
    );
    await updateMachine(admin, { id, tasks: ['nightly-export'] });
    const { ctx } = await bySecret(id);
    const grantId = await grantOf(ctx);
    await updateMachine(admin, { id, tasks: ['other'] });
    expect(await loadGrant(admin, { id: grantId })).toMatchObject({ state: 'ended', endReason: 'revoked' });
    const again = await bySecret(id);
    await updateMachine(admin, { id, tasks: ['nightly-export'] });
    const another = await grantOf(as(await authenticateApiToken(shop.services, again.token)));
    await updateMachine(admin, { id, disabled: true });
    expect(await loadGrant(admin, { id: another })).toMatchObject({ state: 'ended', endReason: 'revoked' });
  });
});

describe('a static secret', () => {
  it('has the scopes of machines alone, and ends within 90 days', async () => {
    const { id } = await machine('static');
    const { secret } = await createMachineSecret(admin, { id, name: 'ci' });
    expect(Date.parse(secret.expiresAt) - shop.clock.now()).toBe(30 * DAY);
    expect(secret.scopes).toEqual(['task:read', 'grant:request', 'session:own']);
    expect(await refusal(createMachineSecret(admin, { id, name: 'x', ttlMs: 91 * DAY }))).toBe('bad-input');
  });

  it('that is rotated goes on for the overlap, and no longer', async () => {
    const { id } = await machine('rotated');
    const old = await bySecret(id);
    const { token } = await rotateMachineSecret(admin, { id, secretId: old.secretId, overlapMs: 3_600_000 });
    expect(await authenticateApiToken(shop.services, old.token)).not.toBeNull();
    shop.clock.advance(3_600_000);
    expect(await authenticateApiToken(shop.services, old.token)).toBeNull();
    const now = await authenticateApiToken(shop.services, token);
    expect(now).toMatchObject({ email: 'rotated' });
    const [left] = (await loadMachine(admin, { id })).secrets;
    await revokeMachineSecret(admin, { id, secretId: left!.id });
    expect(await authenticateApiToken(shop.services, token)).toBeNull();
  });

  it('is made by a sign-in, of a machine, and by nobody through a token', async () => {
    const { id } = await machine('careful');
    const { ctx } = await bySecret(id);
    for (const work of [
      createMachineSecret(ctx, { id, name: 'x' }),
      createApiToken(ctx, { name: 'x', scopes: ['task:read'], ttlMs: DAY }),
      createMachineSecret(as({ ...shop.admin.actor, via: 'api-token' }), { id, name: 'x' }),
    ])
      expect(await refusal(work)).toBe('forbidden');
    expect(await refusal(createMachineSecret(admin, { id: shop.engineer.id, name: 'x' }))).toBe('not-found');
  });
});

describe('machines and issuers', () => {
  it('are read by who reads people and changed by who changes people', async () => {
    const { ctx } = shop.engineer;
    const { id } = (await loadMachines(shop.auditor.ctx, {}))[0]!;
    expect((await loadIssuers(shop.auditor.ctx)).map(({ name }) => name)).toContain('ci');
    for (const work of [
      ...[loadMachines(ctx, {}), loadMachine(ctx, { id }), loadIssuers(ctx)],
      ...[shop.auditor.ctx, ctx].flatMap((caller) => [
        createMachine(caller, { kind: 'machine', name: 'x', tasks: [], proof: null }),
        updateMachine(caller, { id, disabled: true }),
        createMachineSecret(caller, { id, name: 'x' }),
        createIssuer(caller, issuerWish('x', 'https://x.test')),
        updateIssuer(caller, { name: 'ci', disabled: true }),
        tryToken(caller, { issuer: 'ci', claims: SHOP_CLAIMS, token: 'x' }),
      ]),
    ])
      expect(await refusal(work)).toBe('forbidden');
  });

  it('are refused where their patterns let strangers in', async () => {
    for (const claims of [
      [],
      [{ claim: 'ref', pattern: 'refs/heads/main' }],
      [{ claim: 'repository', pattern: '*/shop' }],
    ])
      expect(await refusal(machine('open', { proof: proof(claims) }))).toBe('bad-input');
    await expect(
      shop.database.query(
        `insert into claim_bindings ("identityId", "issuerId", claims) select i.id, s.id, '[]' from identities i, issuers s limit 1`,
      ),
    ).rejects.toThrow(/claim_bindings_claims/);
  });

  it('of an issuer that cannot work are refused', async () => {
    const wish = (more: object) => refusal(createIssuer(admin, issuerWish('bad', 'https://bad.test', more)));
    expect(await wish({ keySource: 'url' })).toBe('bad-input');
    expect(await wish({ url: 'http://bad.test' })).toBe('bad-input');
    expect(await wish({ url: 'https://10.0.0.1', privateNetwork: false })).toBe('bad-input');
    expect(await wish({ keySource: 'keys', jwks: { keys: [] } })).toBe('bad-input');
    expect(await wish({ kind: 'spiffe' })).toBe('bad-input');
    expect(await wish({ kind: 'oidc', url: 'https://token.actions.githubusercontent.com' })).toBe('bad-input');
    expect(await wish({ url: issuer.url })).toBe('conflict');
  });

  it('say claim by claim why a token that was pasted would not do', async () => {
    const claims = [...SHOP_CLAIMS, { claim: 'environment', pattern: 'production' }];
    const trial = await tryToken(admin, { issuer: 'ci', claims, token: await mint({ ref: 'refs/heads/x' }) });
    expect(trial).toMatchObject({ genuine: { ok: true }, accepted: false, claims: { repository: 'acme/shop' } });
    expect(trial.verdicts.map(({ claim, matches, given }) => [claim, matches, given])).toEqual([
      ['repository', true, 'acme/shop'],
      ['ref', false, 'refs/heads/x'],
      ['environment', false, null],
    ]);
    const forged = `${(await mint()).slice(0, -4)}AAAA`;
    expect(await tryToken(admin, { issuer: 'ci', claims: SHOP_CLAIMS, token: forged })).toMatchObject({
      ...{ genuine: { ok: false, code: 'bad-signature' }, accepted: false },
    });
  });

  it('say which of their tasks name them', async () => {
    const { tasks } = await machine('lister', { tasks: ['nightly-export', 'nowhere'] });
    expect(tasks).toEqual([
      { name: 'nightly-export', workflow: false, exists: true, named: false },
      { name: 'nowhere', workflow: false, exists: false, named: false },
    ]);
  });
});
