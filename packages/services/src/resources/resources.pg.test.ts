import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contract } from '@taskgate/contracts';
import { SecretValue } from '@taskgate/core';
import { freePort, startTestPostgres, type TestDatabase, type TestPostgres } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readKeptCatalog, readStoredCatalog, storeFreshCatalog } from '../catalog/stored-catalog.ts';
import { inputOf } from '../parse-input.ts';
import { startTestServices, type TestPerson, type TestServices } from '../testing/test-services.ts';
import { withTransaction } from '../with-transaction.ts';
import { createResource } from './create-resource.ts';
import { loadResource, loadResourceCatalog, loadResources } from './load-resources.ts';
import { refreshCatalog } from './refresh-catalog.ts';
import { saveResource } from './save-resource.ts';
import { testResource } from './test-resource.ts';
import { updateResource } from './update-resource.ts';

const SECRET = 'canary-3f9a-shop-secret';
const SCHEMA = `
  CREATE TABLE orders (id int PRIMARY KEY, total numeric(10,2), dropped text, status text);
  ALTER TABLE orders DROP COLUMN dropped;
  CREATE VIEW order_totals AS SELECT id, total FROM orders;
  CREATE MATERIALIZED VIEW order_sums AS SELECT sum(total) AS total FROM orders;
  CREATE TABLE events (id int, at date) PARTITION BY RANGE (at);
  CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  CREATE SEQUENCE numbers;
  CREATE TYPE mood AS ENUM ('good', 'bad');
  CREATE DOMAIN positive AS int CHECK (VALUE > 0);
  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NEW; END';
  CREATE TRIGGER touched BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
  CREATE RULE no_delete AS ON DELETE TO events_2026 DO INSTEAD NOTHING;
  CREATE FUNCTION same(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 = $2';
  CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = same);
  CREATE SCHEMA hr; CREATE TABLE hr.people (id int, mood public.mood);
  CREATE FUNCTION next_code(prefix text, int DEFAULT 4, VARIADIC rest text[] DEFAULT '{}') RETURNS text
    LANGUAGE sql STABLE AS 'SELECT prefix';
  REVOKE EXECUTE ON FUNCTION next_code FROM PUBLIC;
  CREATE FUNCTION lower(mood) RETURNS TABLE (a int, b text) LANGUAGE sql AS $$SELECT 1, 'x'$$;
  CREATE TABLE coded (
    id int GENERATED ALWAYS AS IDENTITY, code text DEFAULT next_code('a') CHECK (same(length(code), 1)),
    twice text GENERATED ALWAYS AS (code || code) STORED, at positive);
  GRANT SELECT (code), INSERT ON coded TO PUBLIC;
  CREATE TABLE lines (order_id int REFERENCES orders ON DELETE CASCADE);
  ALTER TABLE lines ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON lines USING (same(order_id, 1));
  CREATE VIEW safe WITH (security_invoker = on, security_barrier) AS SELECT 1 AS x;
  CREATE FUNCTION to_mood(text) RETURNS mood LANGUAGE sql AS $$SELECT 'good'::mood$$;
  CREATE CAST (text AS mood) WITH FUNCTION to_mood(text);
  CREATE FUNCTION add_up(int, int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1';
  CREATE AGGREGATE add_all(int) (SFUNC = add_up, STYPE = int);
`;

let test: TestServices;
let admin: TestPerson;
let target: TestPostgres;
let shop: TestDatabase;
let tlsFolder: string;

beforeAll(async () => {
  test = await startTestServices();
  admin = await test.person('root', ['admin']);
  target = await startTestPostgres({ own: true });
  shop = await target.createDatabase('shop');
  await shop.query(`CREATE ROLE gate LOGIN PASSWORD '${SECRET}'; ALTER DATABASE shop OWNER TO gate; ${SCHEMA}`);
  tlsFolder = await mkdtemp(join(tmpdir(), 'taskgate-tls-'));
});
afterAll(async () => {
  await target.stop();
  await test.stop();
  await rm(tlsFolder, { recursive: true, force: true });
});

const document = (name: string) => ({
  name,
  host: '127.0.0.1',
  port: target.port,
  database: 'shop',
  tlsMode: 'disable' as const,
  username: 'gate',
});

