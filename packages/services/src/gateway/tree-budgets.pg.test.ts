import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyDocuments } from '../documents/apply-documents.ts';
import { activateGrant } from '../grants/activate-grant.ts';
import { endGrant } from '../grants/end-grant.ts';
import { loadTree } from '../grants/load-tree.ts';
import { type MintView, mintGrant } from '../grants/mint-grant.ts';
import { requestGrant } from '../grants/request-grant.ts';
import type { TestPerson } from '../testing/test-services.ts';
import { refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { createControlPlane } from './control-plane.ts';

const DOCUMENTS = `kind: Task
name: count-orders
purpose: Counts
resource: demo-shop
who: { groups: [analysts] }
access: { ttl: 2h }
allow:
  - select: public.orders
limits: { rows: 2000, statements: 2000, connections: 3 }
---
kind: Workflow
name: counting
purpose: Counts twice
who: { groups: [analysts] }
access: { ttl: 2h }
steps:
  - { task: count-orders }
  - { task: sales-report }
limits: { rows: 100, connections: 2 }
`;

/** `TREE_CHILDREN=1000` makes it longer. */
const CHILDREN = Number(process.env.TREE_CHILDREN ?? 40);

let shop: TestShop;
beforeAll(async () => {
  shop = await startTestShop();
  await applyDocuments(shop.setup, { source: DOCUMENTS });
});
afterAll(() => shop.stop());

const mint = (parentId: string, wish: Omit<Parameters<typeof mintGrant>[1], 'parentId'> = {}) =>
  mintGrant(shop.engineer.ctx, { parentId, ...wish });
const end = (id: string) => endGrant(shop.engineer.ctx, { id });

interface Use {
  readonly limit?: number | null;
  readonly used?: number;
  readonly want?: number;
  readonly close?: boolean;
  readonly holder?: string;
  readonly gateway?: string;
  readonly dimension?: 'rows' | 'statements';
}
/** What a gateway says of a grant's rows; gives what it has been granted in all. */
async function report(grantId: string, use: Use): Promise<number> {
  const { dimension = 'rows', gateway = 'gate-1', holder = `${gateway} ${grantId}`, close = false } = use;
  const limit = use.limit === undefined ? 10_000 : use.limit;
  const lines = [{ dimension, limit, used: use.used ?? 0, want: use.want ?? 0, release: false }];
  const [line] = await shop.controlPlane.reserveBudget({ grantId, holder, gateway, lines, close });
  return line?.granted ?? 0;
}
const stored = async (grantId: string, dimension = 'rows') =>
  (
    await shop.database.query<{ spent: number; reserved: number; limit: number | null }>(
      `select spent::int, reserved::int, "limit"::int from grant_budgets where "grantId" = $1 and dimension = $2`,
      [grantId, dimension],
    )
  )[0];

describe('the budget of a tree', () => {
  it('is used by whatever is below: what a grant uses counts for every grant above it', async () => {
    const root = await shop.activeGrant('count-orders');
    expect(await stored(root.id)).toEqual({ spent: 0, reserved: 0, limit: 2000 });
    const child = (await mint(root.id, { narrow: { limits: { rows: 50 } } })).grant.id;
    const grandchild = (await mint(child)).grant.id;
    expect(await report(grandchild, { limit: 50, want: 8 })).toBe(8);
    for (const id of [root.id, child, grandchild]) expect(await stored(id)).toMatchObject({ spent: 0, reserved: 8 });
    await report(grandchild, { limit: 50, used: 5, close: true });
    for (const id of [root.id, child, grandchild]) expect(await stored(id)).toMatchObject({ spent: 5, reserved: 0 });
    // What is left above is what is given below, whatever is left there.
    await report(child, { limit: 50, used: 44 });
    expect(await report(grandchild, { limit: 50, want: 30, holder: 'again' })).toBe(1);
    const { nodes } = await loadTree(shop.engineer.ctx, { id: root.id });
    const rows = nodes.map(({ budget }) => budget.find(({ dimension }) => dimension === 'rows'));
    expect(rows).toEqual([
      { dimension: 'rows', limit: 2000, own: 0, subtree: 49, reserved: 1 },
      { dimension: 'rows', limit: 50, own: 44, subtree: 49, reserved: 1 },
      { dimension: 'rows', limit: 50, own: 5, subtree: 5, reserved: 1 },
    ]);
    await end(root.id);
  });

  it('is shared by the steps of a workflow, on whatever tasks', async () => {
    const { id } = await requestGrant(shop.engineer.ctx, { workflow: 'counting' });
    await activateGrant(shop.engineer.ctx, { id });
    const [one, two] = [
      (await mint(id, { task: 'count-orders' })).grant.id,
      (await mint(id, { task: 'sales-report' })).grant.id,
    ];
    expect((await shop.controlPlane.openGrant(one)).limits).toMatchObject({
      rows: 100,
      statements: 2000,
      connections: 2,
    });
    await report(one, { limit: 100, used: 60, close: false });
    await report(two, { limit: 100, used: 39 });
    expect(await report(two, { limit: 100, used: 39, want: 50 })).toBe(40);
    expect(await report(one, { limit: 100, used: 60, want: 50 })).toBe(60);
    await end(id);
  });

  it('counts what a killed gateway had below as used, in every budget above', async () => {
    const root = await shop.activeGrant('count-orders');
    const child = (await mint(root.id)).grant.id;
    await report(child, { limit: 2000, want: 20, gateway: 'killed' });
    await shop.controlPlane.forfeitBudgets('killed');
    await shop.controlPlane.forfeitBudgets('killed');
    for (const id of [root.id, child]) expect(await stored(id)).toMatchObject({ spent: 20, reserved: 0 });
    await end(root.id);
  });

  it('follows a policy that is published while it is used, above too', async () => {
    const root = await shop.activeGrant('count-orders');
    const child = (await mint(root.id, { narrow: { limits: { rows: 50 } } })).grant.id;
    await report(child, { limit: 50, used: 10 });
    const policy = (rows: number) =>
      `kind: Policy\nname: few-rows\npurpose: Few\napplies: { resources: { labels: { env: production } } }\nlimits: { rows: ${rows} }\n`;
    await applyDocuments(shop.setup, { source: policy(12) });
    expect(await report(child, { limit: 12, used: 10, want: 40 })).toBe(11);
    expect(await stored(root.id)).toMatchObject({ limit: 12 });
    await applyDocuments(shop.setup, { source: policy(100_000) });
    await end(root.id);
  });

  it('of connections is one for the whole tree', async () => {
    const { id } = await requestGrant(shop.engineer.ctx, { workflow: 'counting' });
    await activateGrant(shop.engineer.ctx, { id });
    const [one, two] = [
      (await mint(id, { task: 'count-orders' })).grant.id,
      (await mint(id, { task: 'sales-report' })).grant.id,
    ];
    const all = await Promise.allSettled(Array.from({ length: 8 }, (_, n) => shop.session(n % 2 === 0 ? one : two)));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    expect(await refusal(shop.session(two))).toBe('rate-limited');
    await end(id);
  });

  it('is never passed by children that are made and spend at the same time', async () => {
    const people: TestPerson[] = [shop.engineer, shop.otherEngineer];
    for (let n = 0; n < 4; n++) people.push(await shop.person(`worker-${n}`, [], ['analysts']));
    // Fewer than there are children: some get none.
    const limit = Math.floor(CHILDREN * 0.7);
    const all = await shop.activeGrant('count-orders');
    const root = (await mint(all.id, { narrow: { limits: { statements: limit } } })).grant;
    const planes = ['gate-a', 'gate-b'].map((gatewayName) => ({
      gatewayName,
      plane: createControlPlane(shop.services, { gatewayName }),
    }));
    const room = createRoom(20);
    let minted = 0;
    let spent = 0;
    const work = async (n: number): Promise<void> => {
      await room.enter();
      try {
        const person = people[n % people.length]!;
        const { grant }: MintView = await again(() => mint(root.id, { identityId: person.id }));
        minted += 1;
        const { gatewayName, plane } = planes[n % 2]!;
        const line = (used: number, want: number) =>
          [{ dimension: 'statements', limit, used, want, release: false }] as const;
        const of = { grantId: grant.id, holder: `h-${n}`, gateway: gatewayName };
        const [given] = await again(() => plane.reserveBudget({ ...of, lines: line(0, 1), close: false }));
        // One statement where there is one left, as a gateway does it: reserved first, then used.
        const used = Math.min(1, given!.granted);
        spent += used;
        await again(() => plane.reserveBudget({ ...of, lines: line(used, 0), close: true }));
        await again(() => end(grant.id));
      } finally {
        room.leave();
      }
    };
    await Promise.all(Array.from({ length: CHILDREN }, (_, n) => work(n)));
    expect(minted).toBe(CHILDREN);
    expect(spent).toBe(limit);
    expect(await stored(root.id, 'statements')).toEqual({ spent: limit, reserved: 0, limit });
    await end(all.id);
  }, 1_800_000);

  it('is never passed, whatever grants of a tree reserve, use, give back and lose, in whatever order', async () => {
    const step = fc.record({
      node: fc.nat(4),
      holder: fc.constantFrom('a', 'b'),
      want: fc.nat(12),
      use: fc.nat(20),
      close: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
        const root = (await shop.activeGrant('count-orders')).id;
        const narrow = (rows: number) => ({ narrow: { limits: { rows } } });
        const child = (await mint(root, narrow(30))).grant.id;
        const sibling = (await mint(root, narrow(25))).grant.id;
        const below = (await mint(child, narrow(20))).grant.id;
        const beside = (await mint(child)).grant.id;
        const nodes = [root, child, sibling, below, beside];
        const limits = [40, 30, 25, 20, 30];
        // A policy makes the root's as small, so that all of them are reached.
        const holders = new Map<string, { granted: number; used: number }>();
        await Promise.all(
          ['a', 'b'].map(async (side) => {
            // What one holder says comes in its order; the two race.
            for (const one of steps.filter((each) => each.holder === side)) {
              const key = `${side} ${one.node}`;
              const held = holders.get(key) ?? { granted: 0, used: 0 };
              const used = Math.min(held.granted, held.used + one.use);
              const granted = await report(nodes[one.node]!, {
                limit: limits[one.node]!,
                used,
                want: one.close ? 0 : one.want,
                close: one.close,
                holder: key,
              });
              holders.set(key, one.close ? { granted: 0, used: 0 } : { granted, used });
            }
          }),
        );
        for (const [index, id] of nodes.entries()) {
          const row = await stored(id);
          if (row === undefined) continue;
          expect(row.spent + row.reserved).toBeLessThanOrEqual(index === 0 ? 2000 : limits[index]!);
          expect(row.reserved).toBeGreaterThanOrEqual(0);
          const slices = await shop.database.query<{ open: number }>(
            `select coalesce(sum(granted - spent), 0)::int as open from budget_slices where "grantId" = $1 and dimension = 'rows'`,
            [id],
          );
          expect(row.reserved).toBe(slices[0]!.open);
        }
        // Each is the sum of its own and of what is right below it.
        const { nodes: shown } = await loadTree(shop.engineer.ctx, { id: root });
        for (const { budget } of shown)
          for (const { own, subtree } of budget) {
            expect(own).toBeGreaterThanOrEqual(0);
            expect(own).toBeLessThanOrEqual(subtree);
          }
        await end(root);
      }),
      { numRuns: Number(process.env.TREE_RUNS ?? 3), seed: 4 },
    );
  }, 900_000);
});

/** At most so many at once. */
function createRoom(size: number): { enter(): Promise<void>; leave(): void } {
  let inside = 0;
  const waiting: (() => void)[] = [];
  return {
    async enter() {
      if (inside >= size) await new Promise<void>((resolve) => waiting.push(resolve));
      inside += 1;
    },
    leave() {
      inside -= 1;
      waiting.shift()?.();
    },
  };
}

/** As a client does, whose call met another: what was refused for the moment is asked again. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++)
    try {
      return await work();
    } catch (error) {
      const { code } = error as { code?: string };
      if (tries > 50 || !['conflict', 'store-unavailable', 'rate-limited'].includes(code ?? '')) throw error;
    }
}
