import { startTestPostgres, type TestDatabase, type TestPostgres } from '@taskgate/testkit';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { applyDocuments } from '../documents/apply-documents.ts';
import { createControlPlane } from '../gateway/control-plane.ts';
import { endGrant } from '../grants/end-grant.ts';
import { expireGrants } from '../grants/expire-grants.ts';
import { updateUser } from '../people/update-user.ts';
import { loadResource } from '../resources/load-resources.ts';
import { refreshCatalog } from '../resources/refresh-catalog.ts';
import { testResource } from '../resources/test-resource.ts';
import { updateResource } from '../resources/update-resource.ts';
import { refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { loadInstallationId } from './installation-id.ts';
import { markOf } from './principal-names.ts';
import { settlePrincipals } from './settle-principals.ts';

const SECRET = 'canary-target-secret';
const SCHEMA = `
  create table customers (id int primary key, name text, email text, ssn text, country text);
  create table orders (id int primary key, customer_id int, status text, total_cents int);
  create table payments (id serial primary key, card_number text);
  create table notes (id serial primary key, body text);
  insert into customers values (1, 'Ada', 'ada@example.org', '078-05-1120', 'GB');
  insert into orders values (1, 1, 'paid', 100), (2, 1, 'paid', 200);
  insert into payments values (default, '4111111111111111');
  create view contacts as select id, email from customers;
  create view secrets as select id, ssn from customers;
  create function order_total(int) returns int language sql stable as 'select total_cents from orders where id = $1';
  create function hidden() returns int language sql stable as 'select 1';
  revoke execute on all functions in schema public from public;
`;
const CUSTOMERS = `  - select: public.customers
    columns: [id, name, country, email]
`;
const TASKS = (resource: string) => `kind: Task
name: sales-report
purpose: Figures
resource: ${resource}
who: { groups: [analysts] }
access: { ttl: 1h }
allow:
  - select: public.orders
${CUSTOMERS}  - functions: public.order_total
mask:
  - columns: public.customers.email
    as: email
limits: { connections: 40 }
---
kind: Task
name: fix-order-status
purpose: Correct the status of one order
resource: ${resource}
who: { groups: [analysts] }
access: { ttl: 1h }
allow:
  - select: public.orders
  - statements: [insert]
    on: public.notes
hold:
  - update: public.orders
    columns: [status]
    affects: { max: 1 }
    approvals: { from: [dba], count: 1 }
---
kind: Task
name: any-thing
purpose: What no narrower task covers
resource: ${resource}
who: { groups: [analysts] }
access: { ttl: 1h }
allow:
  - statements: '*'
`;

let test: TestShop;
let server: TestPostgres;
let shop: TestDatabase;
const clients: pg.Client[] = [];

beforeAll(async () => {
  test = await startTestShop();
  test.clock.advance(Date.now() - test.clock.now());
  server = await startTestPostgres({ own: true });
  shop = await server.createDatabase('shop');
  await shop.query(`create role gate login createrole password '${SECRET}';
    alter database shop owner to gate; alter schema public owner to gate; set role gate; ${SCHEMA}`);
  await applyDocuments(test.setup, {
    source: `kind: Resource
name: orders-db
type: postgres
host: 127.0.0.1
port: ${server.port}
database: shop
username: gate
tls: { mode: disable }
secret: env:X
---
${TASKS('orders-db').replaceAll(/^name: /gm, 'name: o-')}`,
    secrets: { 'orders-db': SECRET },
  });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.end().catch(() => {});
});
afterAll(async () => {
  await server.stop();
  await test.stop();
});

const lease = (grantId: string) => test.controlPlane.leaseCredential(grantId);

async function signIn(credential: Awaited<ReturnType<typeof lease>>): Promise<pg.Client> {
  const client = credential.secret.reveal(
    (password) =>
      new pg.Client({
        host: credential.host,
        port: credential.port,
        database: credential.database,
        user: credential.username,
        password,
      }),
  );
  client.on('error', () => {});
  await client.connect();
  clients.push(client);
  return client;
}

async function open(task: string) {
  const grant = await test.activeGrant(task);
  const credential = await lease(grant.id);
  return { grant, credential, client: await signIn(credential) };
}

const stateOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'it worked',
    (error: unknown) => String((error as { code?: string }).code),
  );
const roles = async (): Promise<string[]> =>
  (await shop.query<{ name: string }>("select rolname as name from pg_roles where rolname like 'tg%' order by 1")).map(
    (row) => row.name,
  );
