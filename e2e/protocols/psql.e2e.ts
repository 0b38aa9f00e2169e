import { psqlPath, runCommand, waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { endGrant, type OpenGrant, openGrant } from '../api.ts';
import { describeWithPsql, psql, startPsql } from '../psql.ts';
import { targetQuery } from '../target.ts';

/** Runs far longer than any test: what must be ended ends it. */
const LONG_QUERY = 'select count(*) from generate_series(1, 100000000000)';

let sales: OpenGrant;
let admin: OpenGrant;
beforeAll(async () => {
  [sales, admin] = await Promise.all([openGrant('sales-report'), openGrant('shop-admin')]);
});
afterAll(async () => {
  await Promise.all([sales, admin].map(({ id }) => endGrant(id)));
});

const orders = (where: string) => targetQuery<{ status: string }>(`select status from public.orders where ${where}`);

describeWithPsql('reading under sales-report', () => {
  test('an allowed row comes with its email masked', async () => {
    const [raw] = await targetQuery<{ name: string; email: string }>(
      'select name, email from public.customers where id = 7',
    );
    const result = await psql(sales, { sql: ['select id, name, email from customers where id = 7'] });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const [id, name, email] = result.stdout.trim().split('|');
    expect([id, name]).toEqual(['7', raw!.name]);
    expect(email).not.toBe(raw!.email);
    expect(email).toContain('@');
    expect(email).toContain('*');
  });

  test('a masked value cannot be had by another way: as text, joined, aggregated, sorted by, or compared', async () => {
    const [raw] = await targetQuery<{ email: string }>('select email from public.customers where id = 7');
    for (const statement of [
      "select email || '' from customers where id = 7",
      'select upper(email) from customers where id = 7',
      'select max(email) from customers',
      'select row(email) from customers where id = 7',
      'select c from (select email as c from customers where id = 7) x',
      'with c as (select * from (select id, email from customers) x) select email from c where id = 7',
      "select string_agg(email, ',') from customers",
      'select array_agg(email) from customers',
      'select to_json(x) from (select email from customers where id = 7) x',
      `select id from customers where email = '${raw!.email}'`,
      'select id from customers order by email limit 1',
    ]) {
      const result = await psql(sales, { sql: [statement] });
      expect(result.stdout.toLowerCase(), statement).not.toContain(raw!.email.toLowerCase());
      expect(`${result.code} ${result.stdout.trim()}`, statement).not.toBe('0 7');
    }
  });

  test('a forbidden column is refused with 42501, the rule, and the columns that are allowed', async () => {
    const result = await psql(sales, { sql: ['select id, ssn from customers limit 1'] });
    expect(result.code).toBe(1);
    expect(result.stdout).toBe('');
    expect(result.stderr).toContain('ERROR:  42501: taskgate: column `ssn` of `public.customers` is not allowed');
    expect(result.stderr).toMatch(/DETAIL: {2}task `sales-report` revision \d+, rule allow\.\d, line \d+/);
    expect(result.stderr).toMatch(/HINT: {2}select id, name, email, country from public\.customers; see http:\/\/127/);
  });

  test('`select *` over forbidden columns names the columns that are allowed', async () => {
    const { stderr, code } = await psql(sales, { sql: ['select * from customers limit 1'] });
    expect(code).toBe(1);
    expect(stderr).toContain('42501');
    expect(stderr).toContain('select id, name, email, country from public.customers');
  });

  test('where every column is allowed, `select *` and counts just work', async () => {
    const result = await psql(sales, {
      sql: ['select count(*) from orders', 'select * from orders where id = 1', 'select count(*) from customers'],
    });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout.split('\n')[0]).toBe('5000');
  });

  test('writes are refused and write nothing', async () => {
    const [before] = await orders('id = 11');
    for (const statement of [
      "update orders set status = 'refunded' where id = 11",
      'delete from orders where id = 11',
      "insert into orders (customer_id, status, total_cents, created_at) values (1, 'paid', 1, now())",
      'truncate orders',
      'drop table orders',
      'with gone as (delete from orders where id = 11 returning id) select * from gone',
      'select * from orders where id = 11 for update',
      'create table mine (id int)',
      'create temp table mine as select * from orders',
      "select lo_import('/etc/passwd')",
      "select pg_read_file('/etc/passwd')",
      'select pg_terminate_backend(pg_backend_pid())',
      'select pg_sleep(0)',
      'do $$ begin delete from orders; end $$',
    ]) {
      const result = await psql(sales, { sql: [statement] });
      expect(result.code, statement).toBe(1);
      expect(result.stderr, statement).toContain('42501');
    }
    expect(await orders('id = 11')).toEqual([before]);
  });
});

