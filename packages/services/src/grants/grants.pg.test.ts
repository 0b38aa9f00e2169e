import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGroup } from '../people/create-group.ts';
import { updateGroup } from '../people/update-group.ts';
import { updateUser } from '../people/update-user.ts';
import { refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { activateGrant } from './activate-grant.ts';
import { approveGrant } from './approve-grant.ts';
import { endGrant } from './end-grant.ts';
import { expireGrants } from './expire-grants.ts';
import { loadConnectStrings } from './load-connect-strings.ts';
import { loadGrant, loadGrants } from './load-grants.ts';
import { openConsole } from './open-console.ts';
import { refuseGrant } from './refuse-grant.ts';
import { requestGrant } from './request-grant.ts';

let shop: TestShop;
beforeAll(async () => {
  shop = await startTestShop();
});
afterAll(() => shop.stop());

const minute = 60_000;
const request = (task = 'shop-admin', person = shop.engineer) =>
  requestGrant(person.ctx, { task, reason: 'a release', ticket: 'T-1' });

describe('a request', () => {
  it('freezes the terms of the published revision', async () => {
    const grant = await request();
    expect(grant).toMatchObject({
      state: 'requested',
      taskRevision: 1,
      approvers: ['dba'],
      approvalsNeeded: 2,
      ttlMs: 30 * minute,
      requestedBy: { email: shop.engineer.email },
    });
    expect(Date.parse(grant.requestExpiresAt) - Date.parse(grant.requestedAt)).toBe(8 * 60 * minute);
    expect(await shop.audit(grant.id)).toMatchObject([
      { action: 'grant.request', actorId: shop.engineer.id, before: null, after: { state: 'requested' } },
    ]);
  });

  it('is refused to who is not among those the task names', async () => {
    expect(await refusal(request('sales-report', shop.reviewers[0]))).toBe('forbidden');
    expect(await refusal(request('sales-report', shop.auditor))).toBe('forbidden');
    expect(await refusal(request('no-such-task'))).toBe('not-found');
  });

  it('needs the reason and the ticket that the task asks for, and no more time than it gives', async () => {
    const { ctx } = shop.engineer;
    const task = 'fix-order-status';
    expect(await refusal(requestGrant(ctx, { task, ticket: 'T-1' }))).toBe('bad-input');
    expect(await refusal(requestGrant(ctx, { task, reason: 'x' }))).toBe('bad-input');
    expect(await refusal(requestGrant(ctx, { task, reason: 'x', ticket: 'T-1', ttlMs: 31 * minute }))).toBe(
      'bad-input',
    );
    expect(await requestGrant(ctx, { task, reason: 'x', ticket: 'T-1', ttlMs: minute })).toMatchObject({
      state: 'approved',
      ttlMs: minute,
    });
  });
});

describe('an approval', () => {
  it('is never of one’s own request, whatever groups one is in', async () => {
    const own = await request('shop-admin', shop.reviewers[0]);
    expect(own.actions.approve).toEqual({ allowed: false, why: 'nobody approves their own request' });
    expect(await refusal(approveGrant(shop.reviewers[0].ctx, { id: own.id }))).toBe('forbidden');
  });

  it('counts one person once, and can only shorten', async () => {
    const { id } = await request();
    const [first, second] = shop.reviewers;
    expect(await refusal(approveGrant(first.ctx, { id, ttlMs: 31 * minute }))).toBe('bad-input');
    expect(await approveGrant(first.ctx, { id, ttlMs: 20 * minute })).toMatchObject({ state: 'requested' });
    expect(await refusal(approveGrant(first.ctx, { id }))).toBe('invalid-state');
    expect(await refusal(approveGrant(second.ctx, { id, ttlMs: 25 * minute }))).toBe('bad-input');
    const approved = await approveGrant(second.ctx, { id, ttlMs: 10 * minute, comment: 'be quick' });
    expect(approved).toMatchObject({ state: 'approved', ttlMs: 10 * minute });
    expect(approved.approvals.map(({ by, comment }) => [by.email, comment])).toEqual([
      [first.email, null],
      [second.email, 'be quick'],
    ]);
    expect((await shop.audit(id)).at(-1)).toMatchObject({
      action: 'grant.approve',
      actorId: second.id,
      before: { state: 'requested' },
      after: { state: 'approved', ttlMs: 10 * minute },
    });
  });

  it('needs the scope and one of the groups', async () => {
    const { id } = await request();
    expect(await refusal(approveGrant(shop.admin.ctx, { id }))).toBe('forbidden');
    expect(await refusal(approveGrant(shop.otherEngineer.ctx, { id }))).toBe('forbidden');
    const outsider = await shop.person('outsider', ['reviewer']);
    expect(await refusal(approveGrant(outsider.ctx, { id }))).toBe('forbidden');
    expect(await refusal(refuseGrant(outsider.ctx, { id, reason: 'no' }))).toBe('forbidden');
  });

  it('is not lost, nor counted twice, when all answer at the same moment', async () => {
    const { id } = await request();
    const results = await Promise.allSettled(
      Array.from({ length: 21 }, (_, i) => approveGrant(shop.reviewers[i % 3]!.ctx, { id })),
    );
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(2);
    const grant = await loadGrant(shop.engineer.ctx, { id });
    expect(grant.state).toBe('approved');
    expect(grant.approvals).toHaveLength(2);
  });

  it('can be refused, with a reason, and then nothing revives it', async () => {
    const { id } = await request();
    expect(await refusal(refuseGrant(shop.reviewers[0].ctx, { id, reason: ' ' }))).toBe('bad-input');
    expect(await refuseGrant(shop.reviewers[0].ctx, { id, reason: 'not on a Friday' })).toMatchObject({
      state: 'ended',
      endReason: 'refused',
      endedBy: { email: shop.reviewers[0].email },
      approvals: [{ outcome: 'refused', comment: 'not on a Friday' }],
    });
    expect(await refusal(approveGrant(shop.reviewers[1].ctx, { id }))).toBe('invalid-state');
    expect(await refusal(activateGrant(shop.engineer.ctx, { id }))).toBe('invalid-state');
  });
});

describe('a token', () => {
  it('is shown once and kept only as a verifier and a hash', async () => {
    const { id } = await request('sales-report');
    const { token, grant, connect } = await activateGrant(shop.engineer.ctx, { id });
    expect(token).toMatch(/^tgt_[\w-]{43}$/);
    expect(grant).toMatchObject({ state: 'active', actions: { end: { allowed: true }, console: { allowed: true } } });
    expect(connect?.psql).toBe('psql "host=127.0.0.1 port=15432 user=sales-report dbname=shop"');

    const tables = ['grants', 'audit', 'approvals', 'settings'];
    for (const table of tables) {
      const rows = await shop.database.query(`select t::text as row from ${table} t`);
      expect(JSON.stringify(rows)).not.toContain(token);
    }
    expect(JSON.stringify(await shop.audit(id))).not.toContain('SCRAM');
    expect(shop.logged.join()).not.toContain(token);

    const [row] = await shop.database.query<{ verifier: string; tokenHash: Buffer; salt: Buffer }>(
      'select verifier, "tokenHash", salt from grants join tasks on tasks.id = "taskId" where grants.id = $1',
      [id],
    );
    const salted = pbkdf2Sync(token, row!.salt, 4096, 32, 'sha256');
    const stored = createHash('sha256').update(createHmac('sha256', salted).update('Client Key').digest());
    expect(row!.verifier).toBe(
      `SCRAM-SHA-256$4096:${row!.salt.toString('base64')}$${stored.digest('base64')}:${createHmac('sha256', salted)
        .update('Server Key')
        .digest('base64')}`,
    );
    expect(row!.tokenHash.equals(createHash('sha256').update(token).digest())).toBe(true);
  });

  it('is minted once, however many ask at the same moment', async () => {
    const { id } = await request('sales-report');
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () => activateGrant(shop.engineer.ctx, { id })),
    );
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    expect((await shop.audit(id)).filter((row) => row.action === 'grant.activate')).toHaveLength(1);
  });

  it('is for nobody but who asked', async () => {
    const { id } = await request('sales-report');
    expect(await refusal(activateGrant(shop.otherEngineer.ctx, { id }))).toBe('not-found');
    expect(await refusal(activateGrant(shop.reviewers[0].ctx, { id }))).toBe('forbidden');
  });

  it('is refused to who left the group after the request', async () => {
    const leaver = await shop.person('leaver', [], ['analysts']);
    const { id } = await request('sales-report', leaver);
    await updateUser(shop.setup, { id: leaver.id, groups: ['dba'] });
    expect(await refusal(activateGrant(leaver.ctx, { id }))).toBe('forbidden');
  });
});

