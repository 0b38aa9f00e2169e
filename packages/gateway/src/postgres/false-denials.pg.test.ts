import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDoor, type TestDoor } from '../testing/open-test-door.ts';
import type { DecidedStatement, DecisionContext } from './decision-context.ts';

const folder = path.join(import.meta.dirname, '../../../sql/src/fixtures/benign');
const POLICY = readFileSync(
  path.join(import.meta.dirname, '../../../policy/src/fixtures/customer-data.policy.yaml'),
  'utf8',
);
const task = (rules: string): string => `kind: Task
name: shop-admin
purpose: Reads and reports
resource: demo-shop
who: { groups: [analysts] }
${rules}
mask:
  - columns: public.customers.email
    as: email
  - kinds: [card-number, ssn, secret]
`;
const READER = task("allow:\n  - select: '*'");
const BENCH = task('allow:\n  - statements: [select, insert, update, truncate, maintenance]\n    on: public.pgbench_*');

let door: TestDoor;
/** The demo's own task for what reads the catalog alone, a reader of all tables for the rest; with the demo's policy. */
let contexts: { readonly report: DecisionContext; readonly reader: DecisionContext; readonly bench: DecisionContext };
beforeAll(async () => {
  door = await openTestDoor();
  await door.database.query(readFileSync(path.join(folder, 'schema.sql'), 'utf8'));
  const contextOf = (name: 'sales-report' | 'shop-admin', source?: string): Promise<DecisionContext> =>
    door.ports.contexts.load(
      door.grant(name, { policies: [POLICY], ...(source === undefined ? {} : { source }) }).grant,
      { refresh: true },
    );
  contexts = {
    report: await contextOf('sales-report'),
    reader: await contextOf('shop-admin', READER),
    bench: await contextOf('shop-admin', BENCH),
  };
});
afterAll(async () => {
  await door.close();
});

const readBlocks = (file: string): readonly string[] =>
  readFileSync(path.join(folder, file), 'utf8')
    .split(/^--- .*\n/m)
    .slice(1)
    .map((block) => block.trim());

async function decide(file: string, text: string): Promise<readonly DecidedStatement[]> {
  if (file === 'pgbench.sql') return contexts.bench.decideText(text);
  const first = await contexts.report.decideText(text);
  const reachesUsers = first.some(({ operation }) => operation.accesses.some(({ system }) => !system));
  return reachesUsers ? contexts.reader.decideText(text) : first;
}

/** What is refused on purpose: beginnings of statements; docs/postgres-compatibility.md says why, by these numbers. */
const REFUSED_ON_PURPOSE: readonly (readonly [number: number, file: string, text: RegExp])[] = [
  [1, 'psql', /pg_get_functiondef|"Source code"/],
  [1, 'pgcli', /pg_get_functiondef/],
  [1, 'pgadmin', /prosrc/],
  [1, 'dbeaver', /p\.\*.*FROM pg_catalog\.pg_proc/s],
  [2, 'npgsql', /^SET SESSION AUTHORIZATION DEFAULT/],
  [3, 'analyst', /xmlelement/],
];

describe('of what clients send of themselves', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.sql') && name !== 'schema.sql');
  const seen = { statements: 0, refused: 0 };

  it.each(files)('%s is let through, but for what is refused on purpose', async (file) => {
    const blocks = readBlocks(file);
    expect(blocks.length).toBeGreaterThan(3);
    const unexplained: string[] = [];
    for (const text of blocks) {
      seen.statements += 1;
      const denied = (await decide(file, text)).filter(({ decision }) => decision.outcome === 'deny');
      if (denied.length === 0) continue;
      seen.refused += 1;
      const known = REFUSED_ON_PURPOSE.some(([, of, pattern]) => file === `${of}.sql` && pattern.test(text));
      if (!known) unexplained.push(`${denied[0]!.decision.reasons[0]!.message}: ${text}`);
    }
    expect(unexplained).toEqual([]);
  });

  it('less than one in a hundred is refused', () => {
    expect(seen.statements).toBeGreaterThan(1_000);
    expect(seen.refused / seen.statements).toBeLessThan(0.01);
  });
});
