import { createHmac, pbkdf2Sync } from 'node:crypto';
import { waitUntil } from '@taskgate/testkit';
import { verifyHead } from '@taskgate/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endGrant } from '../grants/end-grant.ts';
import { expireGrants } from '../grants/expire-grants.ts';
import { loadGrant } from '../grants/load-grants.ts';
import { type ChangeEvent, listenForChanges } from '../live/listen.ts';
import { mayHear } from '../live/may-hear.ts';
import { endSession } from '../sessions/end-session.ts';
import { encodeSessionHead } from '../sessions/session-head.ts';
import { refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import type { SessionIndexBatch } from './index-session.ts';
import type { ControlPlaneEvent } from './watch-changes.ts';

let shop: TestShop;
beforeAll(async () => {
  shop = await startTestShop();
});
afterAll(() => shop.stop());

describe('candidates', () => {
  it('hold the verifier of each active token, and name expired and ended ones apart', async () => {
    const ended = await shop.activeGrant();
    await endGrant(shop.engineer.ctx, { id: ended.id });
    const expired = await shop.activeGrant();
    shop.clock.advance(3_600_000);
    const lapsed = await shop.controlPlane.findCandidates('sales-report');
    expect(lapsed.verifiers.find((one) => one.grantId === expired.id)).toMatchObject({ status: 'expired' });
    await expireGrants(shop.timer);
    const live = await shop.activeGrant();
    const { salt, iterations, verifiers } = await shop.controlPlane.findCandidates('sales-report');
    expect(verifiers[0]).toMatchObject({ grantId: live.id, status: 'active', endReason: null });
    expect(verifiers.find((one) => one.grantId === ended.id)).toMatchObject({
      status: 'ended',
      endReason: 'completed',
    });
    expect(verifiers.find((one) => one.grantId === expired.id)).toMatchObject({ status: 'expired' });
    const salted = pbkdf2Sync(live.token, salt, iterations, 32, 'sha256');
    const serverKey = createHmac('sha256', salted).update('Server Key').digest();
    expect(Buffer.from(verifiers[0]!.serverKey).equals(serverKey)).toBe(true);
    shop.clock.advance(25 * 3_600_000);
    const later = await shop.controlPlane.findCandidates('sales-report');
    expect(later.verifiers.map((one) => one.grantId)).toEqual([live.id]);
    await expireGrants(shop.timer);
  });

  it('of a task that does not exist look the same each time, and not like those of another', async () => {
    const first = await shop.controlPlane.findCandidates('nothing');
    expect(first).toMatchObject({ iterations: 4096, verifiers: [] });
    expect(first.salt).toHaveLength(16);
    expect(await shop.controlPlane.findCandidates('nothing')).toEqual(first);
    expect((await shop.controlPlane.findCandidates('nothing-else')).salt).not.toEqual(first.salt);
    expect((await shop.controlPlane.findCandidates('a\0b')).verifiers).toEqual([]);
  });
});

describe('a grant at the gate', () => {
  it('gives its resource’s credential while it is active, and not a moment longer', async () => {
    const { id } = await shop.activeGrant();
    const lease = await shop.controlPlane.leaseCredential(id);
    expect(lease).toMatchObject({ host: '127.0.0.1', database: 'shop', username: 'shop', tls: { mode: 'disable' } });
    expect(lease.secret.reveal((secret) => secret)).toBe('a target password');
    const opened = await shop.controlPlane.openGrant(id);
    expect(opened.maskKey.reveal((key) => Buffer.from(key, 'base64'))).toHaveLength(32);
    expect(opened.identity.label).toBe(shop.engineer.email);
    await endGrant(shop.admin.ctx, { id });
    expect(await refusal(shop.controlPlane.leaseCredential(id))).toBe('grant-ended');
    expect(await refusal(shop.controlPlane.openGrant(id))).toBe('grant-ended');
    expect(await refusal(shop.session(id))).toBe('grant-ended');
  });

  it('carries as many connections as it may, however many come at once', async () => {
    const { id } = await shop.activeGrant();
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => shop.session(id)));
    const started = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(started).toHaveLength(2);
    expect(results.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))).toEqual(
      Array.from({ length: 18 }, () => 'rate-limited'),
    );
    await shop.controlPlane.indexSession(started[0]!, { operations: [], outcomes: [], end: end(1), upTo: 1 });
    expect(await refusal(shop.session(id))).toBe('it was not refused');
    const unfinished = await shop.controlPlane.unfinishedSessions('gate-1');
    expect(unfinished.map((one) => one.sessionId)).toContain(started[1]);
    expect(unfinished.map((one) => one.sessionId)).not.toContain(started[0]);
  });

  it('is nothing that a person can ask the port for', async () => {
    const { findCandidates } = await import('./find-candidates.ts');
    expect(await refusal(findCandidates(shop.admin.ctx, 'sales-report'))).toBe('forbidden');
    const { leaseCredential } = await import('./open-grant.ts');
    expect(await refusal(leaseCredential(shop.setup, 'grt_x'))).toBe('forbidden');
  });
});