describe('an end', () => {
  it('is completion by the owner, revocation by another', async () => {
    const own = await shop.activeGrant();
    expect(await endGrant(shop.engineer.ctx, { id: own.id })).toMatchObject({ endReason: 'completed' });
    const revoked = await shop.activeGrant();
    expect(await refusal(endGrant(shop.otherEngineer.ctx, { id: revoked.id }))).toBe('not-found');
    expect(await endGrant(shop.admin.ctx, { id: revoked.id })).toMatchObject({
      endReason: 'revoked',
      endedBy: { email: shop.admin.email },
    });
    expect((await shop.audit(revoked.id)).at(-1)).toMatchObject({
      action: 'grant.revoke',
      before: { state: 'active' },
      after: { state: 'ended', endReason: 'revoked' },
    });
    expect(await refusal(endGrant(shop.admin.ctx, { id: revoked.id }))).toBe('invalid-state');
  });

  it('comes with time, for requests too, and is named apart from being ended', async () => {
    const waiting = await request();
    const active = await shop.activeGrant();
    const ended = await shop.activeGrant();
    await endGrant(shop.engineer.ctx, { id: ended.id });
    shop.clock.advance(60 * minute);
    expect(await shop.controlPlane.openGrant(active.id).catch((error) => error.code)).toBe('grant-expired');
    expect(await refusal(openConsole(shop.engineer.ctx, { id: active.id }))).toBe('grant-expired');
    expect(await refusal(openConsole(shop.engineer.ctx, { id: ended.id }))).toBe('grant-ended');
    expect(await refusal(expireGrants(shop.engineer.ctx))).toBe('forbidden');
    await expireGrants(shop.timer);
    expect(await loadGrant(shop.engineer.ctx, { id: active.id })).toMatchObject({
      endReason: 'expired',
      endedBy: null,
    });
    expect(await loadGrant(shop.engineer.ctx, { id: waiting.id })).toMatchObject({ state: 'requested' });
    shop.clock.advance(7 * 60 * minute);
    await expireGrants(shop.timer);
    expect(await loadGrant(shop.engineer.ctx, { id: waiting.id })).toMatchObject({ endReason: 'expired' });
    expect(await expireGrants(shop.timer)).toBe(0);
  });
});

