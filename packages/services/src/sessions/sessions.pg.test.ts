import { createCipheriv, createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildCatalog, buildRelation, type Reason } from '@taskgate/core';
import { createRecordingWriter, type NewRecordingEvent, sealRecording, verifyChain } from '@taskgate/recording';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveTask } from '../tasks/save-task.ts';
import type { TestPerson } from '../testing/test-services.ts';
import { refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { endSession } from './end-session.ts';
import { explainDecision } from './explain-decision.ts';
import { loadRecordingBytes } from './load-recording-bytes.ts';
import { loadSession, loadSessions } from './load-sessions.ts';
import { loadTimeline } from './load-timeline.ts';
import { loadViewers } from './load-viewers.ts';

let shop: TestShop;
beforeAll(async () => {
  shop = await startTestShop();
  await mkdir(shop.services.settings.spoolDirectory, { recursive: true });
  await mkdir(shop.services.settings.recordingsDirectory, { recursive: true });
});
afterAll(() => shop.stop());

const DENIED: Reason = {
  code: 'not-allowed',
  rule: { kind: 'task', name: 'sales-report', revision: 1, rule: 'allow.0', line: 7 },
  message: '`public.payments` is not allowed',
  wouldAllow: null,
  position: null,
};
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());

interface Recorded {
  readonly sessionId: string;
  readonly allowed: string;
  readonly denied: string;
  readonly plain: Uint8Array;
}

/** A session with an allowed and a refused statement, recorded as the gateway does, indexed, and archived if it ended. */
async function recordedSession(options: { ended: boolean; person?: TestPerson; task?: string }): Promise<Recorded> {
  const { controlPlane, services, clock } = shop;
  const person = options.person ?? shop.engineer;
  const grant = await shop.activeGrant(options.task ?? 'sales-report', person);
  const sessionId = `ses_${shop.decisionId().slice(4)}`;
  const { sessionKey, wrappedKey } = await controlPlane.startSession({
    sessionId,
    grantId: grant.id,
    protocol: 'postgres',
    clientAddress: '192.0.2.7',
    application: 'psql',
    gateway: 'gate-1',
    startedAt: clock.now(),
  });
  const key = sessionKey.reveal((base64) => Buffer.from(base64, 'base64'));
  const writer = createRecordingWriter({
    header: { sessionId, createdAt: clock.now(), wrappedKey },
    sha256,
    seal: (plaintext, seq) => {
      const nonce = Buffer.alloc(12);
      nonce.writeBigUInt64BE(BigInt(seq), 4);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      cipher.setAAD(Buffer.from(`${sessionId}:${seq}`));
      return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    },
  });
  const [allowed, denied] = [shop.decisionId(), shop.decisionId()];
  const operation = (decisionId: string, statement: string, reasons: readonly Reason[]): NewRecordingEvent => ({
    kind: 'operation',
    at: clock.now(),
    decisionId,
    statementClass: 'select',
    label: 'SELECT',
    relations: [{ verb: 'select', schema: 'public', name: 'orders', columns: ['id'] }],
    decision: { outcome: reasons.length === 0 ? 'allow' : 'deny', reasons },
    catalogVersion: 'v',
    fingerprint: 'f',
    via: 'simple',
    secret: { statement, parameters: ['42'] },
  });
  const events: NewRecordingEvent[] = [
    operation(allowed, 'select id from orders', []),
    {
      kind: 'shape',
      at: clock.now(),
      decisionId: allowed,
      columns: [{ name: 'id', typeOid: 23, mask: null }],
    },
    { kind: 'rows', at: clock.now(), decisionId: allowed, count: 2, secret: { rows: [['1'], [null]] } },
    {
      kind: 'outcome',
      at: clock.now(),
      decisionId: allowed,
      outcome: 'done',
      tag: 'SELECT 2',
      rows: 2,
      bytes: 20,
      maskedCells: 1,
      durationMs: 3,
      sqlstate: null,
      secret: { message: null },
    },
    operation(denied, 'select card_number from payments', [DENIED]),
  ];
  if (options.ended)
    events.push({
      kind: 'session-end',
      at: clock.now(),
      reason: 'client-closed',
      detail: null,
      bytesIn: 1,
      bytesOut: 1,
    });
  const plain = Buffer.concat([writer.headerBytes, ...events.map((event) => writer.append(event))]);
  const { spoolDirectory, recordingsDirectory } = services.settings;
  if (options.ended)
    await writeFile(
      join(recordingsDirectory, `${sessionId}.tgs`),
      await sealRecording(plain, { compress: (bytes) => gzipSync(bytes) }),
    );
  else await writeFile(join(spoolDirectory, `${sessionId}.tgr`), plain);
  const indexed = (seq: number, decisionId: string, outcome: 'allow' | 'deny', reasons: readonly Reason[]) => ({
    seq,
    at: clock.now(),
    decisionId,
    outcome,
    statementClass: 'select',
    label: 'SELECT',
    fingerprint: 'f',
    catalogVersion: 'v',
    relations: [{ verb: 'select', schema: 'public', name: 'orders', columns: ['id'] }],
    reasons,
  });
  await controlPlane.indexSession(sessionId, {
    operations: [indexed(0, allowed, 'allow', []), indexed(4, denied, 'deny', [DENIED])],
    outcomes: [],
    upTo: events.length,
    end: options.ended
      ? {
          at: clock.now(),
          reason: 'client-closed',
          detail: null,
          interrupted: false,
          head: { count: events.length, hash: Buffer.from(writer.head.hash).toString('hex') },
          bytesIn: 1,
          bytesOut: 1,
        }
      : null,
  });
  return { sessionId, allowed, denied, plain };
}

