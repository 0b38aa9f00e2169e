import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../context.ts';
import { createMachine } from '../machines/create-machine.ts';
import { startTestShop, type TestPerson, type TestShop } from '../testing/test-shop.ts';
import { offboard } from './offboard.ts';

let shop: TestShop;
let people = 0;

beforeAll(async () => {
  shop = await startTestShop();
});
afterAll(() => shop.stop());

const analyst = (): Promise<TestPerson> => shop.person(`many${++people}`, [], ['analysts']);

/** So many active grants of `ownerId` under one, as `mintGrant` makes them: a third of them below it, the others below these. */
async function growTree(root: string, ownerId: string, count: number): Promise<void> {
  const first = await insertBelow([root], ownerId, Math.ceil(count / 3));
  await insertBelow(first, ownerId, count - first.length);
}

async function insertBelow(parentIds: readonly string[], ownerId: string, count: number): Promise<string[]> {
  const rows = Array.from({ length: count }, (_, n) => ({
    id: newId(shop.services, 'grt'),
    parent: parentIds[n % parentIds.length],
  }));
  await shop.database.query(
    `insert into grants select (jsonb_populate_record(p, jsonb_build_object(
       'id', x.id, 'parentId', p.id, 'depth', p.depth + 1, 'ancestorIds', p."ancestorIds" || p.id, 'tokenHash', null,
       'identityId', o.id, 'ownerIds', p."ownerIds" || o.id,
       'authorityIds', array(select distinct unnest(array_remove(p."authorityIds" || o.id || o."actsForId", null)))))).*
     from jsonb_to_recordset($1::jsonb) as x(id text, parent text)
     join grants p on p.id = x.parent join identities o on o.id = $2`,
    [JSON.stringify(rows), ownerId],
  );
  return rows.map(({ id }) => id);
}

const countOf = async (where: string, ...values: unknown[]): Promise<number> =>
  Number((await shop.database.query<{ count: string }>(`select count(*) from ${where}`, values))[0]!.count);

/** How many statements that write the transaction of these audit rows had run when it wrote the last of them. */
async function statementsOf(where: string, ...values: unknown[]): Promise<number> {
  const [row] = await shop.database.query<{ last: string; transactions: string }>(
    `select max(cmin::text::bigint) as last, count(distinct xmin::text) as transactions from audit where ${where}`,
    values,
  );
  expect(Number(row!.transactions)).toBe(1);
  return Number(row!.last);
}

describe('who has very many grants', () => {
  it('loses all of them in one deed of few statements, whoever’s trees they are in', async () => {
    const counts: number[] = [];
    for (const each of [10, 700]) {
      const leaver = await analyst();
      const keeper = await analyst();
      const agent = await createMachine(shop.setup, {
        kind: 'agent',
        name: `agent${people}`,
        tasks: ['sales-report'],
        proof: null,
        actsFor: leaver.email,
      });
      const own = await shop.activeGrant('sales-report', leaver);
      const kept = await shop.activeGrant('sales-report', keeper);
      await growTree(own.id, leaver.id, each);
      await growTree(own.id, keeper.id, each);
      await growTree(kept.id, agent.id, each);
      await growTree(kept.id, keeper.id, each);
      const sessionId = await shop.session(own.id);
      const holdId = await shop.hold(sessionId, own.id);
      const ended = await offboard(shop.admin.ctx, { id: leaver.id, reason: 'r' });
      expect(ended.grants).toHaveLength(2 * each + 1);

      const under = `grants where $1 = any("authorityIds")`;
      expect(await countOf(`${under} and state <> 'ended'`, leaver.id)).toBe(0);
      expect(await countOf(`${under} and "endReason" = 'revoked' and "endedById" = $2`, leaver.id, shop.admin.id)).toBe(
        // Its own root, and the first of the agent's in another's tree; all else ended with what it stood under.
        1 + Math.ceil(each / 3),
      );
      expect(await countOf(`${under} and "endReason" = 'parent-ended' and "endedById" is null`, leaver.id)).toBe(
        3 * each - Math.ceil(each / 3),
      );
      // What of the other tree does not stand under theirs stays.
      expect(await countOf(`grants where "identityId" = $1 and state = 'active'`, keeper.id)).toBe(each + 1);
      expect(await shop.database.query('select state from holds where id = $1', [holdId])).toEqual([
        { state: 'cancelled' },
      ]);
      const audited = await shop.database.query<{ action: string; count: string }>(
        `select action, count(distinct subject) from audit where "actId" = $1 group by 1 order by 1`,
        [ended.actId],
      );
      expect(audited).toEqual([
        { action: 'grant.end-with-parent', count: String(3 * each - Math.ceil(each / 3)) },
        { action: 'grant.revoke', count: String(1 + Math.ceil(each / 3)) },
        { action: 'hold.cancel', count: '1' },
        { action: 'identity.offboard', count: '1' },
      ]);
      expect(await shop.audit(own.id)).toContainEqual({
        action: 'grant.revoke',
        actorId: shop.admin.id,
        before: expect.objectContaining({ state: 'active', endReason: null, task: 'sales-report' }),
        after: expect.objectContaining({ state: 'ended', endReason: 'revoked', endedById: shop.admin.id }),
      });
      counts.push(await statementsOf('"actId" = $1', ended.actId));
    }
    expect(counts[1]! - counts[0]!).toBeLessThan(20);
  });
});
