import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId, type ServiceContext } from '../context.ts';
import { applyDocuments } from '../documents/apply-documents.ts';
import { requireActiveGrant } from '../gateway/active-grant.ts';
import { approveHold } from '../holds/approve-hold.ts';
import { refuseHold } from '../holds/refuse-hold.ts';
import { loadInbox } from '../inbox/load-inbox.ts';
import { createMachine } from '../machines/create-machine.ts';
import { createMachineSecret } from '../machines/machine-secrets.ts';
import { exchangeToken } from '../oauth/exchange-token.ts';
import { ACCESS_TOKEN } from '../oauth/resolve-token.ts';
import { revokeToken } from '../oauth/revoke-token.ts';
import { authenticateGrantToken } from '../people/authenticate-grant-token.ts';
import { offboard } from '../people/offboard.ts';
import { updateUser } from '../people/update-user.ts';
import { CLIENT, type TestPerson } from '../testing/test-services.ts';
import { BINDING, refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { activateGrant } from './activate-grant.ts';
import { approveGrant } from './approve-grant.ts';
import { endGrant } from './end-grant.ts';
import { loadGrant } from './load-grants.ts';
import { mintGrant } from './mint-grant.ts';
import { openConsole } from './open-console.ts';
import { refuseGrant } from './refuse-grant.ts';
import { requestGrant } from './request-grant.ts';

const DOCUMENTS = `kind: Task
name: guarded-orders
purpose: The orders, for whoever is approved
resource: demo-shop
who: { groups: [analysts], machines: [night], agents: [h1, h2, h3, h4, h5] }
access: { approvals: { from: [dba], count: 1, timeout: 8h }, ttl: 30m }
allow:
  - select: public.orders
hold:
  - update: public.orders
    columns: [status]
    approvals: { from: [dba], count: 1, timeout: 10m }
---
kind: Task
name: open-orders
purpose: The orders, for anybody here
resource: demo-shop
who: { groups: [analysts], machines: [night], agents: [h1, h2, h3, h4, h5] }
access: { ttl: 30m }
allow:
  - select: public.orders
---
kind: Workflow
name: two-steps
purpose: One after the other
who: { groups: [analysts], machines: [night], agents: [h1, h2, h3, h4, h5] }
access: { ttl: 1h }
steps:
  - { task: guarded-orders }
  - { task: open-orders, after: guarded-orders }
`;

let shop: TestShop;
let people = 0;
beforeAll(async () => {
  shop = await startTestShop();
  await applyDocuments(shop.setup, { source: DOCUMENTS });
});
afterAll(() => shop.stop());

const analyst = (...more: string[]): Promise<TestPerson> => shop.person(`p${++people}`, [], ['analysts', ...more]);
const aliveOf = (identityId: string) =>
  shop.database.query<{ id: string; state: string }>(
    `select id, state from grants where $1 = any("ownerIds") and state in ('active', 'approved')`,
    [identityId],
  );
async function secretOf(kind: 'machine' | 'agent', name: string, actsFor?: string) {
  const known = await shop.services.db.identity.findFirst({
    where: { kind, name, actsForId: actsFor ?? null },
    select: { id: true },
  });
  const id =
    known?.id ??
    (
      await createMachine(shop.setup, {
        kind,
        name,
        tasks: ['guarded-orders', 'open-orders', 'two-steps'],
        proof: null,
        ...(actsFor === undefined ? {} : { actsFor }),
      })
    ).id;
  const { token } = await createMachineSecret(shop.admin.ctx, { id, name: `s${++people}`, ttlMs: 86_400_000 });
  return { id, token };
}
const exchange = (wish: Partial<Parameters<typeof exchangeToken>[1]>) =>
  exchangeToken(
    shop.services,
    { subjectTokenType: ACCESS_TOKEN, ...wish } as Parameters<typeof exchangeToken>[1],
    CLIENT,
  );

describe('who leaves at the very moment that they start something', () => {
  it.each([
    ['offboarded', (id: string) => offboard(shop.admin.ctx, { id, reason: 'r' })],
    ['disabled', (id: string) => updateUser(shop.admin.ctx, { id, disabled: true })],
    ['taken out of the group', (id: string) => updateUser(shop.admin.ctx, { id, groups: [] })],
  ])('keeps nothing that is alive when they are %s', async (_, leave) => {
    for (let round = 0; round < 6; round++) {
      const leaver = await analyst();
      const other = await analyst();
      const root = (await shop.activeGrant('open-orders', leaver)).id;
      const others = (await shop.activeGrant('open-orders', other)).id;
      const waiting = (await requestGrant(leaver.ctx, { task: 'open-orders' })).id;
      const results = await Promise.allSettled([
        ...Array.from({ length: 4 }, () => mintGrant(leaver.ctx, { parentId: root })),
        mintGrant(other.ctx, { parentId: others, identityId: leaver.id }),
        leave(leaver.id),
        activateGrant(leaver.ctx, { id: waiting }),
        mintGrant(other.ctx, { parentId: others, identityId: leaver.id }),
        ...Array.from({ length: 4 }, () => mintGrant(leaver.ctx, { parentId: root })),
      ]);
      expect(results[5]).toMatchObject({ status: 'fulfilled' });
      const codes = results.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
      for (const code of codes) expect(['not-signed-in', 'forbidden', 'grant-ended', 'invalid-state']).toContain(code);
      const alive = await aliveOf(leaver.id);
      expect(alive.filter(({ state }) => state === 'active')).toEqual([]);
      await endGrant(other.ctx, { id: others });
    }
  });

  it('keeps nothing of an agent’s either', async () => {
    for (let round = 0; round < 4; round++) {
      const leaver = await analyst();
      const { token } = await secretOf('agent', `h${round + 1}`, leaver.email);
      const start = () => exchange({ subjectToken: token, audience: 'open-orders' });
      const results = await Promise.allSettled([
        ...Array.from({ length: 4 }, start),
        updateUser(shop.admin.ctx, { id: leaver.id, disabled: true }),
        ...Array.from({ length: 4 }, start),
      ]);
      expect(results[4]).toMatchObject({ status: 'fulfilled' });
      const alive = await shop.database.query(
        `select id from grants where $1 = any("authorityIds") and state <> 'ended'`,
        [leaver.id],
      );
      expect(alive).toEqual([]);
    }
  });
});

describe('what a call may do is what its caller may when it is done, not when it began', () => {
  it('a group left meanwhile starts nothing', async () => {
    const leaver = await analyst();
    const root = (await shop.activeGrant('open-orders', leaver)).id;
    const { id } = await requestGrant(leaver.ctx, { task: 'open-orders' });
    const keeper = (await shop.activeGrant('open-orders')).id;
    await updateUser(shop.admin.ctx, { id: leaver.id, groups: [] });
    expect(await refusal(activateGrant(leaver.ctx, { id }))).toBe('forbidden');
    expect(await refusal(requestGrant(leaver.ctx, { task: 'open-orders' }))).toBe('forbidden');
    expect(await refusal(mintGrant(leaver.ctx, { parentId: root }))).toBe('forbidden');
    expect(await refusal(openConsole(leaver.ctx, { id: root }))).toBe('forbidden');
    const forThem = { parentId: keeper, identityId: leaver.id };
    expect(await refusal(mintGrant(shop.engineer.ctx, forThem))).toBe('forbidden');
  });

  it('a reviewer who left the group approves and refuses nothing', async () => {
    const { id } = await requestGrant(shop.engineer.ctx, { task: 'guarded-orders' });
    const grant = (await shop.activeGrant()).id;
    const hold = await shop.hold(await shop.session(grant), grant);
    const reviewer = await shop.person(`p${++people}`, [], ['dba']);
    await updateUser(shop.admin.ctx, { id: reviewer.id, groups: ['auditors'] });
    expect(await refusal(approveGrant(reviewer.ctx, { id }))).toBe('forbidden');
    expect(await refusal(refuseGrant(reviewer.ctx, { id, reason: 'no' }))).toBe('forbidden');
    expect(await refusal(approveHold(reviewer.ctx, { id: hold, binding: BINDING }))).toBe('forbidden');
    expect(await refusal(refuseHold(reviewer.ctx, { id: hold, reason: 'no' }))).toBe('forbidden');
  });

  it('a sign-in or a token that has ended starts nothing', async () => {
    const person = await analyst();
    const at = new Date(shop.clock.now());
    const viaId = newId(shop.services, 'web');
    await shop.services.db.webSession.create({
      data: {
        id: viaId,
        userId: person.id,
        createdAt: at,
        lastSeenAt: at,
        expiresAt: new Date(shop.clock.now() + 3_600_000),
        endedAt: at,
        userAgent: 'x',
        address: '192.0.2.1',
      },
    });
    const late = { ...person.ctx, actor: { ...person.actor, viaId } };
    expect(await refusal(requestGrant(late, { task: 'open-orders' }))).toBe('not-signed-in');
    const { id, token } = await shop.activeGrant('open-orders', person);
    const actor = (await authenticateGrantToken(shop.services, token))!;
    await endGrant(person.ctx, { id });
    const below: ServiceContext = { services: shop.services, actor };
    expect(await refusal(mintGrant(below, { parentId: id }))).toBe('not-signed-in');
  });
});

describe('a step', () => {
  const startRun = async (person = shop.engineer) => {
    const { id } = await requestGrant(person.ctx, { workflow: 'two-steps' });
    return { id, token: (await activateGrant(person.ctx, { id })).token };
  };
  const next = (parentId: string) => mintGrant(shop.engineer.ctx, { parentId, task: 'open-orders' });

  it('that only waited has not completed, whatever its owner says, and lets nothing go on', async () => {
    const { id } = await startRun();
    const { grant } = await mintGrant(shop.engineer.ctx, { parentId: id, task: 'guarded-orders' });
    expect(await endGrant(shop.engineer.ctx, { id: grant.id, outcome: 'completed', exitCode: 0 })).toMatchObject({
      endReason: 'revoked',
      exitCode: null,
    });
    expect(await refusal(next(id))).toBe('invalid-state');
    const again = (await mintGrant(shop.engineer.ctx, { parentId: id, task: 'guarded-orders' })).grant.id;
    await approveGrant(shop.reviewers[0].ctx, { id: again });
    expect(await endGrant(shop.engineer.ctx, { id: again })).toMatchObject({ endReason: 'revoked' });
    expect(await refusal(next(id))).toBe('invalid-state');
  });

  it('whose token is revoked has not completed', async () => {
    const { id } = await startRun();
    const { grant } = await mintGrant(shop.engineer.ctx, { parentId: id, task: 'guarded-orders' });
    await approveGrant(shop.reviewers[0].ctx, { id: grant.id });
    const { token } = await activateGrant(shop.engineer.ctx, { id: grant.id });
    await revokeToken(shop.services, token);
    expect(await loadGrant(shop.engineer.ctx, { id: grant.id })).toMatchObject({ endReason: 'revoked' });
    expect(await refusal(next(id))).toBe('invalid-state');
  });

  it('that waited for an approval is started by whose it is, with the run’s token and their own', async () => {
    const { token: runToken } = await startRun();
    const night = await secretOf('machine', 'night');
    const wish = {
      subjectToken: runToken,
      actorToken: night.token,
      actorTokenType: ACCESS_TOKEN,
    };
    const pending = await exchange({ ...wish, audience: 'guarded-orders' }).then(
      () => null,
      (error) => error,
    );
    expect(pending).toMatchObject({ error: 'authorization_pending' });
    const grantId = pending.more.grant_id;
    await approveGrant(shop.reviewers[0].ctx, { id: grantId });
    await expect(
      exchange({ ...wish, actorToken: undefined, actorTokenType: undefined, grantId }),
    ).rejects.toMatchObject({
      error: 'invalid_target',
    });
    const made = await exchange({ ...wish, grantId });
    expect(made.grant).toMatchObject({ id: grantId, state: 'active', requestedBy: { id: night.id } });
  });
});

describe('under the authority of a person', () => {
  it('nobody approves what a machine asks for below a grant of their agent’s, or sees it in their inbox; they may end it', async () => {
    const owner = await analyst('dba');
    const agent = await secretOf('agent', 'h5', owner.email);
    const night = await secretOf('machine', 'night');
    const run = await exchange({ subjectToken: agent.token, audience: 'two-steps' });
    const pending = await exchange({
      subjectToken: run.token,
      actorToken: night.token,
      actorTokenType: ACCESS_TOKEN,
      audience: 'guarded-orders',
    }).then(
      () => null,
      (error) => error,
    );
    const id: string = pending.more.grant_id;
    expect(await refusal(approveGrant(owner.ctx, { id }))).toBe('forbidden');
    expect(await refusal(refuseGrant(owner.ctx, { id, reason: 'no' }))).toBe('forbidden');
    const inbox = await loadInbox(owner.ctx, { view: 'mine' });
    expect(inbox.items.map((item) => item.id)).not.toContain(id);
    await approveGrant(shop.reviewers[0].ctx, { id });
    await exchange({ subjectToken: run.token, actorToken: night.token, actorTokenType: ACCESS_TOKEN, grantId: id });
    const hold = await shop.hold(await shop.session(id), id, {
      approvals: { from: ['dba'], count: 1, timeoutMs: 600_000 },
    });
    expect(await refusal(approveHold(owner.ctx, { id: hold, binding: BINDING }))).toBe('forbidden');
    expect((await loadInbox(owner.ctx, { view: 'mine' })).items.map((item) => item.id)).not.toContain(hold);
    expect(await endGrant(owner.ctx, { id })).toMatchObject({ endReason: 'revoked' });
  });

  it('what was approved for one is not approved for another who holds it narrower', async () => {
    const { id } = await requestGrant(shop.engineer.ctx, { task: 'guarded-orders' });
    await approveGrant(shop.reviewers[0].ctx, { id });
    await activateGrant(shop.engineer.ctx, { id });
    const own = await mintGrant(shop.engineer.ctx, { parentId: id });
    expect(own.grant.state).toBe('active');
    const other = await mintGrant(shop.engineer.ctx, { parentId: id, identityId: shop.otherEngineer.id });
    expect(other).toMatchObject({ token: null, grant: { state: 'requested', approvers: ['dba'] } });
  });
});

describe('a grant', () => {
  it('below one that has ended opens nothing, whatever the store says of it', async () => {
    const root = (await shop.activeGrant('open-orders')).id;
    const child = await mintGrant(shop.engineer.ctx, { parentId: root });
    await shop.database.query('alter table grants disable trigger user');
    await shop.database.query(
      `update grants set state = 'ended', "endReason" = 'revoked', "endedAt" = now() where id = $1`,
      [root],
    );
    await shop.database.query('alter table grants enable trigger user');
    const { db, clock } = shop.services;
    expect(await refusal(requireActiveGrant(db, child.grant.id, clock.now()))).toBe('grant-ended');
    expect(await authenticateGrantToken(shop.services, child.token!)).toBeNull();
  });

  it.each([
    ['limits', `limits = '{"rows": 1}'`],
    ['owners', `"ownerIds" = array['x']`],
    ['approvals', '"approvalsNeeded" = 0'],
    ['approvers', `"approverGroups" = '{}'`],
    ['step-up', `"stepUp" = 'both'`],
    ['reason', `reason = 'another'`],
  ])('keeps its %s, whatever a bug asks the store for', async (_, change) => {
    const { id } = await requestGrant(shop.engineer.ctx, { task: 'guarded-orders', reason: 'one' });
    await expect(shop.database.query(`update grants set ${change} where id = $1`, [id])).rejects.toThrow(/stays where/);
  });
});