describe('a recording', () => {
  it.each([true, false])('is read back as it was sent, ended: %s', async (ended) => {
    const { sessionId, allowed, denied } = await recordedSession({ ended });
    const { session, operations, nextAfter } = await loadTimeline(shop.engineer.ctx, { id: sessionId });
    expect(session).toMatchObject({ recording: ended ? 'complete' : 'live', denied: 1, mayReplay: true });
    expect(nextAfter).toBeNull();
    expect(operations).toMatchObject([
      {
        decisionId: allowed,
        statement: 'select id from orders',
        parameters: ['42'],
        rows: [['1'], [null]],
        columns: [{ name: 'id' }],
        result: { outcome: 'done', tag: 'SELECT 2', maskedCells: 1 },
      },
      { decisionId: denied, outcome: 'deny', reasons: [DENIED], result: { outcome: 'refused' } },
    ]);
    const page = await loadTimeline(shop.engineer.ctx, { id: sessionId, limit: 1 });
    expect(page).toMatchObject({ nextAfter: 0, operations: [{ decisionId: allowed }] });
    const rest = await loadTimeline(shop.engineer.ctx, { id: sessionId, limit: 1, after: page.nextAfter! });
    expect(rest).toMatchObject({ nextAfter: null, operations: [{ decisionId: denied }] });
  });

  it('is read by others only where they are its readers, and each reading is written down first', async () => {
    const { sessionId, denied } = await recordedSession({ ended: true });
    for (const person of [shop.otherEngineer, shop.reviewers[0], shop.admin])
      expect(['forbidden', 'not-found']).toContain(await refusal(loadTimeline(person.ctx, { id: sessionId })));
    const stranger = await shop.person('stranger', ['auditor']);
    expect((await loadSession(stranger.ctx, { id: sessionId })).mayReplay).toBe(false);
    expect(await refusal(loadTimeline(stranger.ctx, { id: sessionId }))).toBe('forbidden');
    expect(await refusal(loadRecordingBytes(stranger.ctx, sessionId))).toBe('forbidden');
    expect(await loadViewers(shop.engineer.ctx, { id: sessionId })).toEqual([]);

    await explainDecision(shop.auditor.ctx, { decisionId: denied });
    await loadTimeline(shop.auditor.ctx, { id: sessionId });
    await loadTimeline(shop.auditor.ctx, { id: sessionId, after: 0 });
    expect(await loadViewers(shop.engineer.ctx, { id: sessionId })).toMatchObject([
      { person: { email: shop.auditor.email } },
      { person: { email: shop.auditor.email } },
    ]);
    await loadTimeline(shop.engineer.ctx, { id: sessionId });
    shop.clock.advance(5 * 60_000);
    await loadTimeline(shop.auditor.ctx, { id: sessionId });
    expect(await loadViewers(shop.engineer.ctx, { id: sessionId })).toHaveLength(3);
    expect((await shop.audit(sessionId)).filter((row) => row.action === 'recording.view')).toMatchObject([
      { actorId: shop.auditor.id },
      { actorId: shop.auditor.id },
    ]);
  });

  it('is handed out as the bytes that its signed head commits to', async () => {
    const { sessionId, plain } = await recordedSession({ ended: true });
    const bytes = await loadRecordingBytes(shop.auditor.ctx, sessionId);
    expect(Buffer.from(bytes).equals(plain)).toBe(true);
    const { head } = await loadSession(shop.auditor.ctx, { id: sessionId });
    expect(
      await verifyChain(bytes, {
        sha256,
        expectedHead: { count: head!.count, hash: new Uint8Array(Buffer.from(head!.hash, 'hex')) },
      }),
    ).toMatchObject({ ok: true });
    expect((await shop.audit(sessionId)).at(-1)).toMatchObject({ action: 'recording.download' });
    expect(Buffer.from(bytes).toString('latin1')).not.toContain('select id from orders');
  });

  it('that is gone says so', async () => {
    const { sessionId } = await recordedSession({ ended: true });
    await rm(join(shop.services.settings.recordingsDirectory, `${sessionId}.tgs`));
    expect(await loadSession(shop.engineer.ctx, { id: sessionId })).toMatchObject({ recording: 'missing' });
    expect(await refusal(loadTimeline(shop.engineer.ctx, { id: sessionId }))).toBe('not-found');
  });
});

