import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { endGrant } from '../grants/end-grant.ts';
import { requestGrant } from '../grants/request-grant.ts';
import { loadInbox } from '../inbox/load-inbox.ts';
import { BINDING, FORWARDED, refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { approveHold } from './approve-hold.ts';
import { cancelHold } from './cancel-hold.ts';
import { loadHold } from './load-hold.ts';
import { refuseHold } from './refuse-hold.ts';
import { timeOutHolds } from './time-out-holds.ts';

let shop: TestShop;
let grantId: string;
let sessionId: string;
let id: string;
beforeAll(async () => {
  shop = await startTestShop();
});
afterAll(() => shop.stop());
beforeEach(async () => {
  grantId = (await shop.activeGrant('fix-order-status')).id;
  sessionId = await shop.session(grantId);
  id = await shop.hold(sessionId, grantId);
});
const approve = (who: 0 | 1 | 2, binding = BINDING) => approveHold(shop.reviewers[who].ctx, { id, binding });

describe('a hold', () => {
  it('is approved by as many people as the rule asks for, then let through once', async () => {
    expect(await approve(0)).toMatchObject({ state: 'waiting', actions: { approve: { allowed: false } } });
    expect(await refusal(approve(0))).toBe('invalid-state');
    expect(await shop.controlPlane.redeemHold(id, FORWARDED)).toBe(false);
    expect(await approve(1)).toMatchObject({ state: 'approved', redeemedAt: null });
    expect(await shop.controlPlane.holdState(id)).toEqual({
      state: 'approved',
      by: [shop.reviewers[0].email, shop.reviewers[1].email],
      comment: null,
    });
    expect(await shop.controlPlane.redeemHold(id, { ...FORWARDED, binding: 'cd'.repeat(32) })).toBe(false);
    const tries = await Promise.all(Array.from({ length: 20 }, () => shop.controlPlane.redeemHold(id, FORWARDED)));
    expect(tries.filter(Boolean)).toHaveLength(1);
    expect((await shop.audit(id)).map((row) => row.action)).toEqual([
      'hold.open',
      'hold.approve',
      'hold.approve',
      'hold.redeem',
    ]);
    expect(JSON.stringify(await shop.audit(id))).not.toContain('update orders');
  });

  it('says what it holds to its readers only: an auditor whom the session names no reader of sees that it is there', async () => {
    const other = await shop.person('other-auditor', ['auditor']);
    for (const hold of [
      await loadHold(other.ctx, { id }),
      await approve(0)
        .then(() => refuseHold(shop.reviewers[1].ctx, { id, reason: 'no' }))
        .then(async () => {
          const { items } = await loadInbox(other.ctx, { view: 'done' });
          const item = items.find((one) => one.id === id);
          return item?.kind === 'hold' ? item.hold : null;
        }),
    ]) {
      expect(hold?.statement).toMatch(/^-- withheld/);
      expect(hold?.parameters).toEqual([]);
      expect([hold?.relations, hold?.reasons]).toEqual([[], []]);
      expect(hold).toMatchObject({ state: expect.any(String), task: 'fix-order-status', approvers: ['dba'] });
    }
    const views = () => shop.services.db.recordingView.count({ where: { sessionId } });
    expect(await views()).toBe(0);
    expect((await loadHold(shop.auditor.ctx, { id })).statement).toMatch(/^update orders/);
    expect(await views()).toBe(1);
    const asked = await loadHold(shop.reviewers[0].ctx, { id });
    expect(asked.parameters).toEqual(['42']);
    expect([asked.relations.length, asked.reasons.length]).toEqual([1, 1]);
  });

  it('shows the rows of a dry run to those who may read the statement, and tells the audit nothing of them', async () => {
    const sample = {
      columns: [{ name: 'email', mask: 'email' as const }],
      rows: [{ before: ['o***@example.com'], after: ['n***@example.com'] }],
      note: '1 of 9 rows',
    };
    const dryRun = { rows: 9, sqlstate: null, notices: 0, sample };
    const tried = await shop.hold(sessionId, grantId, { dryRun });
    expect((await loadHold(shop.reviewers[0].ctx, { id: tried })).dryRun).toEqual(dryRun);
    expect((await loadHold(shop.engineer.ctx, { id: tried })).dryRun).toEqual(dryRun);
    const other = await shop.person('another-auditor', ['auditor']);
    expect((await loadHold(other.ctx, { id: tried })).dryRun).toEqual({ ...dryRun, sample: null });
    expect(JSON.stringify(await shop.audit(tried))).not.toContain('***@');
    // As an earlier release has left it.
    await shop.services.db.hold.update({
      where: { id: tried },
      data: { dryRun: { rows: 9, sqlstate: null, notices: 0 } },
    });
    expect((await loadHold(shop.reviewers[0].ctx, { id: tried })).dryRun).toEqual({ ...dryRun, sample: null });
  });

  it('is approved only as what was shown', async () => {
    expect(await refusal(approve(0, 'cd'.repeat(32)))).toBe('conflict');
    expect((await loadHold(shop.engineer.ctx, { id })).approvals).toEqual([]);
  });

  it('counts every person once when all answer at the same moment', async () => {
    const results = await Promise.allSettled(Array.from({ length: 21 }, (_, i) => approve((i % 3) as 0 | 1 | 2)));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(2);
    expect(await loadHold(shop.engineer.ctx, { id })).toMatchObject({ state: 'approved' });
  });

  it('is decided by nobody whose statement it is, and by nobody who is not asked', async () => {
    const own = (await shop.activeGrant('sales-report', await shop.person('both', [], ['dba', 'analysts']))).id;
    const row = await shop.services.db.grant.findUniqueOrThrow({ where: { id: own }, include: { identity: true } });
    const holdId = await shop.hold(await shop.session(own), own);
    const me = { ...shop.reviewers[0].actor, identityId: row.identityId };
    expect(await refusal(approveHold({ services: shop.services, actor: me }, { id: holdId, binding: BINDING }))).toBe(
      'forbidden',
    );
    expect(await refusal(approveHold(shop.engineer.ctx, { id, binding: BINDING }))).toBe('forbidden');
    const outsider = await shop.person('outsider', ['reviewer']);
    expect(await refusal(approveHold(outsider.ctx, { id, binding: BINDING }))).toBe('not-found');
    expect(await refusal(loadHold(shop.otherEngineer.ctx, { id }))).toBe('not-found');
  });

  it('is refused by one person, with a reason that the client is told', async () => {
    await approve(0);
    expect(await refuseHold(shop.reviewers[1].ctx, { id, reason: 'wrong order' })).toMatchObject({ state: 'refused' });
    expect(await shop.controlPlane.holdState(id)).toEqual({
      state: 'refused',
      by: [shop.reviewers[1].email],
      comment: 'wrong order',
    });
    expect(await shop.controlPlane.redeemHold(id, FORWARDED)).toBe(false);
    expect((await loadHold(shop.reviewers[0].ctx, { id })).history.refused90d).toBeGreaterThan(0);
  });

  it('times out, and a late answer is refused', async () => {
    await approve(0);
    shop.clock.advance(600_000);
    expect(await refusal(approve(1))).toBe('invalid-state');
    await timeOutHolds(shop.timer);
    expect(await loadHold(shop.engineer.ctx, { id })).toMatchObject({ state: 'timed-out' });
    expect(await refusal(timeOutHolds(shop.admin.ctx))).toBe('forbidden');
  });

  it('is cancelled by whose it is, and with its grant or its session', async () => {
    expect(await refusal(cancelHold(shop.reviewers[0].ctx, { id }))).toBe('forbidden');
    expect(await cancelHold(shop.engineer.ctx, { id })).toMatchObject({ state: 'cancelled' });
    const second = await shop.hold(sessionId, grantId);
    await shop.controlPlane.indexSession(sessionId, {
      operations: [],
      outcomes: [],
      upTo: 1,
      end: {
        at: shop.clock.now(),
        reason: 'client-closed',
        detail: null,
        interrupted: false,
        head: { count: 1, hash: '00'.repeat(32) },
        bytesIn: 1,
        bytesOut: 1,
      },
    });
    expect(await loadHold(shop.engineer.ctx, { id: second })).toMatchObject({ state: 'cancelled' });
    const third = await shop.hold(await shop.session(grantId), grantId);
    await endGrant(shop.admin.ctx, { id: grantId });
    expect(await loadHold(shop.engineer.ctx, { id: third })).toMatchObject({ state: 'cancelled' });
    expect((await shop.audit(third)).at(-1)).toMatchObject({ action: 'hold.cancel', actorId: shop.admin.id });
  });

  it('that was approved lets nothing through once its grant has ended', async () => {
    await approve(0);
    await approve(1);
    await endGrant(shop.engineer.ctx, { id: grantId });
    expect(await shop.controlPlane.redeemHold(id, FORWARDED)).toBe(false);
  });
});

describe('the inbox', () => {
  it('shows each person what they can decide, what waits for others, and what is done', async () => {
    const grant = await requestGrant(shop.otherEngineer.ctx, { task: 'shop-admin', reason: 'a release' });
    const idsOf = async (person: { ctx: typeof shop.engineer.ctx }, view: 'mine' | 'waiting' | 'done') =>
      (await loadInbox(person.ctx, { view, limit: 200 })).items.map((item) => item.id);
    expect(await idsOf(shop.reviewers[2], 'mine')).toEqual(expect.arrayContaining([grant.id, id]));
    expect(await idsOf(shop.engineer, 'mine')).toEqual([]);
    expect(await idsOf(shop.engineer, 'waiting')).toContain(id);
    expect(await idsOf(shop.engineer, 'waiting')).not.toContain(grant.id);
    await approve(2);
    expect(await idsOf(shop.reviewers[2], 'mine')).not.toContain(id);
    await approve(1);
    expect(await idsOf(shop.engineer, 'done')).toContain(id);
    expect(await idsOf(shop.otherEngineer, 'done')).not.toContain(id);
    const { counts, items } = await loadInbox(shop.reviewers[0].ctx, { view: 'mine', limit: 200 });
    expect(counts.mine).toBe(items.length);
  });

  it('comes in pages that miss nothing and repeat nothing', async () => {
    for (let i = 0; i < 3; i++) {
      await requestGrant(shop.otherEngineer.ctx, { task: 'shop-admin', reason: 'a release' });
      await shop.hold(sessionId, grantId);
    }
    const whole = (await loadInbox(shop.reviewers[0].ctx, { limit: 200 })).items.map((item) => item.id);
    const paged: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await loadInbox(shop.reviewers[0].ctx, { limit: 2, ...(cursor ? { cursor } : {}) });
      paged.push(...page.items.map((item) => item.id));
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    expect(paged).toEqual(whole);
    expect(new Set(paged).size).toBe(paged.length);
  });
});
