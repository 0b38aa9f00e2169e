import { psqlPath, runCommand } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectThrough, psqlThrough } from '../testing/door-clients.ts';
import type { MemoryGrant } from '../testing/memory-control-plane.ts';
import { openTestDoor, type TestDoor } from '../testing/open-test-door.ts';

let door: TestDoor;
beforeAll(async () => {
  door = await openTestDoor();
});
afterAll(async () => {
  await door.close();
});

const psql = (grant: MemoryGrant, ...commands: string[]) => psqlThrough(door, grant, ...commands);
const connect = (grant: MemoryGrant) => connectThrough(door, grant);

describe('an unchanged psql through the door', () => {
  it('gets allowed rows with the e-mail masked', async () => {
    const result = await psql(
      door.grant('sales-report'),
      'select id, name, email from public.customers order by id limit 1',
    );
    expect(result.stderr).toBe('');
    expect(result.stdout.trim()).toBe('1|Customer 1|c***@example.com');
  });

  it('is refused a column that the task does not allow, with rule, allowed columns and link', async () => {
    const result = await psql(door.grant('sales-report'), 'select ssn from public.customers');
    expect(result.stderr).toMatch(/42501/);
    expect(result.stderr).toMatch(/ssn/);
    expect(result.stderr).toMatch(/sales-report/);
    expect(result.stderr).toMatch(/http:\/\/127.0.0.1:3000\/explain\/dec_/);
    expect(result.stdout).toBe('');
  });

  it('describes tables with its backslash commands', async () => {
    const result = await psql(door.grant('sales-report'), '\\d', '\\dt', '\\l', '\\dn', '\\d public.customers');
    expect(result.stderr).toBe('');
    expect(result.stdout).toMatch(/customers/);
  });

  it('copies out masked, and cannot copy in without an insert rule', async () => {
    const out = await psql(
      door.grant('sales-report'),
      'copy (select id, email from public.customers where id = 2) to stdout',
    );
    expect(out.stdout.trim()).toBe('2\tc***@example.com');
    const header = await psql(
      door.grant('sales-report'),
      'copy (select id, email from public.customers where id = 2) to stdout (format csv, header)',
    );
    expect(header.stdout.trim().split('\n')).toEqual(['id,email', '2,"c***@example.com"']);
    const into = await runCommand(
      psqlPath(),
      [
        '-X',
        '-c',
        'copy public.orders from stdin',
        `host=127.0.0.1 port=${door.port} user=sales-report dbname=${door.database.name} sslmode=disable`,
      ],
      { env: { PGPASSWORD: door.grant('sales-report').token }, input: '9\t1\topen\t1\t2020-01-01\n' },
    );
    expect(into.stderr).toMatch(/does not allow `insert` on `public.orders`/);
  });
});

describe('a driver of the extended protocol', () => {
  it('gets parameterized and prepared rows masked', async () => {
    const client = await connect(door.grant('sales-report'));
    const first = await client.query('select email from public.customers where id = $1', [3]);
    expect(first.rows).toEqual([{ email: 'c***@example.com' }]);
    for (const id of [4, 5]) {
      const named = await client.query({
        name: 'by-id',
        text: 'select id, email from public.customers where id = $1',
        values: [id],
      });
      expect(named.rows).toEqual([{ id, email: 'c***@example.com' }]);
    }
    await client.end();
  });

  it('gets columns that only the target knows, by every way, where nothing of the tables can be among them', async () => {
    const made = 'unnest((select z.c from (select array[1, 2] as a) z(c))) f1(c2)';
    const client = await connect(door.grant('sales-report'));
    expect((await client.query({ text: `select * from ${made}`, values: [] })).rows).toEqual([{ c2: 1 }, { c2: 2 }]);
    await client.end();
    const texts = [`select * from ${made}`, `copy (select * from ${made}) to stdout (format csv)`];
    expect(await psqlThrough(door, door.grant('sales-report'), ...texts)).toMatchObject({ stdout: '1\n2\n1\n2\n' });
    for (const beside of [
      `select * from ${made}, public.customers`,
      `select f1.*, c.email from ${made}, public.customers c`,
    ]) {
      const { stderr } = await psqlThrough(door, door.grant('sales-report'), beside);
      expect(stderr).toMatch(/42501.*name the columns/);
    }
  });

  it('is refused and can go on', async () => {
    const client = await connect(door.grant('sales-report'));
    await expect(client.query('select ssn from public.customers where id = $1', [3])).rejects.toMatchObject({
      code: '42501',
    });
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await client.end();
  });
});

describe('a transaction', () => {
  it('commits nothing when a statement between two writes is refused', async () => {
    const client = await connect(door.grant('shop-admin'));
    await client.query('begin');
    await client.query("update public.orders set status = 'lost' where id = 1");
    await expect(client.query('drop table public.payments')).rejects.toMatchObject({ code: '42501' });
    await expect(client.query("update public.orders set status = 'lost' where id = 2")).rejects.toMatchObject({
      code: '25P02',
    });
    await client.query('commit');
    const rows = await door.database.query("select count(*)::int as n from public.orders where status = 'lost'");
    expect(rows).toEqual([{ n: 0 }]);
    await client.end();
  });
});

describe('a grant', () => {
  it('that is revoked ends its live connection within a second, and what runs at the target', async () => {
    const grant = door.grant('shop-admin', { policies: [] });
    const client = await connect(grant);
    const running = client
      .query('select count(*) from generate_series(1, 100000000000)')
      .catch((error: Error) => error);
    const ended = new Promise<number>((resolve) => client.once('end', () => resolve(performance.now())));
    await new Promise((resolve) => setImmediate(resolve));
    const from = performance.now();
    door.controlPlane.endGrant(grant, 'revoked');
    expect((await ended) - from).toBeLessThan(1000);
    expect(String(await running)).toMatch(/revoked/);
    await expect(connect(grant)).rejects.toThrow(/ended \(revoked\)/);
  });
});
