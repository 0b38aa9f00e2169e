import { SecretValue } from '@taskgate/core';
import { compilePolicySet, decide, parsePolicy, parseTask } from '@taskgate/policy';
import { createSqlAnalyzer, isAllowedSystemRelation } from '@taskgate/sql';
import { startTestPostgres, type TestPostgres } from '@taskgate/testkit';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readCatalog } from '../catalog/read-catalog.ts';
import { issuePrincipal } from './issue-principal.ts';
import { taskPrivileges } from './task-privileges.ts';

const SCHEMA = `
  create table t (a int primary key, b int, c int);
  create table u (a serial primary key, b int);
  create table p (a int, b int) partition by list (a);
  create table p1 partition of p for values in (1, 2);
  create view v as select a, b from t;
  create view w as select v.a, u.b from v join u on u.a = v.a;
  create function f(int) returns int language sql immutable as 'select $1';
  create function g() returns bigint language sql stable security definer as 'select count(*) from public.t';
  revoke execute on all functions in schema public from public;
  insert into t values (1, 1, 1); insert into u (b) values (1); insert into p values (1, 1);
`;
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  t: ['a', 'b', 'c'],
  u: ['a', 'b'],
  p: ['a', 'b'],
  p1: ['a', 'b'],
  v: ['a', 'b'],
  w: ['a', 'b'],
};

/** Plain statements on each relation, by every column and by pairs of them. */
const STATEMENTS: readonly string[] = Object.entries(COLUMNS).flatMap(([name, columns]) => {
  const reads = [
    `select * from ${name}`,
    `select count(*) from ${name}`,
    ...columns.flatMap((one) => [
      `select ${one} from ${name}`,
      `select count(*) from ${name} where ${one} = 1`,
      `select x.${one} from ${name} x join t on t.a = x.${one}`,
    ]),
  ];
  if (name === 'w') return reads;
  return [
    ...reads,
    ...columns.map((one) => `update ${name} set ${one} = 2`),
    ...columns.map((one) => `update ${name} set b = 2 where ${one} = 1 returning ${one}`),
    `insert into ${name} (${columns.join(', ')}) values (${columns.map(() => '2').join(', ')})`,
    `insert into ${name} (b) select b from t`,
    `delete from ${name}`,
    `delete from ${name} where b = 1`,
    ...(name === 'v' ? [] : [`truncate ${name}`, `select a from ${name} for update`]),
    `merge into ${name} x using u on x.a = u.a when matched then update set b = u.b when not matched then insert (a) values (1)`,
  ];
});
const OTHERS = ['select f(1)', 'select g()', 'insert into u (b) values (1)', 'select f(a) from t'];

const relation = fc.constantFrom(...Object.keys(COLUMNS));
const rule = fc
  .record({
    verb: fc.constantFrom('select', 'select', 'select', 'insert', 'update', 'delete', 'truncate'),
    relation,
    columns: fc.option(fc.subarray(['a', 'b', 'c'], { minLength: 1 })),
  })
  .map(({ verb, relation: name, columns }) => {
    const withColumns = columns !== null && ['select', 'insert', 'update'].includes(verb);
    return `  - ${verb}: public.${name}\n${withColumns ? `    columns: [${columns.join(', ')}]\n` : ''}`;
  });
const extra = fc.subarray(['  - functions: public.f\n', '  - functions: public.g\n', "  - select: '*'\n"]);
const documents = fc.record({
  allow: fc.array(rule, { minLength: 1, maxLength: 8 }),
  extra,
  deny: fc.array(rule, { maxLength: 2 }),
});

let server: TestPostgres;
let client: pg.Client;
let superuser: pg.Client;

beforeAll(async () => {
  server = await startTestPostgres({ own: true });
  const database = await server.createDatabase('walls');
  await database.query(`create role gate login createrole password 'x'; alter schema public owner to gate;
    alter database walls owner to gate; set role gate; ${SCHEMA}`);
  superuser = await database.connect();
  client = new pg.Client({ host: server.host, port: server.port, database: 'walls', user: 'gate', password: 'x' });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await server.stop();
});

it('what the first wall allows, the role may do; what its rules do not open, the server refuses', async () => {
  const catalog = await readCatalog(client);
  const analyzer = await createSqlAnalyzer(Math.floor(catalog.serverVersion / 10_000));
  const operations = new Map([...STATEMENTS, ...OTHERS].map((sql) => [sql, analyzer.analyze(sql, catalog)[0]!]));
  let revision = 0;
  let allowed = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(documents, async (given) => {
      revision++;
      const task = parseTask(
        `kind: Task\nname: t\npurpose: p\nresource: r\nwho: { groups: [g] }\nallow:\n${given.allow.join('')}${given.extra.join('')}`,
      );
      const policy = parsePolicy(
        `kind: Policy\nname: p\npurpose: p\napplies: { all: true }\n${given.deny.length > 0 ? `deny:\n${given.deny.join('')}` : 'limits: { rows: 1 }\n'}`,
      );
      if (!task.ok || !policy.ok) throw new Error('a document that does not parse');
      const resource = { name: 'r', labels: {} };
      const policies = [{ name: 'p', revision: 1, source: '', document: policy.document }];
      const set = compilePolicySet({
        task: { name: 't', revision, document: task.document },
        policies,
        resource,
        catalog,
        isAllowedSystemRelation,
      });
      const named = { name: 't', revision };
      const issued = await issuePrincipal(
        client,
        {
          mark: 'taskgate test res_1',
          grantId: `grt_${revision}`,
          roleName: `tg_${revision}`,
          task: named,
          privileges: await taskPrivileges(named, { document: task.document, policies }, resource, catalog),
          password: new SecretValue('x'),
          validUntil: new Date(Date.now() + 60_000),
          connections: 1,
        },
        (length) => new Uint8Array(length),
      );
      expect(issued.kind).toBe('made');
      const wrong: string[] = [];
      for (const [sql, operation] of operations) {
        const { outcome, reasons } = decide(operation, set);
        const state = await runAs(`tg_${revision}`, sql);
        if (outcome === 'allow') {
          allowed++;
          if (state === '42501') wrong.push(`allowed, and refused by the server: ${sql}`);
        } else if (reasons.every(({ code }) => code === 'not-allowed' || code === 'column-not-allowed')) {
          // Who may update may lock: Postgres has no privilege for it alone.
          if (sql.endsWith('for update')) continue;
          refused++;
          if (state === 'done') wrong.push(`not allowed, and ${state} at the server: ${sql}`);
        }
      }
      expect(wrong).toEqual([]);
    }),
    { numRuns: 8, seed: 20_261_126, endOnFailure: true },
  );
  expect(allowed).toBeGreaterThan(40);
  expect(refused).toBeGreaterThan(200);
}, 120_000);

/** The SQLSTATE, or `done`; nothing of it stays. */
async function runAs(role: string, sql: string): Promise<string> {
  try {
    await superuser.query(`begin; set local role "${role}"; ${sql}; rollback`);
    return 'done';
  } catch (error) {
    await superuser.query('rollback');
    return String((error as { code?: string }).code);
  }
}