describeWithPsql('what psql itself asks', () => {
  test('\\d, \\dt, \\l, \\d table, \\dn and \\df answer', async () => {
    const result = await psql(sales, { input: '\\d\n\\dt\n\\l\n\\d customers\n\\d+ orders\n\\dn\n\\di\n\\conninfo\n' });
    expect(result.stderr).toBe('');
    expect(result.stdout).toContain('public|customers|table|');
    expect(result.stdout).toContain('shop|');
    expect(result.stdout).toContain('customer_id|integer');
  });

  test('the queries of tab completion work', async () => {
    for (const statement of [
      "SELECT c.relname, NULL::pg_catalog.text FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'S', 'v', 'm', 'f', 'p') AND (c.relname) LIKE 'cust%' AND pg_catalog.pg_table_is_visible(c.oid) AND c.relnamespace <> (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'pg_catalog') LIMIT 1000",
      "SELECT a.attname FROM pg_catalog.pg_attribute a, pg_catalog.pg_class c WHERE c.oid = a.attrelid AND a.attnum > 0 AND NOT a.attisdropped AND (a.attname) LIKE 'na%' AND (c.relname) = 'customers' AND pg_catalog.pg_table_is_visible(c.oid) LIMIT 1000",
    ]) {
      const result = await psql(sales, { sql: [statement] });
      expect(result, statement).toMatchObject({ code: 0, stderr: '' });
      expect(result.stdout.trim(), statement).not.toBe('');
    }
  });

  test('pg_catalog shows no secrets of the target', async () => {
    for (const relation of [
      'pg_authid',
      'pg_shadow',
      'pg_stat_activity',
      'pg_statistic',
      'pg_stats',
      'pg_user_mapping',
    ]) {
      const result = await psql(sales, { sql: [`select * from pg_catalog.${relation}`] });
      expect(result.stderr, relation).toContain('42501');
    }
  });
});

describeWithPsql('several statements and transactions', () => {
  test('a refused statement between two writes of a transaction commits nothing', async () => {
    const before = await orders('id in (21, 22)');
    const result = await psql(admin, {
      input: [
        'begin;',
        "update orders set status = 'refunded' where id = 21;",
        'alter table orders add column sneaky int;',
        "update orders set status = 'refunded' where id = 22;",
        'commit;',
        'select 1;',
      ].join('\n'),
    });
    expect(result.stderr).toContain('42501');
    expect(result.stderr).toContain('25P02'); // the second write found the transaction aborted
    expect(result.stdout).toContain('ROLLBACK');
    expect(result.stdout.trim().endsWith('1')).toBe(true); // and the session goes on
    expect(await orders('id in (21, 22)')).toEqual(before);
  });

  test('several statements in one message, one of them denied: none runs', async () => {
    const before = await orders('id = 23');
    const result = await psql(admin, {
      sql: ["update orders set status = 'refunded' where id = 23; drop table payments; select 1"],
    });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('42501');
    expect(result.stdout).toBe('');
    expect(await orders('id = 23')).toEqual(before);
  });

  test('a savepoint survives a refusal as Postgres has it', async () => {
    const before = await orders('id = 24');
    const result = await psql(admin, {
      input: [
        'begin;',
        'savepoint one;',
        'drop table payments;',
        'rollback to one;',
        "update orders set status = 'refunded' where id = 24;",
        'rollback;',
      ].join('\n'),
    });
    expect(result.stdout).toContain('UPDATE 1');
    expect(await orders('id = 24')).toEqual(before);
  });
});

describeWithPsql('copy and dump', () => {
  test('COPY TO STDOUT is masked, and of a query too', async () => {
    const raw = await targetQuery<{ email: string }>('select email from public.customers where id <= 20');
    for (const source of ['customers (id, name, email)', '(select id, email from customers where id <= 20)']) {
      const result = await psql(sales, { sql: [`copy ${source} to stdout`] });
      expect(result, source).toMatchObject({ code: 0, stderr: '' });
      expect(result.stdout).toContain('*');
      for (const { email } of raw) expect(result.stdout, source).not.toContain(email);
    }
  });

  test('COPY of a forbidden column, to a file, to a program, and COPY FROM are refused', async () => {
    for (const statement of [
      'copy customers to stdout',
      "copy orders to '/tmp/orders'",
      "copy orders to program 'cat'",
      'copy orders from stdin',
      "copy orders from program 'true'",
    ]) {
      const result = await psql(sales, { sql: [statement] });
      expect(result.stderr, statement).toContain('42501');
    }
  });

  test('pg_dump is refused with a clear reason', async () => {
    const { host, port, user, database } = sales.connect;
    const result = await runCommand(
      psqlPath().replace(/psql$/, 'pg_dump'),
      ['-d', `host=${host} port=${port} user=${user} dbname=${database}`],
      { env: { PGPASSWORD: sales.token } },
    );
    expect(result.code).not.toBe(0);
    expect(result.stderr).toContain('taskgate: ');
    expect(result.stdout).not.toContain('COPY');
  });
});