const end = (id: string) => endGrant(test.engineer.ctx, { id });
const settle = (options = {}) => settlePrincipals(test.timer, options);
const principal = (grantId: string) => test.services.db.principal.findUniqueOrThrow({ where: { grantId } });

describe('a principal', () => {
  it('is the grant’s own role, named after it, and can do nothing but sign in until the grant’s end', async () => {
    const { grant, credential, client } = await open('o-sales-report');
    expect(credential.username).toBe(`tg_o-sales-report_${grant.id.slice(-12)}`);
    const { rows } = await client.query('select current_user as me, session_user as session');
    expect(rows).toEqual([{ me: credential.username, session: credential.username }]);
    const [role] = await shop.query(`select * from pg_roles where rolname = '${credential.username}'`);
    expect(role).toMatchObject({
      rolsuper: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolreplication: false,
      rolbypassrls: false,
      rolconnlimit: 43,
    });
    const { expiresAt } = await test.services.db.grant.findUniqueOrThrow({ where: { id: grant.id } });
    expect(role?.rolvaliduntil).toEqual(expiresAt);
    const [{ rolpassword }] = (await shop.query(
      `select rolpassword from pg_authid where rolname = '${credential.username}'`,
    )) as [{ rolpassword: string }];
    expect(rolpassword).toMatch(/^SCRAM-SHA-256\$4096:/);
    expect(await test.audit(grant.id)).toContainEqual(
      expect.objectContaining({
        action: 'principal.make',
        after: expect.objectContaining({ role: credential.username }),
      }),
    );
  });

  it('does what its task allows and the server itself refuses the rest (P7, P9, P10, P12, P14, P15, P18, P20)', async () => {
    const { client } = await open('o-sales-report');
    const refusals = [
      'select ssn from customers',
      'select * from customers',
      'select c from customers c',
      'select card_number from payments',
      'select ssn from secrets',
      'select hidden()',
      'insert into orders values (9)',
      "update orders set status = 'x'",
      'delete from orders',
      'truncate orders',
      'select id from orders for update',
      'drop table orders',
      'alter table orders add x int',
      'create table public.mine (x int)',
      'comment on table orders is $$x$$',
      'set role gate',
      'set session authorization gate',
      "select pg_read_file('/etc/passwd')",
      "select pg_ls_dir('.')",
      "copy (select 1) to program 'true'",
      "copy orders from '/etc/passwd'",
      'create extension dblink',
      "alter system set log_statement = 'none'",
      'create role x',
      'alter role gate password $$x$$',
      'select rolpassword from pg_authid',
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'gate'",
    ];
    const worked: string[] = [];
    for (const sql of refusals) {
      const state = await stateOf(client.query(sql));
      if (state !== '42501') worked.push(`${sql}: ${state}`);
    }
    // It sees no backend of `gate`'s, so it ends none.
    expect(worked.filter((sql) => !sql.includes('pg_terminate_backend'))).toEqual([]);
    const { rows } = await client.query(
      "select attname from pg_stats where tablename = 'customers' and attname = 'ssn'",
    );
    expect(rows).toEqual([]);
    for (const sql of [
      'select * from orders',
      'select count(*) from customers',
      'select id, name, country, email from customers where id = 1',
      'select order_total(1)',
      'select email from contacts',
      'copy (select id, email from customers) to stdout',
    ])
      if (!sql.startsWith('copy')) expect(`${sql}: ${await stateOf(client.query(sql))}`).toBe(`${sql}: it worked`);
  });

  it('writes what the task writes, with the sequences that its inserts draw from', async () => {
    const { client } = await open('o-fix-order-status');
    expect(await stateOf(client.query("update orders set status = 'shipped' where id = 1"))).toBe('it worked');
    expect(await stateOf(client.query('update orders set total_cents = 0 where id = 1'))).toBe('42501');
    expect(await stateOf(client.query("insert into notes (body) values ('a')"))).toBe('it worked');
    expect(await stateOf(client.query('select body from notes'))).toBe('42501');
    expect(await stateOf(client.query("insert into payments (card_number) values ('a')"))).toBe('42501');
  });

  it('is one for all first connections at the same moment', async () => {
    const { id } = await test.activeGrant('o-sales-report');
    const leases = await Promise.all(Array.from({ length: 20 }, () => lease(id)));
    expect(new Set(leases.map((one) => one.username)).size).toBe(1);
    await Promise.all(leases.map((one) => signIn(one)));
    expect((await test.audit(id)).filter((row) => row.action === 'principal.make')).toHaveLength(1);
  });

  it('is made by whichever of two gateways comes first, and both sign in', async () => {
    const { id } = await test.activeGrant('o-sales-report');
    // Another gateway is another process: it shares the store and nothing of this one's memory.
    const other = { ...test.services };
    const second = createControlPlane(other, { gatewayName: 'gate-2' });
    const leases = await Promise.all([lease(id), second.leaseCredential(id), lease(id), second.leaseCredential(id)]);
    for (const one of leases) await signIn(one);
    expect(new Set(leases.map((one) => one.username)).size).toBe(1);
  });

  it('goes on where a gateway died before or after the role was made', async () => {
    const { grant, credential } = await open('o-sales-report');
    await test.services.db.principal.update({ where: { grantId: grant.id }, data: { state: 'making', basis: null } });
    await signIn(await lease(grant.id));
    await shop.query(`drop owned by "${credential.username}"; drop role "${credential.username}"`);
    await test.services.db.principal.update({ where: { grantId: grant.id }, data: { state: 'making', basis: null } });
    await signIn(await lease(grant.id));
    expect(await principal(grant.id)).toMatchObject({ state: 'made' });
  });

  it('ends with its grant: its sessions, what it owns, its password and its role', async () => {
    const { grant, credential, client } = await open('o-sales-report');
    await client.query('select lo_create(424242)');
    const ended = new Promise((resolve) => client.once('end', resolve));
    const running = stateOf(client.query('select pg_sleep(60)'));
    await end(grant.id);
    expect(await settle()).toEqual({ dropped: 1, complete: true });
    expect(await running).toBe('57P01');
    await ended;
    expect(await roles()).not.toContain(credential.username);
    expect(await stateOf(signIn(credential))).toBe('28P01');
    expect(
      await shop.query('select lomowner::regrole::text as owner from pg_largeobject_metadata where oid = 424242'),
    ).toEqual([{ owner: 'gate' }]);
    expect(await principal(grant.id)).toMatchObject({ state: 'dropped', sealed: null });
    expect(await refusal(lease(grant.id))).toBe('grant-ended');
    expect((await test.audit(grant.id)).at(-1)).toMatchObject({ action: 'principal.drop' });
  });

  it('ends when its grant expires, and when its person is disabled', async () => {
    const first = await open('o-sales-report');
    test.clock.advance(3_600_001);
    await expireGrants(test.timer);
    await settle();
    expect(await roles()).not.toContain(first.credential.username);
    const person = await test.person('leaver', [], ['analysts']);
    const grant = await test.activeGrant('o-sales-report', person);
    const { username } = await lease(grant.id);
    expect(await roles()).toContain(username);
    await updateUser(test.admin.ctx, { id: person.id, disabled: true });
    await settle();
    expect(await roles()).not.toContain(username);
  });

  it('ends in the same turn however many end, and whatever of a target that is away waits before it', async () => {
    const away = await test.activeGrant('sales-report');
    const { db } = test.services;
    const { id: resourceId } = await db.resource.findUniqueOrThrow({ where: { name: 'demo-shop' } });
    const waiting = { resourceId, state: 'made', createdAt: new Date(test.clock.now()) };
    await db.principal.create({ data: { ...waiting, grantId: away.id, roleName: 'tg_away' } });
    const opened = [await open('o-sales-report'), await open('o-sales-report'), await open('o-sales-report')];
    for (const id of [away.id, ...opened.map(({ grant }) => grant.id)]) await end(id);
    expect(await settle({ pageRows: 1 })).toEqual({ dropped: 3, complete: false });
    for (const { credential } of opened) expect(await roles()).not.toContain(credential.username);
    await db.principal.delete({ where: { grantId: away.id } });
  });

  it('that cannot be dropped, since the target is away, is dropped once it is back', async () => {
    const { grant, credential } = await open('o-sales-report');
    await server.kill();
    await end(grant.id);
    expect(await settle()).toEqual({ dropped: 0, complete: false });
    await server.restart();
    test.clock.advance(120_000);
    expect(await settle()).toEqual({ dropped: 1, complete: true });
    expect(await roles()).not.toContain(credential.username);
  });

  it('is taken rights from at once when a policy is published, in sessions that are open', async () => {
    const { client, grant } = await open('o-sales-report');
    const others = [await open('o-sales-report'), await open('o-sales-report')];
    await client.query('select total_cents from orders');
    await applyDocuments(test.setup, {
      source:
        'kind: Policy\nname: no-totals\npurpose: a test\napplies: { resources: { names: [orders-db] } }\ndeny:\n  - select: public.orders\n    columns: [total_cents]\n',
    });
    // However many live grants there are.
    expect(await settle({ resync: true, pageRows: 1 })).toMatchObject({ complete: true });
    for (const one of [client, ...others.map((other) => other.client)])
      expect(await stateOf(one.query('select total_cents from orders'))).toBe('42501');
    expect(await stateOf(client.query('select status from orders'))).toBe('it worked');
    await signIn(await lease(grant.id));
  });

  it('does not get a new column by an old list of columns, and a replaced table only after the catalog is read', async () => {
    const { client, grant } = await open('o-sales-report');
    await shop.query('alter table customers add secret text');
    await refreshCatalog(test.admin.ctx, { name: 'orders-db' });
    await settle({ resync: true });
    expect(await stateOf(client.query('select secret from customers'))).toBe('42501');
    await shop.query(
      'alter table orders rename to old_orders; set role gate; create table orders (id int, customer_id int, status text, total_cents int)',
    );
    await lease(grant.id);
    expect(await stateOf(client.query('select id from orders'))).toBe('42501');
    await refreshCatalog(test.admin.ctx, { name: 'orders-db' });
    await settle({ resync: true });
    expect(await stateOf(client.query('select id from orders'))).toBe('it worked');
    expect(await stateOf(client.query('select id from old_orders'))).toBe('42501');
    await shop.query('drop table orders; alter table old_orders rename to orders');
  });

  it('finds that the catalog is outdated by itself', async () => {
    await refreshCatalog(test.admin.ctx, { name: 'orders-db' });
    await shop.query('alter table orders rename to moved; set role gate; create table orders (id int, status text)');
    const { client } = await open('o-sales-report');
    expect(await stateOf(client.query('select status from orders'))).toBe('it worked');
    expect(await stateOf(client.query('select status from moved'))).toBe('42501');
    await shop.query('drop table orders; alter table moved rename to orders');
    await refreshCatalog(test.admin.ctx, { name: 'orders-db' });
  });
});