describe('what is shown', () => {
  it('to an engineer is never anybody else’s', async () => {
    const mine = await request('sales-report');
    const theirs = await request('sales-report', shop.otherEngineer);
    const seen = await loadGrants(shop.engineer.ctx, { limit: 200 });
    expect(seen.items.map((grant) => grant.id)).toContain(mine.id);
    expect(new Set(seen.items.map((grant) => grant.requestedBy.email))).toEqual(new Set([shop.engineer.email]));
    expect(await refusal(loadGrant(shop.engineer.ctx, { id: theirs.id }))).toBe('not-found');
    const all = await loadGrants(shop.auditor.ctx, { limit: 200 });
    expect(all.items.map((grant) => grant.id)).toEqual(expect.arrayContaining([mine.id, theirs.id]));
  });

  it('comes in pages that miss nothing and repeat nothing, newest first', async () => {
    for (let i = 0; i < 5; i++) {
      await request('sales-report', shop.otherEngineer);
      if (i % 2 === 0) shop.clock.advance(1);
    }
    const whole = await loadGrants(shop.otherEngineer.ctx, { limit: 200 });
    const ids: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await loadGrants(shop.otherEngineer.ctx, { limit: 2, ...(cursor ? { cursor } : {}) });
      ids.push(...page.items.map((grant) => grant.id));
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    expect(ids).toEqual(whole.items.map((grant) => grant.id));
    expect(await refusal(loadGrants(shop.engineer.ctx, { cursor: 'made up' }))).toBe('bad-input');
  });

  it('to connect never holds a token', async () => {
    expect(await loadConnectStrings(shop.engineer.ctx, { task: 'sales-report' })).toEqual({
      host: '127.0.0.1',
      port: 15432,
      user: 'sales-report',
      database: 'shop',
      psql: 'psql "host=127.0.0.1 port=15432 user=sales-report dbname=shop"',
      uri: 'postgresql://sales-report@127.0.0.1:15432/shop',
      jdbc: 'jdbc:postgresql://127.0.0.1:15432/shop?user=sales-report',
      env: 'PGHOST=127.0.0.1\nPGPORT=15432\nPGUSER=sales-report\nPGDATABASE=shop',
    });
  });
});