describe('a resource', () => {
  it('is made with its secret sealed, its catalog read, and an audit row without the secret', async () => {
    const view = await createResource(admin.ctx, {
      ...document('shop'),
      labels: { env: 'production' },
      secret: SECRET,
    });
    expect(view).toMatchObject({
      name: 'shop',
      username: 'gate',
      labels: { env: 'production' },
      tasks: [],
      policies: [],
    });
    expect(view.catalog).toMatchObject({ relations: 11, serverVersion: expect.any(Number) });
    expect(JSON.stringify([view, await loadResources(admin.ctx)])).not.toContain(SECRET);
    const row = await test.services.db.auditRow.findFirstOrThrow({ where: { action: 'resource.create' } });
    expect(row).toMatchObject({ actorId: admin.id, subject: view.id, before: null, after: { username: 'gate' } });
    await expect(createResource(admin.ctx, { ...document('shop'), secret: SECRET })).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  it('is changed by who has the scope only', async () => {
    const auditor = await test.person('aud', ['auditor']);
    const denied = { code: 'forbidden' };
    await expect(createResource(auditor.ctx, {})).rejects.toMatchObject(denied);
    await expect(updateResource(auditor.ctx, {})).rejects.toMatchObject(denied);
    await expect(testResource(auditor.ctx, {})).rejects.toMatchObject(denied);
    await expect(refreshCatalog(auditor.ctx, {})).rejects.toMatchObject(denied);
    const engineer = await test.person('eng', ['engineer']);
    await expect(loadResources(engineer.ctx)).rejects.toMatchObject(denied);
    await expect(loadResource(engineer.ctx, { name: 'shop' })).rejects.toMatchObject(denied);
    await expect(loadResourceCatalog(engineer.ctx, { name: 'shop' })).rejects.toMatchObject(denied);
    expect((await loadResources(auditor.ctx)).map((resource) => resource.name)).toEqual(['shop']);
  });

  it('keeps what an update does not name', async () => {
    const parsed = inputOf(contract.resources.update).parse({ name: 'shop', tlsMode: 'disable' });
    expect(await updateResource(admin.ctx, parsed)).toMatchObject({ labels: { env: 'production' } });
    const view = await updateResource(admin.ctx, { name: 'shop', labels: { env: 'production', team: 'web' } });
    expect(view).toMatchObject({ ...document('shop'), labels: { env: 'production', team: 'web' } });
    expect(view.catalog).not.toBeNull();
    const row = await test.services.db.auditRow.findFirstOrThrow({
      where: { action: 'resource.update' },
      orderBy: { at: 'desc' },
    });
    expect(row).toMatchObject({ before: { labels: { env: 'production' } }, after: { credentialReplaced: false } });
  });

  it.each([
    ['another host', { host: 'localhost' }],
    ['another port', { port: 1 }],
    ['another user', { username: 'postgres' }],
  ])('never sends its kept secret to %s', async (_, change) => {
    const refused = { code: 'bad-input', problems: [{ path: 'secret' }] };
    await expect(updateResource(admin.ctx, { name: 'shop', ...change })).rejects.toMatchObject(refused);
    await expect(testResource(admin.ctx, { name: 'shop', ...change })).rejects.toMatchObject(refused);
  });

  it('cannot be a socket of this machine', async () => {
    await expect(
      createResource(admin.ctx, { ...document('socket'), host: '/var/run/postgresql', secret: 'x' }),
    ).rejects.toMatchObject({ code: 'bad-input', problems: [{ path: 'host' }] });
  });

  it('is applied as a document: made, unchanged, changed', async () => {
    const save = (labels: Record<string, string>, secret: string | null) =>
      withTransaction(test.setup, (tx) =>
        saveResource(
          tx,
          test.setup,
          { ...document('applied'), labels },
          secret === null ? null : new SecretValue(secret),
        ),
      );
    await expect(save({}, null)).rejects.toMatchObject({ code: 'bad-input' });
    expect((await save({}, SECRET)).outcome).toBe('created');
    expect((await save({}, null)).outcome).toBe('unchanged');
    expect((await save({}, SECRET)).outcome).toBe('unchanged');
    expect((await save({}, 'another secret')).outcome).toBe('updated');
    expect((await save({ env: 'test' }, null)).outcome).toBe('updated');
  });
});

describe('a catalog', () => {
  it('holds every kind of relation with its columns, parents, triggers, rules and definition in full names', async () => {
    const { id } = await loadResource(admin.ctx, { name: 'shop' });
    const catalog = (await readStoredCatalog(test.services.db, id))!;
    const relation = (name: string) => catalog.relations.find((found) => found.name === name)!;
    expect(relation('orders')).toMatchObject({ schema: 'public', kind: 'table', rules: [] });
    expect(relation('orders').triggers).toMatchObject([{ timing: 'before', events: ['update'] }]);
    expect(relation('orders').columns.map((column) => [column.name, column.attnum, column.typeName])).toEqual([
      ['id', 1, 'integer'],
      ['total', 2, 'numeric(10,2)'],
      ['status', 4, 'text'],
    ]);
    expect(relation('order_totals')).toMatchObject({ kind: 'view', rules: [] });
    expect(relation('order_totals').definition).toContain('FROM public.orders');
    expect(relation('order_sums').kind).toBe('materialized-view');
    expect(relation('events').kind).toBe('partitioned-table');
    expect(relation('events_2026')).toMatchObject({ parents: [relation('events').oid], isPartition: true });
    expect(relation('events_2026').rules).toHaveLength(1);
    expect(relation('numbers').kind).toBe('sequence');
    expect(relation('people').columns[1]!.typeName).toBe('public.mood');
    expect(catalog.functions).toContainEqual(
      expect.objectContaining({ name: 'touch', kind: 'function', securityDefiner: true }),
    );
    expect(catalog.operators).toMatchObject([{ schema: 'public', name: '===' }]);
    expect(catalog.types).toContainEqual(expect.objectContaining({ name: 'mood', kind: 'enum' }));
    expect(catalog.types).toContainEqual(expect.objectContaining({ name: 'positive', kind: 'domain' }));
    expect(catalog.searchPath).toEqual(['public']);
    expect(catalog.relations.every((found) => !found.schema.startsWith('pg_'))).toBe(true);
  });

  it('holds functions by their whole signature, and what defaults, checks, policies, casts and types run', async () => {
    const { id } = await loadResource(admin.ctx, { name: 'shop' });
    const catalog = (await readStoredCatalog(test.services.db, id))!;
    const relation = (name: string) => catalog.relations.find((found) => found.name === name)!;
    const fn = (name: string) => catalog.functions.find((found) => found.name === name)!;
    const oids = (...names: string[]) => names.map((name) => fn(name).oid).sort((a, b) => a - b);
    expect(fn('next_code')).toMatchObject({
      arguments: ['text', 'integer', 'text[]'],
      argumentNames: ['prefix', '', 'rest'],
      variadic: true,
      defaults: 2,
      result: 'text',
      volatility: 'stable',
      publicExecute: false,
      language: 'sql',
      extension: null,
    });
    expect(fn('lower')).toMatchObject({ arguments: ['public.mood'], returnsSet: true, outputs: ['a', 'b'] });
    expect(catalog.builtinFunctions.map((one) => [one.name, one.arguments])).toContainEqual(['lower', ['text']]);
    expect(fn('add_all')).toMatchObject({ kind: 'aggregate', volatility: 'volatile' });
    expect(relation('coded').writeFunctions).toEqual(oids('next_code', 'same'));
    expect(relation('coded').columns.map((column) => column.default)).toEqual([
      'identity',
      'expression',
      'generated',
      null,
    ]);
    expect(relation('coded').columns[2]!.generatedFrom).toEqual(['code']);
    expect(relation('coded').publicPrivileges).toEqual([
      { privilege: 'insert', column: null },
      { privilege: 'select', column: 'code' },
    ]);
    expect(relation('lines')).toMatchObject({
      rowSecurity: true,
      policyFunctions: oids('same'),
      foreignKeys: [{ references: relation('orders').oid, onDelete: 'cascade', onUpdate: null }],
    });
    expect(relation('safe')).toMatchObject({ securityInvoker: true, securityBarrier: true });
    expect(relation('orders').owner).toBe('postgres');
    expect(catalog.casts).toContainEqual({
      source: 'text',
      target: 'public.mood',
      context: 'explicit',
      functionOid: fn('to_mood').oid,
    });
    expect(catalog.casts).toContainEqual({
      source: 'integer',
      target: 'bigint',
      context: 'implicit',
      functionOid: null,
    });
    expect(catalog.types.map((type) => type.name)).toEqual(['mood', 'positive']);
    expect(catalog.types[1]).toMatchObject({ kind: 'domain', base: 'integer', printed: 'public.positive' });
    expect(catalog.schemas.map((schema) => schema.name)).toEqual(['hr', 'public']);
    expect(catalog.publicPrivileges).toEqual(['connect', 'temporary']);
    const types = catalog.systemRelations.find((one) => one.schema === 'pg_catalog' && one.name === 'pg_type')!;
    expect(types.oid).toBe(1247);
    expect(types.columns).toContain('typname');
  });

  it('is kept in memory while its version is current, and counts as missing once it is older than asked', async () => {
    const { id } = await loadResource(admin.ctx, { name: 'shop' });
    await refreshCatalog(admin.ctx, { name: 'shop' });
    const kept = await readKeptCatalog(test.services, id, 1000);
    expect(kept).not.toBeNull();
    expect(await readKeptCatalog(test.services, id)).toBe(kept);
    test.clock.advance(1001);
    expect(await readKeptCatalog(test.services, id, 1000)).toBeNull();
    expect(await readKeptCatalog(test.services, id)).toBe(kept);
  });

  it('has the same version while nothing changes, another once something does, and tells of it once', async () => {
    const { id } = await loadResource(admin.ctx, { name: 'shop' });
    const listener = await test.database.connect();
    const heard: string[] = [];
    listener.on('notification', ({ payload }) => heard.push(payload ?? ''));
    await listener.query('LISTEN taskgate');
    const first = (await readStoredCatalog(test.services.db, id))!.version;
    test.clock.advance(1000);
    expect((await refreshCatalog(admin.ctx, { name: 'shop' })).version).toBe(first);
    await shop.query('ALTER TABLE orders ADD COLUMN note text');
    const second = await refreshCatalog(admin.ctx, { name: 'shop' });
    expect(second.version).not.toBe(first);
    expect((await readStoredCatalog(test.services.db, id))!.version).toBe(second.version);
    await listener.query('SELECT 1');
    const changes = heard.map((text) => JSON.parse(text)).filter((change) => change.change === 'catalog');
    expect(changes).toEqual([{ topic: 'resources', id: 'shop', change: 'catalog', resourceId: id }]);
  });

  it('of a resource that points elsewhere now is current no more', async () => {
    const other = await target.createDatabase('other');
    await updateResource(admin.ctx, { name: 'shop', database: 'other', secret: SECRET });
    const { id, catalog } = await loadResource(admin.ctx, { name: 'shop' });
    expect(catalog).toBeNull();
    expect(await readStoredCatalog(test.services.db, id)).toBeNull();
    expect((await storeFreshCatalog(test.setup, id)).database).toBe('other');
    await updateResource(admin.ctx, { name: 'shop', database: 'shop', secret: SECRET });
    await other.drop();
  });

  it('keeps few old versions', async () => {
    const { id } = await loadResource(admin.ctx, { name: 'shop' });
    for (let i = 0; i < 7; i++) {
      test.clock.advance(1000);
      await shop.query(`CREATE TABLE extra_${i} ()`);
      await refreshCatalog(admin.ctx, { name: 'shop' });
    }
    expect(await test.services.db.catalogVersion.count({ where: { resourceId: id } })).toBe(5);
  });
});

describe('trying a resource', () => {
  it('reports each step, the server’s version, and saves nothing', async () => {
    const result = await testResource(admin.ctx, { ...document('not-yet'), secret: SECRET });
    expect(result.ok).toBe(true);
    expect(result.steps.map((step) => [step.name, step.ok])).toEqual([
      ['connect', true],
      ['authenticate', true],
      ['catalog', true],
      ['principals', true],
    ]);
    expect(result.wallTwo).toMatchObject({ state: 'missing' });
    expect(await test.services.db.resource.count({ where: { name: 'not-yet' } })).toBe(0);
    expect((await testResource(admin.ctx, { name: 'shop' })).ok).toBe(true);
  });

  const lastStep = async (change: object) => {
    const result = await testResource(admin.ctx, { ...document('try'), secret: SECRET, ...change });
    expect(result.ok).toBe(false);
    return result.steps.at(-1)!;
  };

  it('says what is wrong, and never repeats the secret', async () => {
    expect(await lastStep({ port: await freePort() })).toMatchObject({
      name: 'connect',
      message: expect.stringContaining('nothing listens there'),
    });
    expect(await lastStep({ host: 'no-such-host.invalid' })).toMatchObject({ name: 'connect' });
    expect(await lastStep({ secret: 'wrong-canary-secret' })).toMatchObject({
      name: 'authenticate',
      message: expect.stringMatching(/refuses user `gate` or the secret \(SQLSTATE 28P01\)/),
    });
    expect(await lastStep({ database: 'no_such' })).toMatchObject({
      name: 'authenticate',
      message: expect.stringContaining('no such database'),
    });
    expect(await lastStep({ tlsMode: 'require' })).toMatchObject({
      name: 'tls',
      message: expect.stringContaining('does not offer TLS'),
    });
    const said = JSON.stringify([test.logged, await test.services.db.auditRow.findMany()]);
    expect(said).not.toContain('wrong-canary-secret');
    expect(said).not.toContain(SECRET);
  });

  it('does not give the secret to a server that asks for it in clear without TLS', async () => {
    const received: Buffer[] = [];
    const thief = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        received.push(chunk);
        socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3])); // AuthenticationCleartextPassword
      });
    });
    await new Promise<void>((resolve) => thief.listen(0, '127.0.0.1', resolve));
    const { port } = thief.address() as { port: number };
    const step = await lastStep({ port });
    thief.close();
    expect(step).toMatchObject({ name: 'authenticate', message: expect.stringContaining('in clear') });
    expect(Buffer.concat(received).toString('latin1')).not.toContain(SECRET);
  });

  it('checks the certificate as far as the TLS mode says', async () => {
    const key = join(tlsFolder, 'server.key');
    const cert = join(tlsFolder, 'server.crt');
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=shop.test'],
        ...['-addext', 'subjectAltName=DNS:shop.test', '-keyout', key, '-out', cert],
      ],
      { stdio: 'ignore' },
    );
    const ca = await readFile(cert, 'utf8');
    const [{ setting: dataDirectory }] = (await shop.query<{ setting: string }>('SHOW data_directory')).map((row) => ({
      setting: Object.values(row)[0] as string,
    })) as [{ setting: string }];
    const { uid, gid } = await import('node:fs/promises').then((fs) => fs.stat(dataDirectory));
    const { chown, copyFile } = await import('node:fs/promises');
    for (const [from, name] of [
      [key, 'server.key'],
      [cert, 'server.crt'],
    ] as const) {
      await copyFile(from, join(dataDirectory, name));
      await chown(join(dataDirectory, name), uid, gid);
      await chmod(join(dataDirectory, name), 0o600);
    }
    const client = await shop.connect();
    await client.query('ALTER SYSTEM SET ssl = on');
    await client.query('SELECT pg_reload_conf()');
    const tried = async (tlsMode: string, tlsCa: string | null, host = '127.0.0.1') => {
      const result = await testResource(admin.ctx, { ...document('try'), host, tlsMode, tlsCa, secret: SECRET });
      return result.ok ? 'ok' : `${result.steps.at(-1)!.name}: ${result.steps.at(-1)!.message}`;
    };
    expect(await tried('require', null)).toBe('ok');
    expect(await tried('verify-ca', ca)).toBe('ok');
    expect(await tried('verify-ca', null)).toMatch(/^tls: .*self-signed/);
    expect(await tried('verify-full', ca)).toMatch(/^tls: .*another host name/);
  });
});