describe('the reaper', () => {
  it('drops roles of ours that no grant needs, and leaves live ones and those of others', async () => {
    const live = await open('o-sales-report');
    const gone = await open('o-fix-order-status');
    const row = await principal(gone.grant.id);
    await end(gone.grant.id);
    // As after a store that was put back from before the role was dropped.
    await test.services.db.principal.update({ where: { grantId: gone.grant.id }, data: { state: 'dropped' } });
    const mark = markOf(await loadInstallationId(test.services), row.resourceId);
    await shop.query(`set role gate;
      create role tg_unknown_old login valid until '2020-01-01';
      comment on role tg_unknown_old is '${mark} grant grt_unknown1';
      create role tg_unknown_new login valid until '2099-01-01';
      comment on role tg_unknown_new is '${mark} grant grt_unknown2';
      create role tg_of_another login valid until '2020-01-01';
      comment on role tg_of_another is '${markOf('0123456789abcdef', row.resourceId)} grant grt_unknown3';
      create role tg_nobodys login;
      create role app_owner;
      comment on role app_owner is '${mark} task o-sales-report revision 1';
      create role app_user login valid until '2020-01-01';
      comment on role app_user is '${mark} grant ${gone.grant.id}';
      grant app_owner, app_user to gate with inherit true;
      grant tg_unknown_old, tg_unknown_new to gate with inherit true;`);
    expect(await settle({ reap: true })).toMatchObject({ complete: true });
    const left = await roles();
    expect(left).toContain(live.credential.username);
    expect(left).toContain('tg_unknown_new');
    expect(left).toContain('tg_of_another');
    expect(left).toContain('tg_nobodys');
    // A comment alone makes no role ours.
    const named = await shop.query("select rolname from pg_roles where rolname like 'app\\_%' order by 1");
    expect(named).toEqual([{ rolname: 'app_owner' }, { rolname: 'app_user' }]);
    expect(left).not.toContain('tg_unknown_old');
    expect(left).not.toContain(gone.credential.username);
    expect(left.filter((name) => name.startsWith('tgr_o-fix'))).toEqual([]);
    expect(left.filter((name) => name.startsWith('tgr_o-sales'))).not.toEqual([]);
    await live.client.query('select id from orders');
    await shop.query('drop role tg_unknown_new; drop role tg_of_another; drop role tg_nobodys, app_owner, app_user');
  });
});