const end = (count: number): NonNullable<SessionIndexBatch['end']> => ({
  at: Date.UTC(2026, 0, 2),
  reason: 'client-closed',
  detail: null,
  interrupted: false,
  head: { count, hash: 'ef'.repeat(32) },
  bytesIn: 10,
  bytesOut: 2_000_000_000_000,
});

describe('the index of a session', () => {
  it('is the same however often and in whatever pieces it is told', async () => {
    const { id } = await shop.activeGrant();
    const sessionId = await shop.session(id);
    const [first, second, third] = [shop.decisionId(), shop.decisionId(), shop.decisionId()];
    const operation = (seq: number, decisionId: string, outcome: 'allow' | 'deny' | 'hold') => ({
      seq,
      at: shop.clock.now() + seq,
      decisionId,
      outcome,
      statementClass: 'select',
      label: 'SELECT \0\ud800',
      fingerprint: 'ab',
      catalogVersion: 'c1',
      relations: [
        { verb: 'select', schema: 'public', name: 'customers', columns: ['id', 'ssn'], classes: { pii: ['ssn'] } },
        { verb: 'select', schema: 'public', name: 'orders', columns: [] },
      ],
      reasons: [],
    });
    const outcome = (decisionId: string, rows: number) => ({
      decisionId,
      outcome: 'done' as const,
      tag: `SELECT ${rows}`,
      rows,
      bytes: 10,
      maskedCells: 3,
      durationMs: 1.5,
      sqlstate: null,
    });
    const batches: SessionIndexBatch[] = [
      { operations: [operation(1, first, 'allow')], outcomes: [outcome(first, 5)], end: null, upTo: 3 },
      { operations: [operation(4, second, 'deny'), operation(5, third, 'hold')], outcomes: [], end: null, upTo: 6 },
      { operations: [], outcomes: [{ ...outcome(third, 0), outcome: 'unknown' }], end: end(7), upTo: 7 },
    ];
    for (const batch of batches) await shop.controlPlane.indexSession(sessionId, batch);
    const state = async () => ({
      session: await shop.services.db.session.findUniqueOrThrow({ where: { id: sessionId } }),
      operations: await shop.services.db.operationRecord.findMany({ where: { sessionId }, orderBy: { seq: 'asc' } }),
      reached: await shop.services.db.reachedColumn.findMany({
        orderBy: [{ relation: 'asc' }, { column: 'asc' }],
        select: { verb: true, relation: true, column: true, classes: true },
      }),
    });
    const once = await state();
    expect(once.session).toMatchObject({
      operationCount: 3,
      deniedCount: 1,
      heldCount: 1,
      rowCount: 5n,
      maskedCells: 6n,
      bytesOut: 2_000_000_000_000n,
      indexedUpTo: 7,
      headCount: 7,
    });
    expect(once.operations[0]).toMatchObject({
      relationNames: ['public.customers', 'public.orders'],
      result: 'done',
      rows: 5n,
    });
    // Three operations that reach the same: written down once.
    expect(once.reached).toEqual([
      { verb: 'select', relation: 'public.customers', column: 'id', classes: [] },
      { verb: 'select', relation: 'public.customers', column: 'ssn', classes: ['pii'] },
      { verb: 'select', relation: 'public.orders', column: '', classes: [] },
    ]);
    await Promise.all(batches.map((batch) => shop.controlPlane.indexSession(sessionId, batch)));
    await shop.controlPlane.indexSession(sessionId, {
      operations: batches.flatMap((batch) => batch.operations),
      outcomes: [{ ...outcome(first, 0), outcome: 'unknown' }],
      end: { ...end(9), reason: 'error' },
      upTo: 2,
    });
    expect(await state()).toEqual(once);
    expect((await shop.audit(sessionId)).map((row) => row.action)).toEqual(['session.start', 'session.ended']);

    const { publicKeyPem } = shop.services.signer;
    const signature = Buffer.from(once.session.headSignature!, 'base64');
    const head = { count: 7, hash: 'ef'.repeat(32) };
    expect(verifyHead(publicKeyPem, encodeSessionHead(sessionId, head), signature)).toBe(true);
    expect(verifyHead(publicKeyPem, encodeSessionHead(sessionId, { ...head, count: 6 }), signature)).toBe(false);
  });
});

