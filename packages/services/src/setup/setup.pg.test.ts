import { SecretValue } from '@taskgate/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadMachines } from '../machines/load-machines.ts';
import { authenticateApiToken } from '../people/authenticate-api-token.ts';
import { signIn } from '../people/sign-in.ts';
import { updateUser } from '../people/update-user.ts';
import { loadResource } from '../resources/load-resources.ts';
import { CLIENT, startTestServices, type TestServices } from '../testing/test-services.ts';
import { setupDemo } from './setup-demo.ts';
import { createFirstAdmin, issueSetupToken } from './setup-first-admin.ts';
import { signInCli } from './sign-in-cli.ts';

const TARGET = {
  database: 'shop',
  username: 'taskgate_demo',
  host: '127.0.0.1',
  secret: new SecretValue('target secret'),
};
const enter = (test: TestServices, email: string, password: string) =>
  signIn(test.services, { email, password }, CLIENT);

describe('the demo', () => {
  let test: TestServices;
  beforeAll(async () => {
    test = await startTestServices();
  });
  afterAll(() => test.stop());
  const run = (port: number, password: string | null) =>
    setupDemo(test.services, {
      target: { ...TARGET, port },
      password: password === null ? null : new SecretValue(password),
    });

  it('makes its people, groups, resource, tasks and policy, all published, each with an audit row', async () => {
    const { signIns, newPassword } = await run(1, 'the first password');
    expect(newPassword).toBeNull();
    expect(signIns.map(({ email, role }) => [email, role])).toEqual([
      ['admin@demo.test', 'admin'],
      ['engineer@demo.test', 'engineer'],
      ['reviewer@demo.test', 'reviewer'],
      ['auditor@demo.test', 'auditor'],
    ]);
    const { user } = await enter(test, 'engineer@demo.test', 'the first password');
    expect(user).toMatchObject({ groups: ['analysts', 'support'], roles: ['engineer'] });
    const tasks = await test.services.db.task.findMany({ orderBy: { name: 'asc' } });
    expect(tasks.map((task) => [task.name, task.publishedRevision])).toEqual([
      ['fix-order-status', 1],
      ['nightly-export', 1],
      ['sales-report', 1],
      ['shop-admin', 1],
    ]);
    expect(await loadResource(test.setup, { name: 'demo-shop' })).toMatchObject({
      labels: { env: 'production' },
      policies: ['customer-data'],
      tasks: ['fix-order-status', 'nightly-export', 'sales-report', 'shop-admin'],
      tlsMode: 'disable',
    });
    // Named by its task, and nobody can be it until an admin says who.
    expect(await loadMachines(test.setup, {})).toMatchObject([
      { name: 'nightly', tasks: [{ name: 'nightly-export', named: true }], proof: null, secrets: [] },
    ]);
    const rows = await test.services.db.auditRow.findMany({ where: { via: 'setup', actorId: null } });
    expect(rows.map((row) => row.action)).toContain('setup.demo');
    expect(JSON.stringify(rows)).not.toMatch(/first password|target secret/);
  });

  it('run again changes nothing', async () => {
    const before = await test.services.db.auditRow.count();
    await run(1, 'the first password');
    await run(1, null);
    expect(await test.services.db.auditRow.count()).toBe(before);
  });

  it('keeps what people changed, and follows a target that moved', async () => {
    const { id } = await test.services.db.identity.findUniqueOrThrow({ where: { email: 'engineer@demo.test' } });
    await updateUser(test.setup, { id, password: 'of my own choice' });
    await run(2, 'the first password');
    await enter(test, 'engineer@demo.test', 'of my own choice');
    expect((await loadResource(test.setup, { name: 'demo-shop' })).port).toBe(2);
  });

  it('takes a password that was set anew, which ends the sign-ins of before', async () => {
    await run(2, 'the second password');
    await enter(test, 'engineer@demo.test', 'the second password');
    await expect(enter(test, 'admin@demo.test', 'the first password')).rejects.toMatchObject({
      code: 'wrong-password',
    });
  });

  it('signs the command line in as the engineer, and keeps a sign-in that works', async () => {
    const email = 'engineer@demo.test';
    const first = (await signInCli(test.services, { email, kept: null }))!;
    expect(await signInCli(test.services, { email, kept: first })).toBe(first);
    const second = (await signInCli(test.services, { email, kept: new SecretValue('tg_other') }))!;
    const who = (token: SecretValue) => token.reveal((text) => authenticateApiToken(test.services, text));
    expect(await who(first)).toBeNull();
    expect(await who(second)).toMatchObject({ email, via: 'api-token' });
  });
});

describe('an empty store without the demo', () => {
  let test: TestServices;
  beforeAll(async () => {
    test = await startTestServices();
  });
  afterAll(() => test.stop());
  const person = { email: 'first@test.example', name: 'First', password: 'a long password' };
  const take = (token: SecretValue) =>
    token.reveal((text) => createFirstAdmin(test.services, { token: text, ...person }));

  it('gives a token that makes one admin, once, within a day; a later start’s token replaces it', async () => {
    const old = (await issueSetupToken(test.services))!;
    const late = (await issueSetupToken(test.services))!;
    const wrong = { code: 'wrong-token' };
    await expect(take(old)).rejects.toMatchObject(wrong);
    test.clock.advance(24 * 3_600_000);
    await expect(take(late)).rejects.toMatchObject(wrong);
    const token = (await issueSetupToken(test.services))!;
    const results = await Promise.allSettled([take(token), take(token), take(token)]);
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    expect((await enter(test, person.email, person.password)).user.roles).toEqual(['admin']);
    await expect(take(token)).rejects.toMatchObject(wrong);
    expect(await issueSetupToken(test.services)).toBeNull();
  });

  it('that people work with by now never becomes a demo', async () => {
    await expect(setupDemo(test.services, { target: { ...TARGET, port: 1 }, password: null })).rejects.toMatchObject({
      code: 'invalid-state',
    });
    expect(await test.services.db.identity.count()).toBe(1);
  });
});