describe('where no principal can be', () => {
  it('a task that needs an owner uses the resource’s credential, and it is said why', async () => {
    const grant = await test.activeGrant('o-any-thing');
    const credential = await lease(grant.id);
    expect(credential.username).toBe('gate');
    expect(await principal(grant.id)).toMatchObject({
      state: 'own-credential',
      reason: expect.stringContaining('`drop`'),
    });
    expect((await lease(grant.id)).username).toBe('gate');
  });

  it('a resource that insists on them refuses the activation of such a task', async () => {
    const before = await test.activeGrant('o-any-thing');
    await updateResource(test.admin.ctx, { name: 'orders-db', principals: 'per-grant' });
    expect(await refusal(lease(before.id))).toBe('principal-unavailable');
    expect(await refusal(test.activeGrant('o-any-thing'))).toBe('principal-unavailable');
    await open('o-sales-report');
    await updateResource(test.admin.ctx, { name: 'orders-db', principals: 'when-possible' });
  });

  it('a credential that may not create roles is used itself, unless the resource insists', async () => {
    await shop.query('alter role gate nocreaterole');
    await refreshCatalog(test.admin.ctx, { name: 'orders-db' });
    expect((await loadResource(test.admin.ctx, { name: 'orders-db' })).wallTwo).toMatchObject({
      state: 'missing',
      lacking: [{ what: '`gate` may not create roles', script: 'ALTER ROLE "gate" CREATEROLE;' }],
    });
    const { id } = await test.activeGrant('o-sales-report');
    expect((await lease(id)).username).toBe('gate');
    await updateResource(test.admin.ctx, { name: 'orders-db', principals: 'per-grant' });
    expect(await refusal(lease(id))).toBe('principal-unavailable');
    expect(await refusal(test.activeGrant('o-sales-report'))).toBe('principal-unavailable');
    const tried = await testResource(test.admin.ctx, { name: 'orders-db' });
    expect(tried).toMatchObject({ ok: false, wallTwo: { state: 'missing' } });
    expect(tried.steps.at(-1)).toMatchObject({ name: 'principals', ok: false });
    await shop.query('alter role gate createrole');
    await refreshCatalog(test.admin.ctx, { name: 'orders-db' });
    await signIn(await lease(id));
    await updateResource(test.admin.ctx, { name: 'orders-db', principals: 'none' });
    expect((await lease(id)).username).toBe('gate');
    await updateResource(test.admin.ctx, { name: 'orders-db', principals: 'when-possible' });
  });
});