describeWithPsql('signing in', () => {
  test('a wrong token, an unknown task, and a wrong database are each told apart for who may know', async () => {
    const wrong = await psql(sales, { sql: ['select 1'], token: 'tgg_wrong' });
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('wrong token for task "sales-report"');
    const other = await psql({ ...sales, connect: { ...sales.connect, user: 'no-such-task' } }, { sql: ['select 1'] });
    expect(other.stderr).toContain('wrong token for task "no-such-task"'); // does not tell which tasks there are
    const database = await psql(sales, { sql: ['select 1'], database: 'postgres' });
    expect(database.code).toBe(2);
    expect(database.stderr).toMatch(/opens the database `shop`, not `postgres`/);
  });

  test('a token opens no other task', async () => {
    const result = await psql({ ...sales, connect: { ...sales.connect, user: 'shop-admin' } }, { sql: ['select 1'] });
    expect(result.stderr).toContain('wrong token for task "shop-admin"');
  });

  test('a grant that was ended ends its live connections within a second, and its token is refused as ended', async () => {
    const grant = await openGrant('sales-report');
    const running = startPsql(grant, { sql: [LONG_QUERY] });
    await waitUntil(async () => (await runningOnTarget()).some((query) => query.includes(LONG_QUERY)), 10_000, 'query');
    const endedAt = performance.now();
    await endGrant(grant.id);
    const { code, stderr } = await running.ended;
    const tookMs = performance.now() - endedAt;
    expect(code).toBe(2);
    expect(stderr).toMatch(/grant|ended/);
    expect(tookMs).toBeLessThan(3000); // the promise is a second; a loaded machine gets some room
    await waitUntil(
      async () => !(await runningOnTarget()).some((query) => query.includes(LONG_QUERY)),
      10_000,
      'the end of the query at the target',
    );
    const again = await psql(grant, { sql: ['select 1'] });
    expect(again.stderr).toContain('the grant of this token has ended (completed)');
  });

  test('an expired token is refused as expired, and takes its connection with it', async () => {
    const grant = await openGrant('sales-report', { ttlMs: 10_000 });
    const running = startPsql(grant, { sql: [LONG_QUERY], timeoutMs: 30_000 });
    const { code, stderr } = await running.ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(/expired/);
    const again = await psql(grant, { sql: ['select 1'] });
    expect(again.stderr).toContain('this token has expired with its grant');
  });
});

describeWithPsql('the session', () => {
  test('Ctrl-C cancels the statement, at the target too', async () => {
    // A text of its own: what an earlier test had running may be on its way out still.
    const query = LONG_QUERY.replace('100000000000', '100000000001');
    const running = startPsql(sales, { sql: [query] });
    await waitUntil(
      async () => (await runningOnTarget()).some((text) => text.includes(query)),
      10_000,
      'the query at the target',
    );
    running.child.kill('SIGINT');
    const { stderr, code } = await running.ended;
    expect(stderr).toContain('57014');
    expect(code).toBe(1); // the statement failed, not the connection
    expect((await runningOnTarget()).some((text) => text.includes(query))).toBe(false);
  });

  test('settings that change only the output work, those that change meaning are refused', async () => {
    const fine = await psql(sales, {
      sql: [
        "set client_encoding to 'UTF8'",
        "set datestyle to 'ISO, DMY'",
        "set timezone to 'UTC'",
        "set statement_timeout to '5s'",
        'reset all',
        'discard all',
        "set application_name to 'e2e'",
        'show server_version',
        'select count(*) from orders where id = 1',
      ],
    });
    expect(fine).toMatchObject({ code: 0, stderr: '' });
    for (const statement of [
      'set role postgres',
      'set session authorization postgres',
      'set search_path to pg_catalog, public',
      "select set_config('search_path', 'pg_temp', false)",
      'set standard_conforming_strings to off',
      "set client_encoding to 'SJIS'",
      'set session_replication_role to replica',
      'set row_security to off',
    ]) {
      const result = await psql(sales, { sql: [statement, 'select 7'] });
      expect(result.stderr, statement).toContain('42501');
    }
  });

  test('after DISCARD ALL and RESET ALL the gate still decides and masks', async () => {
    const [raw] = await targetQuery<{ email: string }>('select email from public.customers where id = 7');
    const result = await psql(sales, {
      sql: ['discard all', 'reset all', 'select email from customers where id = 7', 'select ssn from customers'],
    });
    expect(result.stdout).not.toContain(raw!.email);
    expect(result.stderr).toContain('42501');
  });
});

describeWithPsql('TLS', () => {
  test('TLS with channel binding proves the gate', async () => {
    for (const connection of ['sslmode=require', 'sslmode=require channel_binding=require']) {
      const result = await psql(sales, { input: '\\conninfo\nselect 6 * 7;\n', connection });
      expect(result, connection).toMatchObject({ code: 0, stderr: '' });
      expect(result.stdout).toContain('TLSv1.3');
      expect(result.stdout).toContain('42');
    }
  });

  test('channel binding without TLS fails in the client, before it shows its token', async () => {
    const result = await psql(sales, { sql: ['select 1'], connection: 'sslmode=disable channel_binding=require' });
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('channel binding');
  });
});

async function runningOnTarget(): Promise<readonly string[]> {
  const rows = await targetQuery<{ query: string }>(
    "select query from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and datname = 'shop'",
  );
  return rows.map(({ query }) => query);
}

test('the address that was announced is the one that serves', () => {
  expect(sales.connect.port).toBe(inject('system').postgresPort);
});
