import { SCOPES, type Scope } from '@taskgate/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScimToken } from '../directory/create-scim-token.ts';
import { mapDirectoryGroups } from '../directory/map-directory-groups.ts';
import { applyDocuments } from '../documents/apply-documents.ts';
import { createIssuer } from '../issuers/create-issuer.ts';
import { updateIssuer } from '../issuers/update-issuer.ts';
import { createMachine } from '../machines/create-machine.ts';
import { createMachineSecret, rotateMachineSecret } from '../machines/machine-secrets.ts';
import { updateMachine } from '../machines/update-machine.ts';
import { removePasskeysOf } from '../passkeys/remove-passkeys-of.ts';
import { createProvider } from '../providers/create-provider.ts';
import { mapProviderGroups } from '../providers/map-provider-groups.ts';
import { removeProvider } from '../providers/remove-provider.ts';
import { unlinkPerson } from '../providers/unlink-person.ts';
import { updateProvider } from '../providers/update-provider.ts';
import { saveTask } from '../tasks/save-task.ts';
import type { TestPerson } from '../testing/test-services.ts';
import { refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { createGroup } from './create-group.ts';
import { createUser } from './create-user.ts';
import { endUserSessions } from './end-user-sessions.ts';
import { loadAccess } from './load-access.ts';
import { offboard } from './offboard.ts';
import { updateGroup } from './update-group.ts';
import { updateUser } from './update-user.ts';

let shop: TestShop;
/** Trusted with people and with what an engineer has; no admin. */
let desk: TestPerson;
/** As `desk`, and in no group that a task names. */
let hr: TestPerson;
/** Trusted with people, and with nothing that a machine may. */
let clerk: TestPerson;

beforeAll(async () => {
  shop = await startTestShop();
  await createGroup(shop.admin.ctx, {
    name: 'people-desk',
    roles: ['engineer'],
    scopes: ['people:read', 'people:write'],
  });
  desk = await shop.person('desk', [], ['people-desk', 'analysts']);
  hr = await shop.person('hr', [], ['people-desk']);
  await createGroup(shop.admin.ctx, { name: 'clerks', roles: [], scopes: ['people:read', 'people:write'] });
  clerk = await shop.person('clerk', [], ['clerks']);
});
afterAll(() => shop.stop());

const password = 'a long test password';
const proof = { password };

describe('who may change people without being an admin', () => {
  it('gives what they have, and to a group less of it', async () => {
    expect(desk.actor.scopes).toEqual(['task:read', 'grant:request', 'session:own', 'people:read', 'people:write']);
    expect(await createGroup(desk.ctx, { name: 'interns', roles: ['engineer'], withheld: ['grant:request'] })).toEqual(
      expect.objectContaining({ roles: ['engineer'], scopes: [], withheld: ['grant:request'] }),
    );
    await createUser(desk.ctx, { email: 'i@test.example', name: 'I', groups: ['analysts'] });
  });

  it('cannot give a scope or the role of an admin to anybody, by whatever way', async () => {
    const beyond = SCOPES.filter((scope) => !desk.actor.scopes.includes(scope));
    for (const scope of beyond)
      expect(await refusal(createGroup(desk.ctx, { name: 'more', roles: [], scopes: [scope] }))).toBe('forbidden');
    for (const role of ['admin', 'auditor', 'reviewer'] as const)
      expect(await refusal(createGroup(desk.ctx, { name: 'more', roles: [role] }))).toBe('forbidden');
    // The role is more than what its scopes say: it is exempt from this very check.
    const all = [...SCOPES] as Scope[];
    expect(await refusal(createGroup(desk.ctx, { name: 'more', roles: ['admin'], withheld: all }))).toBe('forbidden');
    expect(await refusal(updateGroup(desk.ctx, { name: 'people-desk', scopes: ['session:read'] }))).toBe('forbidden');
    expect(await refusal(updateGroup(desk.ctx, { name: 'analysts', roles: ['auditor'] }))).toBe('forbidden');
    // By membership, their own or another's.
    for (const name of ['auditors', 'dba', 'admin-group'])
      expect(await refusal(updateGroup(desk.ctx, { name, members: [desk.email] }))).toBe('forbidden');
    expect(await refusal(updateUser(desk.ctx, { id: desk.id, groups: ['people-desk', 'auditors'] }))).toBe('forbidden');
    const user = { email: 'more@test.example', name: 'M', groups: ['admin-group'], password, proof };
    expect(await refusal(createUser(desk.ctx, user))).toBe('forbidden');
    // By becoming them.
    expect(await refusal(updateUser(desk.ctx, { id: shop.admin.id, password: 'another long one', proof }))).toBe(
      'forbidden',
    );
    expect(await refusal(updateUser(desk.ctx, { id: shop.auditor.id, disabled: true }))).toBe('forbidden');
    expect(await refusal(endUserSessions(desk.ctx, { id: shop.admin.id }))).toBe('forbidden');
    expect(await shop.services.db.group.count({ where: { name: 'more' } })).toBe(0);
  });

  it('gives no group that they are not in: tasks, approvals and recordings go by its name', async () => {
    const { ctx } = hr;
    const analyst = await shop.person('analyst', [], ['analysts']);
    const settings = {
      ...{ kind: 'oidc', issuer: 'https://hr.test', clientId: 'c', scopes: ['openid'], groupsClaim: 'groups' },
    };
    await createProvider(ctx, { proof, name: 'hrs', title: 'T', settings });
    const mappings = [{ external: 'mine', group: 'analysts' }];
    const agent = { kind: 'agent', name: 'analyst-bot', actsFor: analyst.email, tasks: [], proof: null };
    for (const work of [
      () => updateUser(ctx, { id: hr.id, groups: ['people-desk', 'analysts'] }),
      () => updateGroup(ctx, { name: 'analysts', members: [hr.email] }),
      () => createUser(ctx, { email: 'second@test.example', name: 'S', groups: ['analysts'] }),
      () => mapProviderGroups(ctx, { proof, name: 'hrs', mappings }),
      () => mapDirectoryGroups(ctx, { proof, mappings }),
      // By becoming somebody who is in it.
      () => createMachine(ctx, agent),
    ])
      await expect(work()).rejects.toMatchObject({
        code: 'forbidden',
        message: 'you are not in `analysts`; ask somebody with the role `admin`',
      });
    expect(await refusal(updateUser(ctx, { id: analyst.id, password: 'another long one', proof }))).toBe('forbidden');
    expect(await shop.services.db.identity.count({ where: { email: 'second@test.example' } })).toBe(0);
    await updateUser(ctx, { id: hr.id, groups: ['people-desk'] });
    // Who only ends something gains nothing by it.
    expect(await endUserSessions(ctx, { id: analyst.id })).toEqual({ ended: 0 });
    expect((await updateUser(ctx, { id: analyst.id, disabled: true })).disabledAt).not.toBeNull();
    expect(await refusal(updateUser(ctx, { id: analyst.id, disabled: false }))).toBe('forbidden');
    expect((await offboard(ctx, { id: analyst.id, reason: 'r' })).groups).toEqual(['analysts']);
    await removeProvider(shop.admin.ctx, { proof, name: 'hrs' });
  });

  it('makes no group whose name a document in force says', async () => {
    await applyDocuments(shop.setup, {
      source: `kind: Task
name: night-work
purpose: What is done at night
resource: demo-shop
who: { groups: [night-shift] }
access: { ttl: 1h, approvals: { from: [night-leads], count: 1, timeout: 1h } }
allow:
  - select: public.orders
record: { readers: [night-readers] }
`,
    });
    for (const name of ['night-shift', 'night-leads', 'night-readers']) {
      await expect(createGroup(hr.ctx, { name, roles: [] })).rejects.toMatchObject({
        code: 'forbidden',
        message: `a task, policy or workflow names \`${name}\`; ask somebody with the role \`admin\``,
      });
      expect((await createGroup(shop.admin.ctx, { name, roles: [] })).name).toBe(name);
    }
    expect((await createGroup(hr.ctx, { name: 'night', roles: [] })).name).toBe('night');
  });

  it('cannot be a machine that has more, nor an agent in the name of somebody who has', async () => {
    const admin = shop.admin.ctx;
    const machine = (name: string, more: object = {}) => ({ kind: 'machine', name, tasks: [], proof: null, ...more });
    const agent = (name: string, actsFor: string) => machine(name, { kind: 'agent', actsFor });
    const ci = await createMachine(desk.ctx, machine('ci'));
    const bot = await createMachine(admin, agent('bot', shop.admin.email));
    for (const wish of [machine('other'), agent('other', 'ci'), agent('other', desk.email)])
      expect(await refusal(createMachine(clerk.ctx, wish))).toBe('forbidden');
    for (const wish of [agent('other', shop.admin.email), agent('other', shop.auditor.email)])
      expect(await refusal(createMachine(desk.ctx, wish))).toBe('forbidden');
    expect(await shop.services.db.identity.count({ where: { name: 'other', kind: { not: 'person' } } })).toBe(0);
    for (const [{ ctx }, { id }] of [[clerk, ci] as const, [clerk, bot] as const, [desk, bot] as const]) {
      expect(await refusal(updateMachine(ctx, { id, tasks: ['shop-admin'] }))).toBe('forbidden');
      expect(await refusal(createMachineSecret(ctx, { id, name: 's' }))).toBe('forbidden');
      const { secret } = await createMachineSecret(admin, { id, name: 's' });
      expect(await refusal(rotateMachineSecret(ctx, { id, secretId: secret.id, overlapMs: 0 }))).toBe('forbidden');
      expect(await refusal(offboard(ctx, { id, reason: 'r' }))).toBe('forbidden');
    }

    // By keys of their own for the issuer that vouches for it.
    await createIssuer(clerk.ctx, {
      ...{ name: 'issuer', kind: 'oidc', url: 'https://issuer.test', audience: 'taskgate', keySource: 'discovery' },
      ...{ jwksUrl: null, jwks: null, skewMs: 0, maxLifetimeMs: 60_000, singleUse: false, privateNetwork: false },
    });
    const jwksUrl = { name: 'issuer', keySource: 'url', jwksUrl: 'https://mine.test/keys' };
    await updateIssuer(clerk.ctx, jwksUrl);
    const proof = { issuer: 'issuer', claims: [{ claim: 'sub', pattern: 'ci' }] };
    await updateMachine(desk.ctx, { id: ci.id, proof });
    expect(await refusal(updateIssuer(clerk.ctx, jwksUrl))).toBe('forbidden');
    await updateIssuer(desk.ctx, jwksUrl);
    await updateMachine(admin, { id: bot.id, proof: { ...proof, claims: [{ claim: 'sub', pattern: 'bot' }] } });
    expect(await refusal(updateIssuer(desk.ctx, jwksUrl))).toBe('forbidden');
  });

  it('cannot be a machine that a document in force names, but can lock it', async () => {
    const nightly = `kind: Task
name: nightly-sums
purpose: x
resource: demo-shop
who: { machines: [nightly-ci] }
access: { ttl: 1h }
allow:
  - select: public.orders
`;
    await applyDocuments(shop.setup, { source: nightly });
    const wish = { kind: 'machine' as const, name: 'nightly-ci', tasks: ['nightly-sums'], proof: null };
    expect(await refusal(createMachine(desk.ctx, wish))).toBe('forbidden');
    const { id } = await createMachine(shop.admin.ctx, wish);
    expect(await refusal(createMachineSecret(desk.ctx, { id, name: 's' }))).toBe('forbidden');
    expect(await refusal(updateMachine(desk.ctx, { id, proof: null }))).toBe('forbidden');
    expect(await refusal(updateMachine(desk.ctx, { id, disabled: true, tasks: [] }))).toBe('forbidden');
    const helper = { kind: 'agent' as const, name: 'nightly-bot', actsFor: 'nightly-ci', tasks: [], proof: null };
    expect(await refusal(createMachine(desk.ctx, helper))).toBe('forbidden');
    expect((await updateMachine(desk.ctx, { id, disabled: true })).disabledAt).not.toBeNull();
    expect(await refusal(updateMachine(desk.ctx, { id, disabled: false }))).toBe('forbidden');
  });

  it('takes from nobody beyond them the passkeys that their sign-in and their yes need', async () => {
    await shop.passkey(shop.admin);
    expect(await refusal(removePasskeysOf(desk.ctx, { id: shop.admin.id, password }))).toBe('forbidden');
    expect(await refusal(removePasskeysOf(desk.ctx, { id: shop.engineer.id, password }))).toBe('forbidden');
  });

  it('gives nobody a password, and lets in nobody who was locked out: who has no group now may have had one', async () => {
    const leaver = await shop.person('gone', [], ['analysts', 'dba']);
    await offboard(shop.admin.ctx, { id: leaver.id, reason: 'r' });
    for (const change of [
      { password: 'another long one', proof },
      { disabled: false },
      { disabled: false, groups: ['people-desk'] },
    ])
      expect(await refusal(updateUser(hr.ctx, { id: leaver.id, ...change }))).toBe('forbidden');
    const wish = { email: 'new@test.example', name: 'N', groups: [] };
    expect(await refusal(createUser(hr.ctx, { ...wish, password, proof }))).toBe('forbidden');
    expect((await createUser(hr.ctx, wish)).hasPassword).toBe(false);
    const fresh = await createUser(shop.admin.ctx, { email: 'fresh@test.example', name: 'F', groups: [] });
    const agent = { kind: 'agent' as const, name: 'fresh-bot', actsFor: fresh.email, tasks: [], proof: null };
    expect(await refusal(createMachine(desk.ctx, agent))).toBe('forbidden');
  });

  it('is nobody whom a document, or its draft, goes by: not by name, nor by address', async () => {
    const draft = `kind: Task
name: for-the-lead
purpose: x
resource: demo-shop
who: { groups: [analysts], machines: [lead-ci] }
access: { ttl: 1h, when: "identity.email == 'lead@test.example' || identity.name == 'The Lead'" }
allow:
  - select: public.orders
`;
    await saveTask(shop.admin.ctx, { source: draft, publish: false });
    const wish = { email: 'lead@test.example', name: 'L', groups: [] };
    expect(await refusal(createUser(desk.ctx, wish))).toBe('forbidden');
    expect(await refusal(createUser(desk.ctx, { ...wish, email: 'x@test.example', name: 'The Lead' }))).toBe(
      'forbidden',
    );
    expect(await refusal(updateUser(desk.ctx, { id: desk.id, name: 'The Lead' }))).toBe('forbidden');
    const machine = { kind: 'machine' as const, name: 'lead-ci', tasks: [], proof: null };
    expect(await refusal(createMachine(desk.ctx, machine))).toBe('forbidden');
  });

  it('has what they have when their turn comes, not when they asked: who is offboarded meanwhile changes nobody', async () => {
    const second = await shop.person('second-admin', ['admin']);
    const friend = await shop.person('friend', []);
    const results = await Promise.allSettled([
      offboard(shop.admin.ctx, { id: second.id, reason: 'r' }),
      updateUser(second.ctx, { id: friend.id, groups: ['admin-group'] }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    const { memberships } = await shop.services.db.identity.findUniqueOrThrow({
      where: { id: friend.id },
      select: { memberships: true },
    });
    expect(memberships).toEqual([]);
  });

  it('cannot come back as somebody else by a provider of their own making', async () => {
    const admin = shop.admin.ctx;
    const settings = {
      ...{ kind: 'oidc', issuer: 'https://idp.test', clientId: 'c', scopes: ['openid'], groupsClaim: 'groups' },
    };
    const wish = { name: 'theirs', title: 'T', settings };
    for (const emailTrust of ['verified', 'always'])
      expect(await refusal(createProvider(desk.ctx, { proof, ...wish, emailTrust }))).toBe('forbidden');
    const { id } = await createProvider(desk.ctx, { ...wish, proof });
    expect(await refusal(updateProvider(desk.ctx, { proof, name: 'theirs', emailTrust: 'verified' }))).toBe(
      'forbidden',
    );
    // Nor where an admin has let it give or know more.
    const changes = () => [
      () => updateProvider(desk.ctx, { proof, name: 'theirs', settings: { ...settings, groupsClaim: 'other' } }),
      () => removeProvider(desk.ctx, { proof, name: 'theirs' }),
    ];
    const analysts = { external: 'a', group: 'analysts' };
    const auditors = { external: 'b', group: 'auditors' };
    const map = (ctx: TestPerson['ctx'], ...mappings: object[]) =>
      mapProviderGroups(ctx, { proof, name: 'theirs', mappings });
    expect(await refusal(map(desk.ctx, auditors))).toBe('forbidden');
    await map(admin, auditors);
    for (const work of changes()) expect(await refusal(work())).toBe('forbidden');
    // What an admin mapped stays, and theirs beside it.
    await map(desk.ctx, auditors, analysts);
    expect(await refusal(map(desk.ctx, analysts))).toBe('forbidden');
    expect(await refusal(map(desk.ctx, auditors, { ...auditors, external: 'mine' }))).toBe('forbidden');
    await map(admin, analysts);
    const at = new Date(shop.clock.now());
    const link = { providerId: id, subject: 's', identityId: shop.auditor.id, groups: [], createdAt: at };
    await shop.services.db.providerLink.create({ data: { ...link, lastSignInAt: at } });
    for (const work of changes()) expect(await refusal(work())).toBe('forbidden');
    expect(await refusal(unlinkPerson(desk.ctx, { proof, name: 'theirs', userId: shop.auditor.id }))).toBe('forbidden');
    await unlinkPerson(admin, { proof, name: 'theirs', userId: shop.auditor.id });
    await removeProvider(desk.ctx, { proof, name: 'theirs' });
  });

  it('cannot be the directory where it gives or keeps more', async () => {
    const token = (more: object = {}) => createScimToken(desk.ctx, { proof, name: 'd', ttlMs: 60_000, ...more });
    expect(await refusal(token({ adopts: true }))).toBe('forbidden');
    await token();
    await mapDirectoryGroups(shop.admin.ctx, { proof, mappings: [{ external: 'b', group: 'auditors' }] });
    expect(await refusal(token())).toBe('forbidden');
    await mapDirectoryGroups(shop.admin.ctx, { proof, mappings: [] });
    const at = new Date(shop.clock.now());
    await shop.services.db.directoryUser.create({
      data: {
        ...{ identityId: shop.auditor.id, userName: 'a', nameKey: 'a', active: true, attributes: {} },
        ...{ createdAt: at, updatedAt: at },
      },
    });
    expect(await refusal(token())).toBe('forbidden');
  });

  it('is no way around the last admin who may change people', async () => {
    expect(await refusal(updateGroup(shop.admin.ctx, { name: 'admin-group', withheld: ['people:write'] }))).toBe(
      'invalid-state',
    );
  });
});

describe('the table of who may do what', () => {
  it('says what each group gives, and who has it', async () => {
    const access = await loadAccess(shop.auditor.ctx);
    expect(access.scopes.map((scope) => scope.name)).toEqual(SCOPES);
    expect(access.groups.find((group) => group.name === 'people-desk')).toMatchObject({
      scopes: desk.actor.scopes,
      added: ['people:read', 'people:write'],
      withheld: [],
      members: 2,
    });
    const who = (scope: Scope) =>
      access.people.filter((one) => one.scopes.includes(scope)).map((one) => one.person.email);
    expect(who('people:write')).toEqual([shop.admin.email, clerk.email, desk.email, hr.email]);
    expect(who('session:read')).toEqual([shop.auditor.email]);
    expect(await refusal(loadAccess(shop.engineer.ctx))).toBe('forbidden');
  });
});
