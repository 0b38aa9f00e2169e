import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findClientProgram, pgbenchPath, runCommand } from '@taskgate/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { endGrant, type OpenGrant, openGrant } from '../api.ts';
import { targetQuery } from '../target.ts';
import {
  bind,
  cellsOf,
  closePortal,
  describePortal,
  describeStatement,
  errorFields,
  execute,
  flush,
  parse,
  query,
  sync,
  WireClient,
  type WireMessage,
} from '../wire-client.ts';

let sales: OpenGrant;
let admin: OpenGrant;
beforeAll(async () => {
  [sales, admin] = await Promise.all([openGrant('sales-report'), openGrant('shop-admin')]);
});
afterAll(async () => {
  await Promise.all([sales, admin].map(({ id }) => endGrant(id)));
});

async function withPg<T>(grant: OpenGrant, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const { host, port, user, database } = grant.connect;
  const client = new pg.Client({ host, port, user, database, password: grant.token });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

async function withWire<T>(grant: OpenGrant, use: (client: WireClient) => Promise<T>): Promise<T> {
  const { port, user, database } = grant.connect;
  const client = await WireClient.connect({ port, user, database, token: grant.token });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

const tags = (messages: readonly WireMessage[]): string => messages.map(({ tag }) => tag).join('');
const errorOf = (messages: readonly WireMessage[]) => {
  const error = messages.find(({ tag }) => tag === 'E');
  return error ? errorFields(error) : null;
};
const transactionOf = (messages: readonly WireMessage[]): string | undefined => messages.at(-1)?.body.toString();

describe('node-postgres', () => {
  test('simple, parameterized and named prepared statements answer, masked alike', async () => {
    const [raw] = await targetQuery<{ email: string }>('select email from public.customers where id = 5');
    await withPg(sales, async (client) => {
      const simple = await client.query('select id, email from customers where id = 5');
      const parameterized = await client.query('select id, email from customers where id = $1', [5]);
      const named = { name: 'one', text: 'select id, email from customers where id = $1', values: [5] };
      const first = await client.query(named);
      const again = await client.query(named);
      for (const { rows } of [simple, parameterized, first, again]) {
        expect(rows).toEqual(simple.rows);
        expect(rows[0].email).not.toBe(raw!.email);
        expect(rows[0].email).toContain('*');
      }
    });
  });

  test('types, arrays, NULL and text of any language pass as they are', async () => {
    await withPg(sales, async (client) => {
      const { rows } = await client.query(
        "select 1::int8 as big, 1.50::numeric as exact, true as yes, null as nothing, array[1,2,null] as list, 'žluťoučký 🐎' as words, '2026-01-02 03:04:05+00'::timestamptz as at, '{\"a\": [1]}'::jsonb as json",
      );
      expect(rows[0]).toEqual({
        big: '1',
        exact: '1.50',
        yes: true,
        nothing: null,
        list: [1, 2, null],
        words: 'žluťoučký 🐎',
        at: new Date('2026-01-02T03:04:05Z'),
        json: { a: [1] },
      });
    });
  });

  test('a refusal is an error with its code, and the client goes on', async () => {
    await withPg(sales, async (client) => {
      await expect(client.query('select ssn from customers where id = $1', [1])).rejects.toMatchObject({
        code: '42501',
        severity: 'ERROR',
        hint: expect.stringContaining('select id, name, email, country from public.customers'),
      });
      expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    });
  });

  test('a result of 5,000 rows arrives whole and in order', async () => {
    const direct = await targetQuery<{ id: number }>('select id from public.orders order by id');
    const { rows } = await withPg(sales, (client) => client.query('select id from orders order by id'));
    expect(rows).toEqual(direct);
  });
});

describe('the extended protocol, message by message', () => {
  test('Parse, Describe and Flush answer before Sync; Bind, Execute and Sync follow, with binary results', async () => {
    await withWire(sales, async (client) => {
      client.send(
        parse('st', 'select id, total_cents from orders where id = $1::int'),
        describeStatement('st'),
        flush(),
      );
      expect(tags(await client.readUntil('T'))).toBe('1tT');
      const messages = await client.ask(bind('po', 'st', ['9'], 1), describePortal('po'), execute('po'), sync());
      expect(tags(messages)).toBe('2TDCZ');
      expect(cellsOf(messages[2]!)[0]?.readInt32BE(0)).toBe(9);
    });
  });

  test('a masked column in binary is masked', async () => {
    const [raw] = await targetQuery<{ email: string }>('select email from public.customers where id = 5');
    await withWire(sales, async (client) => {
      const messages = await client.ask(
        parse('', 'select email from customers where id = 5'),
        bind('', '', [], 1),
        execute(''),
        sync(),
      );
      const [email] = cellsOf(messages.find(({ tag }) => tag === 'D')!);
      expect(email?.toString()).toContain('*');
      expect(email?.toString()).not.toBe(raw!.email);
    });
  });

  test('a portal gives its rows in parts', async () => {
    await withWire(sales, async (client) => {
      const first = await client.ask(query('begin'));
      expect(transactionOf(first)).toBe('T');
      client.send(
        parse('', 'select id from orders order by id limit 5'),
        bind('cur', '', []),
        execute('cur', 2),
        execute('cur', 2),
        execute('cur', 2),
        closePortal('cur'),
        sync(),
      );
      const messages = await client.readUntil('Z');
      expect(tags(messages)).toBe('12DDsDDsDC3Z');
      await client.ask(query('rollback'));
    });
  });

  test('pipelined statements each answer; what follows a refused one is skipped up to Sync, and nothing was written', async () => {
    const before = await targetQuery('select id, status from public.orders where id in (31, 32)');
    await withWire(admin, async (client) => {
      const messages = await client.ask(
        parse('', "update orders set status = 'refunded' where id = 31"),
        bind('', ''),
        execute(''),
        parse('', 'drop table payments'),
        bind('', ''),
        execute(''),
        parse('', "update orders set status = 'refunded' where id = 32"),
        bind('', ''),
        execute(''),
        sync(),
      );
      expect(errorOf(messages)).toMatchObject({ C: '42501' });
      expect(transactionOf(messages)).toBe('I');
      expect(tags(messages).endsWith('EZ')).toBe(true);
      const next = await client.ask(query('select 1'));
      expect(errorOf(next)).toBeNull();
    });
    expect(await targetQuery('select id, status from public.orders where id in (31, 32)')).toEqual(before);
  });

  test('a refused statement in an open transaction leaves it failed, and COMMIT rolls back', async () => {
    const before = await targetQuery('select id, status from public.orders where id = 33');
    await withWire(admin, async (client) => {
      await client.ask(query('begin'));
      const wrote = await client.ask(
        parse('', "update orders set status = 'refunded' where id = 33"),
        bind('', ''),
        execute(''),
        sync(),
      );
      expect(transactionOf(wrote)).toBe('T');
      const refused = await client.ask(parse('', 'drop table payments'), bind('', ''), execute(''), sync());
      expect(errorOf(refused)).toMatchObject({ C: '42501' });
      expect(transactionOf(refused)).toBe('E');
      const commit = await client.ask(query('commit'));
      expect(commit.find(({ tag }) => tag === 'C')?.body.toString()).toBe('ROLLBACK\0');
      expect(transactionOf(commit)).toBe('I');
    });
    expect(await targetQuery('select id, status from public.orders where id = 33')).toEqual(before);
  });

  test('a statement that was prepared while allowed cannot be executed with another text under its name', async () => {
    await withWire(sales, async (client) => {
      await client.ask(parse('p1', 'select 1'), sync());
      const again = await client.ask(parse('p1', 'select ssn from customers'), sync());
      expect(errorOf(again)?.C).toMatch(/^(42501|42P05)$/);
      const result = await client.ask(bind('', 'p1'), execute(''), sync());
      expect(cellsOf(result.find(({ tag }) => tag === 'D')!)[0]?.toString()).toBe('1');
    });
  });

  test('PREPARE and EXECUTE in SQL are decided by what they run', async () => {
    await withPg(sales, async (client) => {
      await client.query('prepare good as select email from customers where id = 5');
      expect((await client.query('execute good')).rows[0].email).toContain('*');
      await expect(client.query('prepare bad as select ssn from customers')).rejects.toMatchObject({ code: '42501' });
      await expect(client.query('execute bad')).rejects.toThrow();
    });
  });

  test('a cursor of SQL is masked too', async () => {
    const [raw] = await targetQuery<{ email: string }>('select email from public.customers order by id limit 1');
    await withPg(sales, async (client) => {
      await client.query('begin');
      await client.query('declare c cursor for select email from customers order by id');
      const { rows } = await client.query('fetch 3 from c');
      await client.query('rollback');
      expect(rows).toHaveLength(3);
      expect(rows[0].email).toContain('*');
      expect(rows[0].email).not.toBe(raw!.email);
    });
  });
});

describe.skipIf(findClientProgram('pgbench') === null)('pgbench', () => {
  const read = '\\set id random(1, 5000)\nselect status, total_cents from public.orders where id = :id;\n';
  const write =
    '\\set id random(100, 5000)\nbegin;\nselect status from public.orders where id = :id;\nupdate public.orders set total_cents = total_cents where id = :id;\nend;\n';

  async function bench(grant: OpenGrant, name: string, script: string, mode: string) {
    const file = join(inject('system').home, `${name}-${mode}.sql`);
    writeFileSync(file, script);
    const { host, port, user, database } = grant.connect;
    return runCommand(
      pgbenchPath(),
      ['-n', '-M', mode, '-f', file, '-c', '4', '-t', '50', '-h', host, '-p', String(port), '-U', user, database],
      { env: { PGPASSWORD: grant.token }, timeoutMs: 60_000 },
    );
  }

  test.each(['simple', 'extended', 'prepared'])('%s: every transaction of four clients is processed', async (mode) => {
    const reads = await bench(sales, 'read', read, mode);
    expect(reads.stderr).not.toContain('error');
    expect(reads.stdout).toContain('number of transactions actually processed: 200/200');
    const writes = await bench(admin, 'write', write, mode);
    expect(writes.stderr).not.toContain('error');
    expect(writes.stdout).toContain('number of transactions actually processed: 200/200');
  });
});
