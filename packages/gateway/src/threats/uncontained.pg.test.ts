import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  encodeDescribe,
  encodeExecute,
  encodeFunctionCall,
  encodeQuery,
  encodeSync,
} from '@taskgate/protocol-postgres';
import { waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MemoryGrant } from '../testing/memory-control-plane.ts';
import { openThreatDoor, type ThreatDoor } from '../testing/open-threat-door.ts';
import { bind, parse, RawClient } from '../testing/raw-client.ts';

const POLICY = readFileSync(
  path.join(import.meta.dirname, '../../../policy/src/fixtures/customer-data.policy.yaml'),
  'utf8',
);
const task = (rules: string): string => `kind: Task
name: shop-admin
purpose: Whatever the server takes
resource: demo-shop
who: { groups: [admins] }
${rules}
`;
const EVERYTHING = task("allow:\n  - statements: '*'");

let door: ThreatDoor;
beforeAll(async () => {
  door = await openThreatDoor();
});
afterAll(async () => {
  await door.close();
});

const everything = (): MemoryGrant => door.grant('shop-admin', { source: EVERYTHING, policies: [] });

describe('a task that allows every statement where nothing is taken away', () => {
  it('lets through what the analysis cannot follow, and records it', async () => {
    const client = await RawClient.open(door, everything());
    const texts = [
      'create temp table t (n int)',
      "do $$ begin execute 'insert into t values (7)'; end $$",
      'set search_path = pg_temp',
      'select n from t',
      'begin; declare c cursor for select n from t; fetch c; update t set n = 8 where current of c; commit',
      "set session_replication_role = 'replica'; reset session_replication_role",
      "select set_config('work_mem', '1MB', false)",
    ];
    for (const text of texts) expect((await client.query(text)).errors).toEqual([]);
    expect((await client.query('select n from pg_temp.t')).rows).toEqual([['8']]);
    client.close();
    // What is recorded follows a moment later.
    const block = await waitUntil(async () =>
      (await door.recorded()).find(({ statement, outcome }) => statement === texts[1] && outcome !== 'unknown'),
    );
    expect(block).toMatchObject({ decision: 'allow', outcome: 'done' });
  });

  it('hears the own errors, notices and notifications of the target, whole', async () => {
    const client = await RawClient.open(door, everything());
    expect((await client.query('selekt 1')).errors[0]).toMatchObject({
      code: '42601',
      message: expect.stringMatching(/^syntax error/),
    });
    expect((await client.query('select nothing from nowhere')).errors[0]?.code).toBe('42P01');
    expect((await client.query("insert into public.orders (id, status) values (1, 'x')")).errors[0]?.fields).toMatch(
      /D=Key \(id\)=\(1\)/,
    );
    const noted = await client.query("listen news; notify news, 'a payload'; do $$ begin raise notice 'told'; end $$");
    expect(noted.letters).toMatch(/N/);
    expect(noted.letters).toMatch(/A/);
    client.close();
  });

  it('finds names by either way, also those that the gate has not seen made', async () => {
    const client = await RawClient.open(door, everything());
    await client.query("do $$ begin execute 'prepare hidden as select 41 + 1 as n'; end $$");
    const answer = await client.exchange([
      bind('', 'hidden'),
      encodeDescribe('portal', ''),
      encodeExecute('', 0),
      encodeSync(),
    ]);
    expect(answer.rows).toEqual([['42']]);
    expect((await client.exchange([encodeExecute('never', 0), encodeSync()])).errors[0]?.code).toBe('34000');
    expect((await client.exchange([parse('', ''), bind('', ''), encodeExecute('', 0), encodeSync()])).letters).toBe(
      '12IZ',
    );
    client.close();
  });

  it('copies in the middle of a message, and sends many batches at once', async () => {
    const client = await RawClient.open(door, everything());
    await client.query('create temp table c (n int)');
    await client.until('G', encodeQuery('select 1; copy c from stdin; select count(*) from c'));
    const answer = await client.exchange([
      Uint8Array.from(Buffer.from('d\0\0\0\x065\n', 'latin1')),
      Uint8Array.of(0x63, 0, 0, 0, 4),
    ]);
    expect(answer.rows).toEqual([['1']]);
    const one = [parse('', 'select 1'), bind('', ''), encodeExecute('', 0), encodeSync()];
    expect((await client.exchange(Array.from({ length: 50 }, () => one).flat(), 50)).errors).toEqual([]);
    client.close();
  });

  it('may be started with settings that change what statements mean', async () => {
    const client = await RawClient.open(door, everything(), { options: '-c search_path=pg_catalog', work_mem: '2MB' });
    expect((await client.query("select current_setting('search_path'), current_setting('work_mem')")).rows).toEqual([
      ['pg_catalog', '2MB'],
    ]);
    client.close();
  });

  it('reaches large objects by the function call message, and no other function', async () => {
    const client = await RawClient.open(door, everything());
    const call = (functionOid: number, text: string): Uint8Array =>
      encodeFunctionCall({
        functionOid,
        argumentFormats: [0],
        arguments: [Buffer.from(text)],
        resultFormat: 0,
      });
    expect((await client.exchange([call(957, '-1')])).letters).toBe('VZ');
    const file = await client.exchange([call(3826, 'PG_VERSION')]);
    expect(file.errors[0]?.code).toBe('0A000');
    client.close();
  });

  it('P12 still does not leave the database, where that is seen', async () => {
    const client = await RawClient.open(door, everything());
    for (const text of [
      "copy public.orders to program 'true'",
      "copy public.orders from program 'true'",
      "select pg_read_file('PG_VERSION')",
      "select lo_import('/etc/passwd')",
      "select * from dblink('', 'select 1') as t(n int)",
      "select pg_create_physical_replication_slot('s')",
    ]) {
      const refused = { code: '42501', message: expect.stringMatching(/^taskgate/) };
      expect((await client.query(text)).errors[0]).toMatchObject(refused);
      expect((await client.extended(text)).errors[0]).toMatchObject(refused);
    }
    client.close();
  });

  it('W9 does not speak replication', async () => {
    const client = new RawClient(door.port);
    expect((await client.signIn(door, everything(), { replication: 'database' })).errors[0]?.code).toBe('0A000');
    client.close();
  });

  it('ends when a policy comes to apply to its resource', async () => {
    const grant = everything();
    const client = await RawClient.open(door, grant);
    await client.query('set search_path = pg_temp');
    Object.assign(grant.grant, { policies: [{ name: 'customer-data', revision: 1, source: POLICY }] });
    door.controlPlane.emit({ kind: 'policy-changed' });
    const answer = await client.query('select ssn from public.customers');
    expect(answer.rows).toEqual([]);
    expect(answer.errors[0]?.message).toMatch(/have changed; connect again/);
    await client.exchange([]);
    expect(client.closed).toBe(true);
  });

  it('does not begin where a policy comes to apply while it is being opened', async () => {
    const grant = everything();
    const { leaseCredential } = door.controlPlane;
    door.controlPlane.leaseCredential = async (grantId) => {
      Object.assign(grant.grant, { policies: [{ name: 'customer-data', revision: 1, source: POLICY }] });
      door.controlPlane.emit({ kind: 'policy-changed' });
      return leaseCredential(grantId);
    };
    try {
      const client = await RawClient.open(door, grant);
      const answer = await client.query('select ssn from public.customers');
      expect(answer.rows).toEqual([]);
      expect(answer.errors[0]?.message).toMatch(/have changed; connect again/);
      client.close();
    } finally {
      door.controlPlane.leaseCredential = leaseCredential;
    }
  });
});

