import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { startTestPostgres, type TestDatabase, type TestPostgres } from '@taskgate/testkit';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectStored, loadTarget } from '../catalog/stored-catalog.ts';
import { applyDocuments } from '../documents/apply-documents.ts';
import { refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { createResource } from './create-resource.ts';
import { loadResource } from './load-resources.ts';
import { type RotationStep, rotateCredential, rotateDueCredentials } from './rotate-credential.ts';
import { testResource } from './test-resource.ts';
import { updateResource } from './update-resource.ts';

const GIVEN = 'canary-given-secret';
const DAY_MS = 86_400_000;
const STEPS: readonly RotationStep[] = ['connect', 'set', 'try', 'keep'];

let test: TestShop;
let server: TestPostgres;
let shop: TestDatabase;
let resourceId: string;

const manifest = (secret: string, more = '') =>
  applyDocuments(test.setup, {
    source: `kind: Resource
name: orders-db
type: postgres
host: 127.0.0.1
port: ${server.port}
database: shop
username: gate
tls: { mode: disable }
secret: env:X
${more}`,
    secrets: { 'orders-db': secret },
  });

beforeAll(async () => {
  test = await startTestShop();
  server = await startTestPostgres({ own: true, settings: { log_statement: 'all', log_connections: 'on' } });
  shop = await server.createDatabase('shop');
  await shop.query(`create role gate login createrole; create role other`);
  await manifest('not yet');
  resourceId = (await test.services.db.resource.findUniqueOrThrow({ where: { name: 'orders-db' } })).id;
});
beforeEach(async () => {
  await shop.query(`alter role gate reset role; alter role gate valid until 'infinity' password '${GIVEN}'`);
  await updateResource(test.admin.ctx, { name: 'orders-db', secret: 'other' });
  await updateResource(test.admin.ctx, { name: 'orders-db', secret: GIVEN, rotateMs: null });
});
afterAll(async () => {
  await server.stop();
  await test.stop();
});

const row = () => test.services.db.credential.findUniqueOrThrow({ where: { resourceId } });
const view = () => loadResource(test.admin.ctx, { name: 'orders-db' });
const rotate = () => rotateCredential(test.admin.ctx, { name: 'orders-db' });
const stored = async () => (await loadTarget(test.gateway, resourceId)).target.secret.reveal((text) => text);
const rotations = async () => (await test.audit(resourceId)).filter((one) => one.action.startsWith('resource.rotate'));

/** As the gate would: with what is stored. */
async function opens(): Promise<boolean> {
  const client = await connectStored(test.gateway, await loadTarget(test.gateway, resourceId)).catch(() => null);
  await client?.end();
  return client !== null;
}

async function accepts(password: string): Promise<boolean> {
  const client = new pg.Client({ host: server.host, port: server.port, database: 'shop', user: 'gate', password });
  return client.connect().then(
    () => client.end().then(() => true),
    () => false,
  );
}

/** A resource with a role of the same name: of another database of the same server, unless it says otherwise. */
const saveOther = (name: string, at: { readonly host?: string; readonly port?: number } = {}) =>
  createResource(test.admin.ctx, {
    ...{ name, type: 'postgres', host: '127.0.0.1', port: server.port, database: 'postgres', ...at },
    ...{ tlsMode: 'disable', username: 'gate', secret: GIVEN },
  });
const forget = (name: string) => test.services.db.resource.delete({ where: { name } });

class Killed extends Error {}
/** The process goes away right before that step. */
const killBefore = (step: RotationStep) => ({
  before: (one: RotationStep) => {
    if (one === step) throw new Killed(step);
  },
});

describe('a rotation', () => {
  it('sets a new password that works, which neither the target’s log nor the audit has seen', async () => {
    const before = await view();
    test.clock.advance(1_000);
    const result = await rotate();
    expect(result).toMatchObject({ ok: true, steps: STEPS.map((name) => ({ name, ok: true })) });
    const password = await stored();
    expect(password).not.toBe(GIVEN);
    expect([await accepts(GIVEN), await accepts(password), await opens()]).toEqual([false, true, true]);
    expect(server.log.join('\n')).toContain('ALTER ROLE');
    for (const text of [server.log.join('\n'), JSON.stringify(await rotations()), test.logged.join('\n')])
      expect(text).not.toContain(password);
    expect((await rotations()).at(-1)).toMatchObject({
      action: 'resource.rotate',
      actorId: test.admin.id,
      after: { username: 'gate' },
    });
    const after = await view();
    expect(after.rotation).toMatchObject({ everyMs: null, nextAt: null, failure: null });
    expect(after.rotation.rotatedAt).toBe(after.credentialSetAt);
    expect(after.credentialSetAt > before.credentialSetAt).toBe(true);
    expect((await testResource(test.admin.ctx, { name: 'orders-db' })).steps[1]).toMatchObject({ ok: true });
  });

  it('leaves open connections alone, and at no moment a new one without a password that works', async () => {
    const open = await connectStored(test.gateway, await loadTarget(test.gateway, resourceId));
    const stop = new AbortController();
    let opened = 0;
    const opening = (async () => {
      while (!stop.signal.aborted) {
        const client = await connectStored(test.gateway, await loadTarget(test.gateway, resourceId));
        await client.end();
        opened++;
      }
    })();
    for (let turn = 0; turn < 10; turn++) expect((await rotate()).ok).toBe(true);
    stop.abort();
    await opening;
    expect(opened).toBeGreaterThan(0);
    expect((await open.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await open.end();
  });

  for (const step of STEPS)
    it(`that is killed before \`${step}\` leaves a password that works, and is taken up by the timer`, async () => {
      const before = (await rotations()).length;
      await expect(rotateCredential(test.admin.ctx, { name: 'orders-db' }, killBefore(step))).rejects.toBeInstanceOf(
        Killed,
      );
      expect(await opens()).toBe(true);
      const { pending } = await row();
      expect(pending).not.toBeNull();
      // Killed again at the same place: as often as it happens, it is the same password that is set.
      await expect(rotateDueCredentials(test.timer, killBefore(step))).rejects.toBeInstanceOf(Killed);
      expect(await opens()).toBe(true);
      expect((await row()).pending).toEqual(pending);
      expect(await rotateDueCredentials(test.timer)).toBe(1);
      expect(await row()).toMatchObject({ pending: null, sealed: pending });
      expect([await opens(), await accepts(GIVEN), await accepts(await stored())]).toEqual([true, false, true]);
      expect(await rotations()).toHaveLength(before + 1);
      expect(await rotateDueCredentials(test.timer)).toBe(0);
    });

  it('is not undone by somebody who gives another password meanwhile: they are told to look first', async () => {
    let given: unknown;
    const options = {
      before: async (step: RotationStep) => {
        if (step === 'try')
          given = await refusal(updateResource(test.admin.ctx, { name: 'orders-db', secret: 'typed meanwhile' }));
      },
    };
    expect((await rotateCredential(test.admin.ctx, { name: 'orders-db' }, options)).ok).toBe(true);
    expect(given).toBe('conflict');
    expect(await opens()).toBe(true);
  });

  it('that was interrupted loses no password that works, whatever somebody gives before it is taken up', async () => {
    await expect(rotateCredential(test.admin.ctx, { name: 'orders-db' }, killBefore('try'))).rejects.toThrow();
    const { pending } = await row();
    // The target has the new password, which nobody knows but the gate.
    await updateResource(test.admin.ctx, { name: 'orders-db', secret: 'a password that does not work' });
    expect(await opens()).toBe(true);
    expect(await rotateDueCredentials(test.timer)).toBe(1);
    expect(await row()).toMatchObject({ sealed: pending, pending: null });
    expect(await opens()).toBe(true);
  });

  it('that was interrupted is taken up where the secret was given anew with weaker TLS, unless the host is another', async () => {
    await rotateCredential(test.admin.ctx, { name: 'orders-db' }, killBefore('try')).catch(() => {});
    const { pending } = await row();
    const weaker = { name: 'orders-db', tlsMode: 'disable', tlsCa: null, secret: 'a password that does not work' };
    for (const tlsMode of ['require', 'verify-full']) {
      await test.services.db.resource.update({ where: { id: resourceId }, data: { tlsMode, tlsCa: 'another' } });
      await updateResource(test.admin.ctx, weaker);
      expect(await row()).toMatchObject({ pending });
      expect(await opens()).toBe(true);
    }
    await updateResource(test.admin.ctx, { ...weaker, host: 'localhost' });
    expect(await row()).toMatchObject({ pending: null });
    await updateResource(test.admin.ctx, { ...weaker, host: '127.0.0.1' });
  });

  it('is refused where another resource signs in by the same role, which it would lock out', async () => {
    const { name } = await saveOther('twin');
    expect(await refusal(rotate())).toBe('invalid-state');
    await expect(rotate()).rejects.toThrow(`\`${name}\` too`);
    await updateResource(test.admin.ctx, { name: 'orders-db', rotateMs: DAY_MS });
    test.clock.advance(DAY_MS);
    expect(await rotateDueCredentials(test.timer)).toBe(0);
    expect([await stored(), (await row()).pending]).toEqual([GIVEN, null]);
    expect((await view()).rotation.failure?.message).toContain(name);
    await updateResource(test.admin.ctx, { name, username: 'other', secret: 'x' });
    expect((await rotate()).ok).toBe(true);
  });

  it('is refused where another resource leads to the same server by another name, or to a replica of it', async () => {
    const { name } = await saveOther('by-name', { host: 'localhost' });
    await expect(rotate()).rejects.toThrow(`\`${name}\` too`);
    // By another port too, behind which is the same server; the name alone would not tell.
    const forward = net.createServer((socket) => {
      const onward = net.connect(server.port, '127.0.0.1');
      for (const one of [socket, onward]) one.on('error', () => {});
      socket.pipe(onward).pipe(socket);
    });
    await new Promise<void>((resolve) => forward.listen(0, '127.0.0.1', resolve));
    const { port } = forward.address() as net.AddressInfo;
    await forget(name);
    await saveOther('by-port', { port });
    await expect(rotate()).rejects.toThrow('`by-port` too');
    forward.close();
    await forget('by-port');

    // Servers of the tests are copies of one: each has its own roles, unless it follows the other.
    const copy = await startTestPostgres({ own: true });
    const postgres = await copy.createDatabase('copied');
    await postgres.query(`create role gate login password '${GIVEN}'`);
    await saveOther('copy', { port: copy.port });
    expect((await rotate()).ok).toBe(true);
    const [row] = await postgres.query<{ data_directory: string }>('show data_directory');
    await copy.kill();
    await writeFile(join(row!.data_directory, 'standby.signal'), '');
    await copy.restart();
    await expect(rotate()).rejects.toThrow('`copy` too');
    await copy.stop();
    // Away, its address says that it is another.
    expect((await rotate()).ok).toBe(true);
    await forget('copy');
  });

  it('that fails at the target says why, goes on with the old password, and is tried again later', async () => {
    await updateResource(test.admin.ctx, { name: 'orders-db', rotateMs: DAY_MS });
    test.clock.advance(DAY_MS);
    // Whatever is set, no new connection is let in: the new password cannot be proven.
    await shop.query(`alter role gate connection limit 1`);
    expect(await rotateDueCredentials(test.timer)).toBe(0);
    const failed = (await view()).rotation;
    expect(failed.failure?.message).toMatch(/too many connections; the old password was set again$/);
    expect(failed.nextAt).toBe(new Date(test.clock.now() + 15 * 60_000).toISOString());
    expect((await rotations()).at(-1)).toMatchObject({ action: 'resource.rotate-failed', actorId: null });
    expect(test.logged.join('\n')).toContain('the credential of a resource could not be rotated');
    await shop.query(`alter role gate connection limit -1`);
    expect([await accepts(GIVEN), await opens()]).toEqual([true, true]);
    expect(await rotateDueCredentials(test.timer)).toBe(0);
    test.clock.advance(15 * 60_000);
    expect(await rotateDueCredentials(test.timer)).toBe(1);
    expect((await view()).rotation).toMatchObject({ failure: null, everyMs: DAY_MS });
    expect([await accepts(GIVEN), await opens()]).toEqual([false, true]);
  });

  it('of a user who may not sign in says so, step by step, and changes nothing', async () => {
    await shop.query(`alter role gate valid until '2000-01-01'`);
    const { ok, steps } = await rotate();
    expect([ok, steps.map((step) => [step.name, step.ok])]).toEqual([false, [['connect', false]]]);
    expect(await stored()).toBe(GIVEN);
  });

  it('is for the user that signs in, whatever role is set for it', async () => {
    await shop.query(`grant other to gate; alter role gate set role = 'other'`);
    expect((await rotate()).ok).toBe(true);
    expect([await accepts(GIVEN), await opens()]).toEqual([false, true]);
  });

  it('is done by one of several gateways', async () => {
    await updateResource(test.admin.ctx, { name: 'orders-db', rotateMs: DAY_MS });
    test.clock.advance(DAY_MS);
    const before = (await rotations()).length;
    const altered = () => server.log.filter((line) => line.includes('ALTER ROLE "gate" PASSWORD')).length;
    const alteredBefore = altered();
    const done = await Promise.all(Array.from({ length: 4 }, () => rotateDueCredentials(test.timer)));
    expect(done.reduce((sum, one) => sum + one, 0)).toBe(1);
    expect(await rotations()).toHaveLength(before + 1);
    // The target was told one password, and it is the one that was kept.
    expect(await opens()).toBe(true);
    expect(altered()).toBe(alteredBefore + 1);
    expect((await view()).rotation.nextAt).toBe(new Date(test.clock.now() + DAY_MS).toISOString());
  });

  it('is for who may write resources, and only of what is there', async () => {
    for (const person of [test.engineer, test.auditor, test.reviewers[0]])
      expect(await refusal(rotateCredential(person.ctx, { name: 'orders-db' }))).toBe('forbidden');
    expect(await refusal(rotateCredential(test.admin.ctx, { name: 'nowhere' }))).toBe('not-found');
    expect(await refusal(rotateDueCredentials(test.admin.ctx))).toBe('forbidden');
  });
});

describe('a manifest that is applied each night', () => {
  it('sets the schedule, and does not put back the password that was rotated since', async () => {
    await manifest(GIVEN, 'rotate: 30d\n');
    expect((await view()).rotation.everyMs).toBe(30 * DAY_MS);
    await rotate();
    const rotated = await stored();
    expect((await manifest(GIVEN, 'rotate: 30d\n')).applied).toMatchObject([{ outcome: 'unchanged' }]);
    expect(await stored()).toBe(rotated);
    // Nor does one that was given before there was a fingerprint.
    await updateResource(test.admin.ctx, { name: 'orders-db', secret: GIVEN });
    await shop.query(`alter role gate password '${GIVEN}'`);
    await test.services.db.credential.update({ where: { resourceId }, data: { given: null } });
    await rotate();
    expect((await manifest(GIVEN, 'rotate: 30d\n')).applied).toMatchObject([{ outcome: 'unchanged' }]);
    expect(await stored()).not.toBe(GIVEN);
    // Another one is one that somebody means.
    await manifest('another', 'rotate: 30d\n');
    expect(await stored()).toBe('another');
    // As is one that a person types, though it was given before.
    await updateResource(test.admin.ctx, { name: 'orders-db', secret: GIVEN });
    expect(await stored()).toBe(GIVEN);
  });
});
