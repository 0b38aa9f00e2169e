import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../context.ts';
import { requireActiveGrant } from '../gateway/active-grant.ts';
import { requestGrant } from '../grants/request-grant.ts';
import { refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { createGroup } from './create-group.ts';
import { issueApiToken } from './issue-api-token.ts';
import { loadReach } from './load-reach.ts';
import { offboard } from './offboard.ts';
import { updateUser } from './update-user.ts';

let shop: TestShop;

beforeAll(async () => {
  shop = await startTestShop();
});
afterAll(() => shop.stop());

/** An agent that acts for somebody, with a token and an active grant of its own. */
async function agentOf(actsForId: string): Promise<{ id: string; grantId: string }> {
  const { services, setup } = shop;
  const id = newId(services, 'usr');
  await services.db.identity.create({
    data: { id, kind: 'agent', name: `agent-${id.slice(-4)}`, actsForId, createdAt: new Date(shop.clock.now()) },
  });
  await services.db.$transaction((tx) =>
    issueApiToken(tx, setup, {
      identityId: id,
      name: 'agent',
      scopes: ['task:read'],
      expiresAt: new Date(shop.clock.now() + 3_600_000),
    }),
  );
  const grant = await shop.activeGrant();
  // Whose a grant is never changes: only who owns the store can make it another's.
  await shop.database.query('alter table grants disable trigger user');
  const authorityIds = [id, actsForId];
  await services.db.grant.update({ where: { id: grant.id }, data: { identityId: id, ownerIds: [id], authorityIds } });
  await shop.database.query('alter table grants enable trigger user');
  return { id, grantId: grant.id };
}

describe('who leaves', () => {
  it('is shown with all that they reach and all that is alive, the agents that act for them too', async () => {
    const leaver = await shop.person('shown', [], ['analysts', 'dba']);
    const agent = await agentOf(leaver.id);
    const grant = await shop.activeGrant('sales-report', leaver);
    const sessionId = await shop.session(grant.id);
    const holdId = await shop.hold(sessionId, grant.id);
    const asked = await requestGrant(shop.engineer.ctx, { task: 'shop-admin', reason: 'r' });
    const reach = await loadReach(shop.admin.ctx, { id: leaver.id });
    expect(reach).toMatchObject({
      identity: { id: leaver.id, disabledAt: null, actsFor: null },
      whyNotOffboard: null,
      groups: ['analysts', 'dba'],
      roles: ['reviewer', 'engineer'],
      scopes: expect.arrayContaining(['grant:request', 'grant:review']),
      tasks: [
        { name: 'fix-order-status', by: ['analysts'] },
        { name: 'sales-report', by: ['analysts'] },
        { name: 'shop-admin', by: ['analysts', 'dba'] },
      ],
      resources: ['demo-shop'],
      agents: [{ id: agent.id, kind: 'agent' }],
      apiTokens: [{ owner: { id: agent.id }, scopes: ['task:read'] }],
      sessions: [{ id: sessionId, task: 'sales-report', resource: 'demo-shop' }],
      holds: [{ id: holdId }],
    });
    expect(reach.grants.map((one) => [one.id, one.owner.id]).sort()).toEqual(
      [
        [agent.grantId, agent.id],
        [grant.id, leaver.id],
      ].sort(),
    );
    // Two of the three reviewers of the demo, and the third: whoever asked is none of them.
    expect(reach.asked.find((one) => one.id === asked.id)).toMatchObject({ kind: 'grant', others: 3 });
    // Of others' tokens and browsers only who may change people hears.
    expect(await loadReach(shop.auditor.ctx, { id: leaver.id })).toMatchObject({ apiTokens: null, webSessions: null });
    // What says who may do what gives away no secret.
    expect(JSON.stringify(reach)).not.toMatch(/passwordHash|verifier|tokenHash|statement/);
  });

  it('loses all of it in one deed, which the audit has under one id', async () => {
    const leaver = await shop.person('leaver', [], ['analysts']);
    const { services, clock } = shop;
    const at = new Date(clock.now());
    await services.db.webSession.create({
      data: {
        id: newId(services, 'web'),
        userId: leaver.id,
        createdAt: at,
        lastSeenAt: at,
        expiresAt: new Date(clock.now() + 3_600_000),
        userAgent: 'x',
        address: '192.0.2.1',
      },
    });
    const agent = await agentOf(leaver.id);
    const grant = await shop.activeGrant('sales-report', leaver);
    const sessionId = await shop.session(grant.id);
    await shop.hold(sessionId, grant.id);
    const ended = await offboard(shop.admin.ctx, { id: leaver.id, reason: 'the contract is over' });
    expect(ended).toMatchObject({
      identity: { id: leaver.id },
      groups: ['analysts'],
      agents: [{ id: agent.id }],
      webSessions: 1,
      apiTokens: 1,
      sessions: 1,
      holds: 1,
    });
    expect(ended.grants.map((one) => one.id).sort()).toEqual([agent.grantId, grant.id].sort());
    for (const id of [grant.id, agent.grantId])
      expect(await refusal(requireActiveGrant(services.db, id, clock.now()))).toBe('grant-ended');
    const after = await loadReach(shop.admin.ctx, { id: leaver.id });
    expect(after.identity.disabledAt).not.toBeNull();
    for (const list of ['groups', 'scopes', 'tasks', 'apiTokens', 'webSessions', 'grants', 'holds', 'asked'] as const)
      expect([list, after[list]]).toEqual([list, []]);
    expect((await loadReach(shop.admin.ctx, { id: agent.id })).identity.disabledAt).not.toBeNull();

    const rows = await services.db.auditRow.findMany({ where: { actId: ended.actId } });
    expect(rows.map((row) => row.action).sort()).toEqual([
      ...['grant.revoke', 'grant.revoke', 'hold.cancel', 'identity.offboard'],
    ]);
    expect(rows.every((row) => row.actorId === shop.admin.id)).toBe(true);
    expect(rows.find((row) => row.action === 'identity.offboard')?.after).toMatchObject({
      reason: 'the contract is over',
    });
    // Enabled again they are nobody: what they had is given again, or not.
    await updateUser(shop.admin.ctx, { id: leaver.id, disabled: false });
    expect((await loadReach(shop.admin.ctx, { id: leaver.id })).scopes).toEqual([]);
  });

  it('leaves the others and their grants alone', async () => {
    const leaver = await shop.person('alone', [], ['analysts']);
    const grant = await shop.activeGrant('sales-report', shop.otherEngineer);
    await offboard(shop.admin.ctx, { id: leaver.id, reason: 'r' });
    expect((await requireActiveGrant(shop.services.db, grant.id, shop.clock.now())).id).toBe(grant.id);
  });

  it('is not oneself, not the last admin, and not beyond who does it', async () => {
    expect(await refusal(offboard(shop.admin.ctx, { id: shop.admin.id, reason: 'r' }))).toBe('forbidden');
    expect(await refusal(offboard(shop.setup, { id: shop.admin.id, reason: 'r' }))).toBe('invalid-state');
    expect(await refusal(offboard(shop.engineer.ctx, { id: shop.otherEngineer.id, reason: 'r' }))).toBe('forbidden');
    expect(await refusal(offboard(shop.admin.ctx, { id: 'usr_nobody', reason: 'r' }))).toBe('not-found');
    await createGroup(shop.admin.ctx, {
      name: 'people-desk',
      roles: ['engineer'],
      scopes: ['people:read', 'people:write'],
    });
    const desk = await shop.person('desk', [], ['people-desk']);
    expect(await refusal(offboard(desk.ctx, { id: shop.admin.id, reason: 'r' }))).toBe('forbidden');
    expect(await refusal(offboard(desk.ctx, { id: shop.auditor.id, reason: 'r' }))).toBe('forbidden');
    expect((await loadReach(desk.ctx, { id: shop.auditor.id })).whyNotOffboard).toContain('`auditors` gives the scope');
    const equal = await shop.person('equal', [], ['analysts']);
    expect((await offboard(desk.ctx, { id: equal.id, reason: 'r' })).groups).toEqual(['analysts']);
  });
});