describe('the second wall', () => {
  it('is partial while the target gives more to everybody, and whole once the scripts have run', async () => {
    await refreshCatalog(test.admin.ctx, { name: 'orders-db' });
    const { wallTwo } = await loadResource(test.admin.ctx, { name: 'orders-db' });
    expect(wallTwo).toMatchObject({ state: 'partial', lacking: [] });
    expect(wallTwo!.open.map((one) => one.what)).toEqual([
      'everybody may make temporary tables',
      expect.stringContaining('`lo_create`'),
    ]);
    for (const { script } of wallTwo!.open) await shop.query(script!);
    await refreshCatalog(test.admin.ctx, { name: 'orders-db' });
    expect((await loadResource(test.admin.ctx, { name: 'orders-db' })).wallTwo).toMatchObject({
      state: 'whole',
      open: [],
    });
    const { client } = await open('o-sales-report');
    for (const sql of ['select lo_create(0)', 'select pg_sleep(1)', 'create temp table t (x int)'])
      expect(await stateOf(client.query(sql))).toBe('42501');
  });

  it('names what the credential may not give on, with the script that lets it', async () => {
    await shop.query('create table of_another (id int); grant select on of_another to gate');
    await applyDocuments(test.setup, {
      source: TASKS('orders-db')
        .split('---')[0]!
        .replace('name: sales-report', 'name: o-another')
        .replace('public.orders', 'public.of_another'),
    });
    await refreshCatalog(test.admin.ctx, { name: 'orders-db' });
    const { wallTwo } = await loadResource(test.admin.ctx, { name: 'orders-db' });
    expect(wallTwo).toMatchObject({ state: 'partial' });
    const { id } = await test.activeGrant('o-another');
    expect((await lease(id)).username).toBe('gate');
    expect((await principal(id)).reason).toContain('SELECT ON "public"."of_another"');
    await shop.query(wallTwo!.lacking[0]!.script!);
    await refreshCatalog(test.admin.ctx, { name: 'orders-db' });
    const client = await signIn(await lease(id));
    expect((await client.query('select current_user as me')).rows[0].me).toMatch(/^tg_o-another_/);
    await client.query('select id from of_another');
  });
});

it('no password and no verifier of a principal is in any log, audit row or error', async () => {
  const { grant, credential } = await open('o-sales-report');
  const password = credential.secret.reveal((text) => text);
  const kept = JSON.stringify([await test.audit(grant.id), test.logged, server.log]);
  expect(kept).not.toContain(password);
  expect(kept).not.toContain('SCRAM-SHA-256$');
});