describe('the list of sessions', () => {
  it('shows an engineer their own only, and auditors all', async () => {
    const mine = await recordedSession({ ended: true });
    const theirs = await recordedSession({ ended: true, person: shop.otherEngineer });
    const idsFor = async (person: TestPerson, filter: Parameters<typeof loadSessions>[1] = {}) =>
      (await loadSessions(person.ctx, { limit: 200, ...filter })).items.map((session) => session.id);
    expect(await idsFor(shop.otherEngineer)).toEqual([theirs.sessionId]);
    expect(await refusal(loadSession(shop.otherEngineer.ctx, { id: mine.sessionId }))).toBe('not-found');
    expect(await refusal(loadViewers(shop.otherEngineer.ctx, { id: mine.sessionId }))).toBe('not-found');
    expect(await idsFor(shop.auditor)).toEqual(expect.arrayContaining([mine.sessionId, theirs.sessionId]));
    expect(await idsFor(shop.auditor, { person: 'OTHER@test' })).toEqual([theirs.sessionId]);
    expect(await idsFor(shop.auditor, { q: 'orders' })).toContain(theirs.sessionId);
    expect(await idsFor(shop.auditor, { q: 'public.payments' })).toEqual([]);
    // A search would say what was reached in sessions whose readers one is not among.
    const stranger = await shop.person('no-reader', ['auditor']);
    expect(await idsFor(stranger)).toContain(theirs.sessionId);
    expect(await idsFor(stranger, { q: 'orders' })).toEqual([]);
    expect(await idsFor(shop.admin, { q: 'orders' })).toEqual([]);
    expect(await idsFor(shop.auditor, { outcome: 'hold' })).toEqual([]);
    expect(await idsFor(shop.auditor, { outcome: 'deny', resource: 'demo-shop', task: 'sales-report' })).toContain(
      mine.sessionId,
    );
    expect(await idsFor(shop.auditor, { to: new Date(shop.clock.now() - 86_400_000).toISOString() })).toEqual([]);
  });

  it('filters live ones, which an admin can end', async () => {
    const { sessionId } = await recordedSession({ ended: false });
    const live = await loadSessions(shop.admin.ctx, { live: true });
    expect(live.items.map((session) => session.id)).toContain(sessionId);
    expect(live.items.every((session) => !session.mayReplay)).toBe(true);
    expect(await endSession(shop.admin.ctx, { id: sessionId })).toMatchObject({ id: sessionId });
    expect((await shop.audit(sessionId)).at(-1)).toMatchObject({ action: 'session.end', actorId: shop.admin.id });
    expect(await refusal(endSession(shop.auditor.ctx, { id: sessionId }))).toBe('forbidden');
  });
});

const CATALOG = buildCatalog({
  version: 'c1',
  relations: [buildRelation({ name: 'payments', columns: { card_number: 'text' } })],
});