describe.each([
  ['a policy', EVERYTHING, [POLICY]],
  ['a deny rule', task("allow:\n  - statements: '*'\ndeny:\n  - truncate: public.payments"), []],
  ['a mask', task("allow:\n  - statements: '*'\nmask:\n  - columns: public.customers.email\n    as: email"), []],
  ['a detector', task("allow:\n  - statements: '*'\nmask:\n  - kinds: [ssn]"), []],
  ['a hold', task("allow:\n  - statements: '*'\nhold:\n  - delete: public.orders\n    approvals: { from: [dba] }"), []],
  [
    'a limit of rows of one rule',
    task("allow:\n  - statements: '*'\n  - update: public.orders\n    affects: { max: 1 }"),
    [],
  ],
  ['no rule for everything', task("allow:\n  - statements: '*'\n    on: public.*\n  - statements: [call, create]"), []],
])('with %s everything is contained', (_what, source, policies) => {
  it('nothing runs that cannot be followed, nor is the session started otherwise', async () => {
    const grant = door.grant('shop-admin', { source, policies });
    const client = await RawClient.open(door, grant);
    for (const text of [
      'do $$ begin end $$',
      'set search_path = pg_temp',
      'create temp table t (n int)',
      'selekt 1',
      "select set_config('search_path', 'pg_temp', false)",
    ])
      expect((await client.query(text)).errors[0]).toMatchObject({
        code: '42501',
        message: expect.stringMatching(/^taskgate/),
      });
    client.close();
    const other = new RawClient(door.port);
    expect((await other.signIn(door, grant, { options: '-c search_path=pg_temp' })).errors[0]?.code).toBe('0A000');
    other.close();
  });
});
