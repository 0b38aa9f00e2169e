import { createHash } from 'node:crypto';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { verifyApproval } from '@taskgate/approval';
import { createId } from '@taskgate/core';
import { createSoftwareAuthenticator, type SoftwareAuthenticator } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadApproval } from '../approvals/load-approval.ts';
import { approveHold } from '../holds/approve-hold.ts';
import { askToSignHold } from '../holds/ask-to-sign-hold.ts';
import { webCrypto } from '../passkeys/passkey-row.ts';
import { savePolicy } from '../policies/save-policy.ts';
import { saveTask } from '../tasks/save-task.ts';
import { PASSKEY_SITE, registerFor } from '../testing/register-for.ts';
import type { TestPerson } from '../testing/test-services.ts';
import { BINDING, refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { eraseRecordings } from './erase-recordings.ts';
import { keepRecording } from './keep-recording.ts';
import { loadSession } from './load-sessions.ts';

const DAY_MS = 86_400_000;

let shop: TestShop;
let reader: TestPerson;
let signer: TestPerson;
let slowSigner: TestPerson;
let device: SoftwareAuthenticator;

beforeAll(async () => {
  shop = await startTestShop();
  await mkdir(shop.services.settings.recordingsDirectory, { recursive: true });
  reader = shop.auditor;
  [signer, slowSigner] = [shop.reviewers[0], shop.reviewers[1]];
  device = createSoftwareAuthenticator(PASSKEY_SITE);
  await registerFor(signer.ctx, device);
  await registerFor(slowSigner.ctx, createSoftwareAuthenticator(PASSKEY_SITE));
  // The policy of the shop asks for 400 days, of every task.
  for (const [name, record] of [
    ['longer', '{ keep: 500d }'],
    ['shorter', '{ keep: 10d }'],
    ['unsaid', '{ readers: [auditors] }'],
  ] as const)
    await saveTask(shop.admin.ctx, {
      source: `kind: Task\nname: ${name}\npurpose: x\nresource: demo-shop\nwho: { groups: [analysts] }\naccess: { ttl: 1h }\nallow:\n  - select: public.orders\nrecord: ${record}\n`,
      publish: true,
    });
});
afterAll(() => shop.stop());

const fileOf = (id: string): string => join(shop.services.settings.recordingsDirectory, `${id}.tgs`);
const isThere = (id: string): Promise<boolean> =>
  access(fileOf(id)).then(
    () => true,
    () => false,
  );

const STATEMENT = "update orders set status = 'canary-4711'";
const SAMPLE = {
  columns: [{ name: 'email', mask: null }],
  rows: [{ before: ['canary-4711@x'], after: null }],
  note: null,
};

/** A held statement with a dry run's rows, a signed approval of it, and a question whose answer never came. */
async function heldAndSigned(sessionId: string, grantId: string): Promise<void> {
  const id = await shop.hold(sessionId, grantId, {
    statement: STATEMENT,
    dryRun: { rows: 9, sqlstate: null, notices: 0, sample: SAMPLE },
    approvals: { from: ['dba'], count: 2, timeoutMs: 600_000 },
  });
  const said = { id, binding: BINDING, comment: null };
  await approveHold(signer.ctx, { ...said, assertion: device.get(await askToSignHold(signer.ctx, said)) });
  await askToSignHold(slowSigner.ctx, said);
}

/** A session that has ended now, with a held statement, an operation in the index and a recording. */
async function ended(task: string): Promise<string> {
  const grant = await shop.activeGrant(task);
  const id = await shop.session(grant.id);
  await heldAndSigned(id, grant.id);
  const decisionId = createId('dec', shop.clock.now(), shop.services.randomBytes);
  await shop.controlPlane.indexSession(id, {
    operations: [
      {
        seq: 1,
        at: shop.clock.now(),
        decisionId,
        outcome: 'allow',
        statementClass: 'select',
        label: 'SELECT',
        fingerprint: 'f',
        catalogVersion: 'c',
        relations: [],
        reasons: [],
      },
    ],
    outcomes: [],
    upTo: 1,
    end: null,
  });
  await shop.services.db.session.update({ where: { id }, data: { endedAt: new Date(shop.clock.now()) } });
  await writeFile(fileOf(id), 'sealed');
  return id;
}
const erase = () => eraseRecordings(shop.timer);

describe('the retention of recordings', () => {
  it('deletes what is over, by the longest that the task or a policy asks for, and not a moment earlier', async () => {
    const [shorter, unsaid, longer] = [await ended('shorter'), await ended('unsaid'), await ended('longer')];
    const live = await shop.session((await shop.activeGrant('shorter', shop.otherEngineer)).id);
    shop.clock.advance(400 * DAY_MS);
    expect(await erase()).toBe(0);
    shop.clock.advance(1);
    expect(await erase()).toBe(2);
    expect([await isThere(shorter), await isThere(unsaid), await isThere(longer)]).toEqual([false, false, true]);
    const { db } = shop.services;
    const row = await db.session.findUniqueOrThrow({ where: { id: shorter }, include: { holds: true } });
    expect(row.erasedAt).toEqual(new Date(shop.clock.now()));
    // No copy of the file can be read either, and nothing of what was said is anywhere else.
    expect(row.wrappedKey).toHaveLength(0);
    expect(row.operationCount).toBe(1);
    expect(row.holds.map(({ statement, parameters }) => [statement, parameters])).toEqual([
      ['-- deleted with its recording', []],
    ]);
    expect(await db.operationRecord.count({ where: { sessionId: shorter } })).toBe(0);
    expect(await db.operationRecord.count({ where: { sessionId: longer } })).toBe(1);
    expect((await shop.audit(shorter)).at(-1)).toMatchObject({
      action: 'recording.erase',
      actorId: null,
      before: { operations: 1 },
    });
    expect(await loadSession(reader.ctx, { id: shorter })).toMatchObject({ recording: 'erased', operations: 1 });
    expect((await db.session.findUniqueOrThrow({ where: { id: live } })).erasedAt).toBeNull();
    expect(await erase()).toBe(0);
    shop.clock.advance(100 * DAY_MS);
    expect(await erase()).toBe(1);
  });

  it('leaves nothing of a held statement, and proves that it was approved', async () => {
    const id = await ended('shorter');
    const { db } = shop.services;
    const { approvals } = await db.hold.findFirstOrThrow({ where: { sessionId: id }, select: { approvals: true } });
    const before = await loadApproval(signer.ctx, { id: approvals[0]!.id });
    expect(before.signed).toContain('canary-4711');
    shop.clock.advance(401 * DAY_MS);
    expect(await erase()).toBe(1);
    for (const table of ['holds', 'approval_signatures', 'passkey_challenges', 'audit', 'operations']) {
      const [found] = await shop.database.query(
        `select count(*)::int as n from ${table} t where t::text like '%canary-4711%'`,
      );
      expect(found, table).toEqual({ n: 0 });
    }
    expect(await db.hold.findFirstOrThrow({ where: { sessionId: id } })).toMatchObject({
      state: 'waiting',
      dryRun: { rows: 9, sqlstate: null, notices: 0 },
    });
    const file = await loadApproval(signer.ctx, { id: before.id });
    expect(file).toEqual({ ...before, signed: null });
    const signedSha256 = createHash('sha256').update(before.signed!).digest('hex');
    expect(await verifyApproval(file, webCrypto)).toMatchObject({ ok: true, erased: true, signedSha256 });
    // The audit tells which hash was that approval's.
    const rows = await db.auditRow.findMany({ where: { action: 'hold.approve' } });
    expect(JSON.stringify(rows.map((row) => row.after))).toContain(signedSha256);
  });

  it('keeps what an auditor marked, until they let it go', async () => {
    const id = await ended('shorter');
    expect(await refusal(keepRecording(shop.engineer.ctx, { id, reason: 'mine' }))).toBe('forbidden');
    const stranger = await shop.person('stranger', ['auditor']);
    expect(await refusal(keepRecording(stranger.ctx, { id, reason: 'r' }))).toBe('forbidden');
    expect(await keepRecording(reader.ctx, { id, reason: 'case 7' })).toMatchObject({ keepReason: 'case 7' });
    shop.clock.advance(1_000 * DAY_MS);
    expect([await erase(), await isThere(id)]).toEqual([0, true]);
    await keepRecording(reader.ctx, { id, reason: null });
    expect([await erase(), await isThere(id)]).toEqual([1, false]);
    expect(await refusal(keepRecording(reader.ctx, { id, reason: 'too late' }))).toBe('invalid-state');
    expect((await shop.audit(id)).map((row) => row.action)).toEqual(
      expect.arrayContaining(['recording.keep', 'recording.release', 'recording.erase']),
    );
  });

  it('keeps what was recorded for as long as was asked for when the session began, whatever is published since', async () => {
    const policy = (keep: string) =>
      savePolicy(shop.admin.ctx, {
        source: `kind: Policy\nname: customer-data\npurpose: x\napplies: { resources: { labels: { env: production } } }\ndeny:\n  - statements: [drop]\nrecord: { keep: ${keep} }\n`,
        publish: true,
      });
    // 400 days are asked for now.
    const [shortened, lengthened] = [await ended('shorter'), await ended('unsaid')];
    await policy('20d');
    shop.clock.advance(399 * DAY_MS);
    expect(await erase()).toBe(0);
    const later = await ended('shorter');
    shop.clock.advance(2 * DAY_MS);
    expect([await erase(), await isThere(shortened), await isThere(lengthened)]).toEqual([2, false, false]);
    // Of those from then on 20 days are asked for; what asks for more lengthens.
    await policy('30d');
    shop.clock.advance(27 * DAY_MS);
    expect([await erase(), await isThere(later)]).toEqual([0, true]);
    shop.clock.advance(2 * DAY_MS);
    expect([await erase(), await isThere(later)]).toEqual([1, false]);
  });

  it('keeps all where nobody gives an end', async () => {
    const id = await ended('unsaid');
    await savePolicy(shop.admin.ctx, {
      source:
        'kind: Policy\nname: customer-data\npurpose: x\napplies: { resources: { labels: { env: production } } }\ndeny:\n  - statements: [drop]\n',
      publish: true,
    });
    shop.clock.advance(10_000 * DAY_MS);
    expect([await erase(), await isThere(id)]).toEqual([0, true]);
    // And deletes nothing at once where somebody does later: the time counts from then.
    const unasked = await ended('unsaid');
    shop.clock.advance(100 * DAY_MS);
    await savePolicy(shop.admin.ctx, {
      source:
        'kind: Policy\nname: customer-data\npurpose: x\napplies: { resources: { labels: { env: production } } }\ndeny:\n  - statements: [drop]\nrecord: { keep: 7d }\n',
      publish: true,
    });
    expect([await erase(), await isThere(id), await isThere(unasked)]).toEqual([1, false, true]);
    shop.clock.advance(6 * DAY_MS);
    expect([await erase(), await isThere(unasked)]).toEqual([0, true]);
    shop.clock.advance(2 * DAY_MS);
    expect([await erase(), await isThere(unasked)]).toEqual([1, false]);
    expect(await refusal(eraseRecordings(shop.admin.ctx))).toBe('forbidden');
  });
});