describe('an explanation', () => {
  it('shows the statement and the rule to whose it is, and which other task would do', async () => {
    const resource = await shop.services.db.resource.findUniqueOrThrow({ where: { name: 'demo-shop' } });
    await shop.services.db.catalogVersion.create({
      data: {
        resourceId: resource.id,
        version: 'c1',
        readAt: new Date(shop.clock.now()),
        current: true,
        content: JSON.parse(JSON.stringify(CATALOG)),
      },
    });
    for (const [name, group] of [
      ['payments-check', 'analysts'],
      ['payments-audit', 'auditors'],
    ])
      await saveTask(shop.admin.ctx, {
        source: `kind: Task\nname: ${name}\npurpose: Look at payments\nresource: demo-shop\nwho: { groups: [${group}] }\naccess: { ttl: 1h }\nallow:\n  - select: public.payments\n`,
        publish: true,
      });
    const { denied, sessionId } = await recordedSession({ ended: true });
    expect(await explainDecision(shop.engineer.ctx, { decisionId: denied })).toMatchObject({
      sessionId,
      outcome: 'deny',
      statement: 'select card_number from payments',
      reasons: [DENIED],
      excerpts: [{ kind: 'task', name: 'sales-report', line: 7 }],
      sameTaskAgain: false,
      otherTasks: [
        { task: 'payments-check', outcome: 'allow', needsApproval: false },
        { task: 'shop-admin', outcome: 'allow', needsApproval: true },
      ],
    });
    expect(await shop.audit(sessionId)).not.toContainEqual(expect.objectContaining({ action: 'recording.explain' }));
  });

  it('is for nobody else but auditors and approvers, and an auditor’s reading is written down', async () => {
    const { denied, sessionId } = await recordedSession({ ended: true });
    expect(await refusal(explainDecision(shop.otherEngineer.ctx, { decisionId: denied }))).toBe('not-found');
    // That it was denied, and whose task that was, is anybody's who may see the session; what it named is its readers'.
    expect(await explainDecision(shop.admin.ctx, { decisionId: denied })).toMatchObject({
      outcome: 'deny',
      task: 'sales-report',
      statement: null,
      relations: [],
      reasons: [],
      excerpts: [],
    });
    expect(await explainDecision(shop.auditor.ctx, { decisionId: denied })).toMatchObject({
      statement: 'select card_number from payments',
      otherTasks: [],
    });
    expect((await shop.audit(sessionId)).at(-1)).toMatchObject({ action: 'recording.explain' });
    const grant = await shop.activeGrant('fix-order-status');
    const decisionId = shop.decisionId();
    await shop.hold(await shop.session(grant.id), grant.id, { decisionId, statement: 'update orders' });
    const asked = await explainDecision(shop.reviewers[0].ctx, { decisionId });
    expect(asked).toMatchObject({ outcome: 'hold', statement: 'update orders', hold: { state: 'waiting' } });
    expect(asked.approvers).toMatchObject({ to: 'statement', groups: ['dba'], count: 2, more: 0 });
    expect(asked.approvers!.people.map(({ email }) => email)).toEqual(shop.reviewers.map(({ email }) => email));
    // That a statement waits is the auditors' to see; what it says is its readers'.
    const stranger = await shop.person('stranger2', ['auditor']);
    expect(await explainDecision(stranger.ctx, { decisionId })).toMatchObject({
      outcome: 'hold',
      statement: null,
      relations: [],
      reasons: [],
      excerpts: [],
      masks: [],
      approvers: { groups: ['dba'] },
    });
  });

  it('says how it ended, what was masked, and that a newer revision is in force', async () => {
    const { allowed, denied } = await recordedSession({ ended: true });
    expect(await explainDecision(shop.engineer.ctx, { decisionId: allowed })).toMatchObject({
      outcome: 'allow',
      grantState: 'active',
      newerTaskRevision: null,
      sameTaskAgain: false,
      otherTasks: [],
      approvers: null,
    });
    const task = await shop.services.db.taskRevision.findFirstOrThrow({ where: { task: { name: 'sales-report' } } });
    await saveTask(shop.admin.ctx, {
      source: task.source.replace(
        '  - select: public.orders',
        '  - select: public.orders\n  - select: public.payments',
      ),
      publish: true,
    });
    const again = await explainDecision(shop.engineer.ctx, { decisionId: denied });
    expect(again).toMatchObject({ newerTaskRevision: 2, sameTaskAgain: true, excerpts: [{ newerRevision: 2 }] });
  });
});
