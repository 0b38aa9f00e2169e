import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGroup } from '../people/create-group.ts';
import { startTestServices, type TestPerson, type TestServices } from '../testing/test-services.ts';
import { type AuditRowView, loadAudit } from './load-audit.ts';

let test: TestServices;
let admin: TestPerson;
let auditor: TestPerson;

beforeAll(async () => {
  test = await startTestServices();
  admin = await test.person('root', ['admin']);
  auditor = await test.person('aud', ['auditor']);
  for (let i = 0; i < 7; i++) {
    if (i % 3 === 0) test.clock.advance(1000); // several share an instant
    await createGroup(admin.ctx, { name: `g-${i}`, roles: [] });
  }
});
afterAll(() => test.stop());

const list = async (filter: object): Promise<AuditRowView[]> => (await loadAudit(auditor.ctx, filter)).items;

describe('the audit log', () => {
  it('is read by auditors and admins only', async () => {
    const engineer = await test.person('eng', ['engineer']);
    await expect(loadAudit(engineer.ctx, {})).rejects.toMatchObject({ code: 'forbidden' });
    expect((await loadAudit(admin.ctx, {})).items.length).toBeGreaterThan(0);
  });

  it('comes in pages, the newest first, each row once', async () => {
    const seen: AuditRowView[] = [];
    let cursor: string | undefined;
    do {
      const page = await loadAudit(auditor.ctx, { limit: 3, cursor });
      seen.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toHaveLength(await test.services.db.auditRow.count());
    expect(new Set(seen.map((row) => row.id)).size).toBe(seen.length);
    expect(seen.map((row) => row.at)).toEqual(
      seen
        .map((row) => row.at)
        .toSorted()
        .reverse(),
    );
  });

  it('is filtered by who, what and about what', async () => {
    expect(await list({ actor: 'ROOT@test.example' })).toHaveLength(7);
    expect(await list({ actor: admin.id, action: 'group' })).toHaveLength(7);
    expect(await list({ action: 'gro' })).toHaveLength(0);
    const [row] = await list({ subject: 'g-4' });
    expect(row).toMatchObject({
      action: 'group.create',
      actor: { email: admin.email },
      before: null,
      after: { name: 'g-4' },
    });
    expect(await list({ actor: 'nobody@test.example' })).toEqual([]);
    expect(await list({ from: new Date(test.clock.now()).toISOString(), actor: admin.id })).toHaveLength(1);
  });
});
