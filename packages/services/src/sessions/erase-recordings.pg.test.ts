import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createId } from '@taskgate/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { savePolicy } from '../policies/save-policy.ts';
import { saveTask } from '../tasks/save-task.ts';
import type { TestPerson } from '../testing/test-services.ts';
import { refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { eraseRecordings } from './erase-recordings.ts';
import { keepRecording } from './keep-recording.ts';
import { loadSession } from './load-sessions.ts';

const DAY_MS = 86_400_000;

let shop: TestShop;
let reader: TestPerson;

beforeAll(async () => {
  shop = await startTestShop();
  await mkdir(shop.services.settings.recordingsDirectory, { recursive: true });
  reader = shop.auditor;
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

/** A session that has ended now, with a held statement, an operation in the index and a recording. */
async function ended(task: string): Promise<string> {
  const grant = await shop.activeGrant(task);
  const id = await shop.session(grant.id);
  await shop.hold(id, grant.id);
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

  it('keeps all where nobody gives an end', async () => {
    const id = await ended('unsaid');
    const { publishedRevision } = await shop.services.db.policy.findUniqueOrThrow({ where: { name: 'customer-data' } });
    await savePolicy(shop.admin.ctx, {
      source:
        'kind: Policy\nname: customer-data\npurpose: x\napplies: { resources: { labels: { env: production } } }\ndeny:\n  - statements: [drop]\n',
      publish: true,
    });
    expect(publishedRevision).toBe(1);
    shop.clock.advance(10_000 * DAY_MS);
    expect([await erase(), await isThere(id)]).toEqual([0, true]);
    expect(await refusal(eraseRecordings(shop.admin.ctx))).toBe('forbidden');
  });
});
