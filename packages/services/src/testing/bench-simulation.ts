// node packages/services/src/testing/bench-simulation.ts [operations] [distinct in percent]
//
// Records operations as the gateway does, simulates a draft over them twice, and prints what each took: the first run
// reads the statements from the recordings, the second finds what they ask for in the store.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parsePolicy } from '@taskgate/policy';
import { simulateDrafts } from '../simulations/simulate-drafts.ts';
import { recordStatements, setShopCatalog } from './record-statements.ts';
import { startTestShop } from './test-shop.ts';

const operations = Number(process.argv[2] ?? 10_000);
const distinct = Number(process.argv[3] ?? 100) / 100;
const PER_SESSION = 50;
const SHAPES = [
  (n: number) => `select id, status, total_cents from orders where id = ${n}`,
  (n: number) => `select o.id, c.country from orders o join customers c on c.id = o.customer_id where o.id < ${n}`,
  (n: number) => `select status, count(*) from orders where total_cents > ${n} group by status order by 2 desc`,
  (n: number) => `with big as (select id from orders where total_cents > ${n}) select count(*) from big`,
  (n: number) => `update orders set status = 'paid' where id = ${n}`,
];

const shop = await startTestShop();
try {
  await setShopCatalog(shop);
  const { id: grantId } = await shop.activeGrant();
  for (let at = 0; at < operations; at += PER_SESSION)
    await recordStatements(shop, {
      grantId,
      statements: Array.from({ length: PER_SESSION }, (_, i) => {
        const n = Math.floor((at + i) * distinct);
        return SHAPES[n % SHAPES.length]!(n);
      }),
    });
  const draft = parsePolicy(
    'kind: Policy\nname: customer-data\npurpose: p\napplies: { all: true }\nmask: [{ columns: public.orders.status, as: hash }]',
  );
  if (!draft.ok) throw new Error('the draft of this measurement is wrong');
  const now = shop.clock.now();
  for (const run of ['statements from recordings', 'statements from the store']) {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const before = process.cpuUsage();
    const result = await simulateDrafts(
      { services: shop.services, actor: shop.admin.actor },
      { drafts: [draft.document], from: new Date(now - 86_400_000), to: new Date(now + 1) },
    );
    delay.disable();
    const { user, system } = process.cpuUsage(before);
    console.log(
      `${run}: ${result.simulated} operations, ${result.distinct} distinct, ${result.tookMs} ms (${Math.round((user + system) / 1000)} ms of processor time); ` +
        `longest hold of the thread ${Math.round(delay.max / 1e6)} ms; changes ${JSON.stringify(result.changes)}`,
    );
  }
} finally {
  await shop.stop();
}