describe('a console ticket', () => {
  it('opens once, within 30 seconds, and only a grant that is active', async () => {
    const { id } = await shop.activeGrant();
    const { ticket, url } = await openConsole(shop.engineer.ctx, { id });
    expect(url).toBe('ws://127.0.0.1:18081/console');
    const tries = await Promise.allSettled(Array.from({ length: 20 }, () => shop.controlPlane.redeemTicket(ticket)));
    expect(tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))).toEqual([{ grantId: id }]);
    const late = await openConsole(shop.engineer.ctx, { id });
    shop.clock.advance(30_000);
    expect(await refusal(shop.controlPlane.redeemTicket(late.ticket))).toBe('wrong-token');
    const orphan = await openConsole(shop.engineer.ctx, { id });
    await endGrant(shop.engineer.ctx, { id });
    expect(await refusal(shop.controlPlane.redeemTicket(orphan.ticket))).toBe('grant-ended');
    expect(await refusal(openConsole(shop.admin.ctx, { id }))).toBe('forbidden');
  });
});

describe('a person whose group loses its role', () => {
  it('cannot approve with what they had', async () => {
    const { id } = await request();
    await updateGroup(shop.setup, { name: 'dba', roles: ['engineer'] });
    const { ctx } = await shop.person('late', [], ['dba']);
    expect(await refusal(approveGrant(ctx, { id }))).toBe('forbidden');
    await updateGroup(shop.setup, { name: 'dba', roles: ['reviewer'] });
  });
});

it('one person cannot fill the grants that the gate tries a token against, and so lock others out of a task', async () => {
  const flooder = await shop.person('flooder', [], ['analysts']);
  const ids = [];
  for (let i = 0; i < 26; i++) ids.push((await request('sales-report', flooder)).id);
  const codes = await Promise.all(ids.map((id) => refusal(activateGrant(flooder.ctx, { id }))));
  expect(codes.filter((code) => code === 'rate-limited')).toHaveLength(1);
  expect(await shop.activeGrant('sales-report', shop.otherEngineer)).toBeTruthy();
});

it('who leaves the group of a task, or loses the role, loses its active grants in the same moment, and no others', async () => {
  const state = async (id: string) => (await loadGrant(shop.auditor.ctx, { id })).state;
  const mover = await shop.person('mover', [], ['analysts', 'dba']);
  const report = await shop.activeGrant('sales-report', mover);
  const kept = await shop.activeGrant('sales-report', shop.otherEngineer);
  await updateUser(shop.setup, { id: mover.id, groups: ['dba'] });
  expect([await state(report.id), await state(kept.id)]).toEqual(['ended', 'active']);
  expect((await shop.audit(report.id)).map((row) => row.action)).toContain('grant.revoke');

  const staff = await createGroup(shop.setup, { name: 'staff', roles: ['engineer'] });
  const loser = await shop.person('loser', [], ['analysts', 'staff']);
  const held = await shop.activeGrant('sales-report', loser);
  await updateGroup(shop.setup, { name: staff.name, members: [] });
  expect(await state(held.id)).toBe('active');
  await updateUser(shop.setup, { id: loser.id, groups: ['staff'] });
  expect(await state(held.id)).toBe('ended');
});
