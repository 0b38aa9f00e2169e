import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectThrough } from '../testing/door-clients.ts';
import { openTestDoor, type TestDoor } from '../testing/open-test-door.ts';

let door: TestDoor;
let admin: Client;
beforeAll(async () => {
  door = await openTestDoor();
  admin = await connectThrough(door, door.grant('shop-admin'));
});
afterAll(async () => {
  await admin.end();
  await door.close();
});

const PINNED = {
  client_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  search_path: '"public", pg_temp',
  row_security: 'on',
  role: 'none',
};

describe('P14 P15 what the gate fixes at the target', () => {
  it('holds against what the role and the database are altered to, and is what RESET ALL and DISCARD ALL come back to', async () => {
    const [{ owner }] = (await door.database.query('select current_user as owner')) as [{ owner: string }];
    const hostile = {
      search_path: 'pg_temp, public',
      row_security: 'off',
      standard_conforming_strings: 'off',
      client_encoding: 'LATIN1',
      role: 'pg_read_all_data',
    };
    for (const [name, value] of Object.entries(hostile)) {
      const quoted = name === 'search_path' ? value : `'${value}'`;
      if (name !== 'role') await door.database.query(`alter database "${door.database.name}" set ${name} = ${quoted}`);
      await door.database.query(`alter role "${owner}" in database "${door.database.name}" set ${name} = ${quoted}`);
    }
    const client = await connectThrough(door, door.grant('sales-report'));
    const seen = async () => {
      const values: Record<string, string> = {};
      for (const name of Object.keys(PINNED)) values[name] = (await client.query(`show ${name}`)).rows[0][name];
      return values;
    };
    expect(await seen()).toEqual(PINNED);
    expect((await client.query('select current_user as me')).rows).toEqual([{ me: owner }]);
    await client.query("set application_name = 'x'");
    await client.query('reset all');
    expect(await seen()).toEqual(PINNED);
    await client.query('discard all');
    expect(await seen()).toEqual(PINNED);
    await client.end();
  });

  it.each([
    'set search_path = pg_temp, public',
    "set schema 'pg_temp'",
    'set local search_path to default',
    'reset search_path',
    "set names 'SJIS'",
    "set client_encoding = 'LATIN1'",
    'reset role',
    'set role none',
    "set session authorization 'x'",
    'reset session authorization',
    'set local row_security = off',
    'set standard_conforming_strings = off',
    'set backslash_quote = on',
    'set transform_null_equals = on',
    "set session_replication_role = 'replica'",
    "set xmloption = 'document'",
    'set search_path from current',
    "set transaction snapshot '00000003-0000001B-1'",
    "select set_config('role', 'x', true)",
    "select pg_catalog.set_config('search_path', 'pg_temp', false)",
    "update pg_settings set setting = 'x' where name = 'search_path'",
    "alter role current_user set search_path = 'x'",
    'alter database postgres set row_security = off',
    "alter system set search_path = 'x'",
    'alter function public.f() set search_path = x',
    "prepare p as select set_config('role', 'x', true)",
  ])('%s is refused to a task that may do everything where columns are masked', async (text) => {
    await expect(admin.query(text)).rejects.toMatchObject({ code: '42501' });
  });
});