describe('changes', () => {
  it('reach a gateway that watches, and after a lost connection it is told to read again', async () => {
    const events: ControlPlaneEvent[] = [];
    const stop = new AbortController();
    shop.controlPlane.watch((event) => events.push(event), stop.signal);
    await waitUntil(() => events.some((event) => event.kind === 'resync'));
    const { id } = await shop.activeGrant('fix-order-status');
    const sessionId = await shop.session(id);
    const holdId = await shop.hold(sessionId, id);
    expect(await refusal(endSession(shop.otherEngineer.ctx, { id: sessionId }))).toBe('not-found');
    await endSession(shop.admin.ctx, { id: sessionId });
    await endGrant(shop.admin.ctx, { id });
    await waitUntil(() => events.some((event) => event.kind === 'grant-ended'));
    expect(events).toEqual(
      expect.arrayContaining([
        { kind: 'hold-changed', holdId },
        { kind: 'session-ended', sessionId },
        { kind: 'grant-ended', grantId: id, reason: 'revoked' },
      ]),
    );
    events.length = 0;
    await shop.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'taskgate-listen'`,
    );
    await waitUntil(() => events.some((event) => event.kind === 'resync'));
    const second = await shop.activeGrant();
    await endGrant(shop.engineer.ctx, { id: second.id });
    await waitUntil(() => events.some((event) => event.kind === 'grant-ended' && event.grantId === second.id));
    stop.abort();
  });

  it('are heard only by those who may see what changed, and hold no data', async () => {
    const events: ChangeEvent[] = [];
    const stop = new AbortController();
    listenForChanges(shop.services, (event) => events.push(event), stop.signal);
    await waitUntil(() => events.length > 0);
    const { id } = await shop.activeGrant('fix-order-status');
    await shop.hold(await shop.session(id), id);
    await waitUntil(() => events.some((event) => event.topic === 'holds'));
    stop.abort();
    const heard = (person: { actor: Parameters<typeof mayHear>[0] }, topic: string) =>
      events.some((event) => event.topic === topic && mayHear(person.actor, event));
    expect(['grants', 'holds', 'sessions'].map((topic) => heard(shop.otherEngineer, topic))).toEqual([
      false,
      false,
      false,
    ]);
    expect(['grants', 'holds', 'sessions'].map((topic) => heard(shop.engineer, topic))).toEqual([true, true, true]);
    expect(heard(shop.reviewers[0], 'holds')).toBe(true);
    expect(heard(shop.admin, 'holds')).toBe(false);
    expect(heard(shop.engineer, 'audit')).toBe(false);
    expect(JSON.stringify(events)).not.toContain('update orders');
  });
});

describe('the budget of a grant', () => {
  it('is reserved, reported and shown, and cannot be reserved by a report that makes no sense', async () => {
    const { id } = await shop.activeGrant();
    const line = { dimension: 'rows', limit: 10_000, used: 0, want: 256, release: false } as const;
    const report = { grantId: id, holder: 'one', gateway: 'gate-1', lines: [line], close: false } as const;
    expect(await shop.controlPlane.reserveBudget(report)).toEqual([{ dimension: 'rows', granted: 256, left: 9_744 }]);
    await shop.controlPlane.reserveBudget({ ...report, lines: [{ ...line, used: 100, want: 0 }] });
    const shown = await loadGrant(shop.engineer.ctx, { id });
    expect(shown.budget).toEqual([{ dimension: 'rows', limit: 10_000, used: 100, reserved: 156 }]);
    for (const wrong of [{ used: -1 }, { want: 1.5 }, { used: Number.NaN }])
      expect(await refusal(shop.controlPlane.reserveBudget({ ...report, lines: [{ ...line, ...wrong }] }))).toBe(
        'bad-input',
      );
  });
});
