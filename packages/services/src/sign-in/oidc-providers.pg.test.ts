import type { TestAccount } from '@taskgate/testkit/oidc-provider';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  activateGrant,
  authenticateApiToken,
  checkWebSession,
  createApiToken,
  createProvider,
  createUser,
  loadProvider,
  mapProviderGroups,
  redeemSignIn,
  removeProvider,
  requestGrant,
  type SignInRefused,
  testProvider,
  unlinkPerson,
  updateGroup,
  updateProvider,
  updateUser,
} from '../index.ts';
import { anna, type OidcShop, oidcSettings, proof, SECRET, startOidcShop } from '../testing/oidc-shop.ts';
import { CLIENT, PASSWORD } from '../testing/test-services.ts';

let test: OidcShop;
let shop: OidcShop['shop'];
let admin: OidcShop['admin'];
let okta: OidcShop['okta'];
let other: OidcShop['other'];
let begin: OidcShop['begin'];
let answer: OidcShop['answer'];
let finish: OidcShop['finish'];
let signInBy: OidcShop['signInBy'];
let refusalOf: OidcShop['refusalOf'];
beforeAll(async () => {
  test = await startOidcShop();
  ({ shop, admin, okta, other, begin, answer, finish, signInBy, refusalOf } = test);
});
beforeEach(() => test.reset());
afterAll(() => test.stop());

describe('groups of the provider', () => {
  const withGroups = (groups: readonly string[]): TestAccount => ({ ...anna, claims: { ...anna.claims, groups } });

  it('are brought up to date at each sign-in; what was given by hand stays', async () => {
    await mapProviderGroups(admin.ctx, {
      proof,
      name: 'okta',
      mappings: [
        { external: 'Data Team', group: 'analysts' },
        { external: 'DBAs', group: 'dba' },
      ],
    });
    const actor = (await checkWebSession(shop.services, await signInBy(anna)))!;
    await updateUser(admin.ctx, { id: actor.identityId, groups: ['analysts', 'support'] });
    const moved = await checkWebSession(shop.services, await signInBy(withGroups(['DBAs'])));
    expect(moved!.groups).toEqual(['dba', 'support']);
    const none = await checkWebSession(shop.services, await signInBy(withGroups([])));
    expect(none!.groups).toEqual(['support']);
  });

  it('a group lost at a sign-in ends the grants that came with it', async () => {
    await mapProviderGroups(admin.ctx, {
      proof,
      name: 'okta',
      mappings: [{ external: 'Data Team', group: 'analysts' }],
    });
    const actor = (await checkWebSession(shop.services, await signInBy(anna)))!;
    const ctx = { services: shop.services, actor };
    const grant = await requestGrant(ctx, { task: 'sales-report', reason: 'a report' });
    await activateGrant(ctx, { id: grant.id });
    await signInBy(withGroups(['Everyone']));
    const row = await shop.services.db.grant.findUniqueOrThrow({ where: { id: grant.id } });
    expect(row).toMatchObject({ state: 'ended', endReason: 'revoked' });
  });

  it('a mapping that is changed holds at once, for grants too, and one to a group that is not there is refused', async () => {
    await mapProviderGroups(admin.ctx, {
      proof,
      name: 'okta',
      mappings: [{ external: 'Data Team', group: 'analysts' }],
    });
    const session = await signInBy(anna);
    const ctx = { services: shop.services, actor: (await checkWebSession(shop.services, session))! };
    const grant = await requestGrant(ctx, { task: 'sales-report', reason: 'a report' });
    await activateGrant(ctx, { id: grant.id });
    await mapProviderGroups(admin.ctx, { proof, name: 'okta', mappings: [] });
    expect((await checkWebSession(shop.services, session))!.groups).toEqual([]);
    expect(await shop.services.db.grant.findUniqueOrThrow({ where: { id: grant.id } })).toMatchObject({
      state: 'ended',
    });
    await expect(
      mapProviderGroups(admin.ctx, { proof, name: 'okta', mappings: [{ external: 'x', group: 'no-such-group' }] }),
    ).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('no admin’s hand takes away what the provider gives: it would come back', async () => {
    await mapProviderGroups(admin.ctx, {
      proof,
      name: 'okta',
      mappings: [{ external: 'Data Team', group: 'analysts' }],
    });
    const actor = (await checkWebSession(shop.services, await signInBy(anna)))!;
    await expect(updateUser(admin.ctx, { id: actor.identityId, groups: [] })).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('`analysts` comes from a sign-in provider'),
    });
    await expect(updateGroup(admin.ctx, { name: 'analysts', members: [] })).rejects.toMatchObject({
      code: 'bad-input',
    });
    const view = await updateUser(admin.ctx, { id: actor.identityId, groups: ['analysts'] });
    expect(view.givenGroups).toEqual({ analysts: ['okta'] });
    await mapProviderGroups(admin.ctx, { proof, name: 'okta', mappings: [] });
    expect((await updateUser(admin.ctx, { id: actor.identityId, name: 'Anna' })).groups).toEqual([]);
  });

  it('the last admin is one by hand and with a password here: neither a mapping nor somebody who needs a provider stands in', async () => {
    await mapProviderGroups(admin.ctx, {
      proof,
      name: 'okta',
      mappings: [{ external: 'Everyone', group: 'sso-admin-group' }],
    });
    const actor = (await checkWebSession(shop.services, await signInBy(anna)))!;
    expect(actor.roles).toContain('admin');
    await updateUser(admin.ctx, { id: actor.identityId, password: PASSWORD, proof: { password: PASSWORD } });
    await createUser(admin.ctx, { email: 'no.password@sso.example', name: 'x', groups: ['sso-admin-group'] });
    // Their sign-in ended with the new password.
    const ctx = { services: shop.services, actor: { ...actor, viaId: 'web_none' } };
    const others = await shop.services.db.identity.findMany({
      where: {
        id: { notIn: [admin.id, actor.identityId] },
        passwordHash: { not: null },
        memberships: { some: { group: { roles: { has: 'admin' } } } },
      },
    });
    for (const { id } of others) await updateUser(ctx, { id, disabled: true });
    await expect(updateUser(ctx, { id: admin.id, disabled: true })).rejects.toMatchObject({ code: 'invalid-state' });
    for (const { id } of others) await updateUser(ctx, { id, disabled: false });
  });
});

describe('a provider', () => {
  it('that is turned off or removed ends its sign-ins and the memberships it gave, and is not there for anybody', async () => {
    await mapProviderGroups(admin.ctx, {
      proof,
      name: 'okta',
      mappings: [{ external: 'Data Team', group: 'analysts' }],
    });
    const first = await signInBy(anna);
    const userId = (await checkWebSession(shop.services, first))!.identityId;
    await updateProvider(admin.ctx, { proof, name: 'okta', enabled: false });
    expect(await checkWebSession(shop.services, first)).toBeNull();
    expect(await shop.services.db.membership.count({ where: { userId } })).toBe(0);
    expect((await refusalOf(begin())).refusal).toBe('no-such-provider');
    await updateProvider(admin.ctx, { proof, name: 'okta', enabled: true });
    const second = await signInBy(anna);
    expect(await removeProvider(admin.ctx, { proof, name: 'okta' })).toEqual({ removed: true, endedSessions: 1 });
    expect(await checkWebSession(shop.services, second)).toBeNull();
    expect(await shop.services.db.membership.count({ where: { userId } })).toBe(0);
  });

  describe('leaves nobody whom it knew a way in that it opened', () => {
    const known = async (password: boolean) => {
      await mapProviderGroups(admin.ctx, {
        proof,
        name: 'okta',
        mappings: [{ external: 'Data Team', group: 'analysts' }],
      });
      const { identityId: id } = (await checkWebSession(shop.services, await signInBy(anna)))!;
      if (password) await updateUser(admin.ctx, { id, password: PASSWORD, proof: { password: PASSWORD } });
      const ctx = {
        services: shop.services,
        actor: (await checkWebSession(shop.services, await signInBy(anna)))!,
      };
      const { token } = await createApiToken(ctx, { name: 't', scopes: ['task:read'], ttlMs: 3_600_000 });
      await shop.passkey({ ...admin, ctx });
      const underWay = await begin();
      const { code } = await finish(await answer(anna, underWay.url), underWay.browser);
      return {
        id,
        async left() {
          const redeem = redeemSignIn(
            shop.services,
            { code, browser: underWay.browser, previousSessionId: null },
            CLIENT,
          );
          const goesOn = await redeem.then(
            () => true,
            () => false,
          );
          return {
            token: (await authenticateApiToken(shop.services, token)) !== null,
            session: (await checkWebSession(shop.services, ctx.actor.viaId)) !== null,
            passkeys: await shop.services.db.passkey.count({ where: { identityId: id } }),
            underWay: goesOn,
          };
        },
      };
    };
    const unlink = (userId: string) => unlinkPerson(admin.ctx, { proof, name: 'okta', userId });
    const remove = () => removeProvider(admin.ctx, { proof, name: 'okta' });
    const turnOff = () => updateProvider(admin.ctx, { proof, name: 'okta', enabled: false });
    const pointElsewhere = () =>
      updateProvider(admin.ctx, { proof, name: 'okta', settings: oidcSettings(other.issuer), clientSecret: SECRET });

    it.each([
      ['unlinked', unlink, 0],
      ['removed', remove, 0],
      ['pointed at another issuer', pointElsewhere, 0],
      // It may be turned on again: what cannot be had back stays.
      ['turned off', turnOff, 1],
    ])('%s, where they have no other', async (_, end, passkeys) => {
      const person = await known(false);
      await end(person.id);
      expect(await person.left()).toEqual({ token: false, session: false, passkeys, underWay: false });
    });

    it.each([
      ['unlinked', unlink],
      ['removed', remove],
    ])('%s: who has a password keeps their passkeys', async (_, end) => {
      const person = await known(true);
      await end(person.id);
      expect(await person.left()).toEqual({ token: false, session: false, passkeys: 1, underWay: false });
    });
  });

  it('that is pointed at another issuer wants its secret again, and knows nobody any more', async () => {
    const session = await signInBy(anna);
    const next = oidcSettings(other.issuer);
    await expect(updateProvider(admin.ctx, { proof, name: 'okta', settings: next })).rejects.toMatchObject({
      code: 'bad-input',
      problems: [{ path: 'clientSecret' }],
    });
    const view = await updateProvider(admin.ctx, { proof, name: 'okta', settings: next, clientSecret: SECRET });
    expect(view.people).toBe(0);
    expect(await checkWebSession(shop.services, session)).toBeNull();
  });

  it('keeps its secret sealed to its row', async () => {
    const row = await shop.services.db.signInProvider.findUniqueOrThrow({ where: { name: 'okta' } });
    expect(Buffer.from(row.sealedSecret!).toString('latin1')).not.toContain(SECRET);
    await createProvider(admin.ctx, { proof, name: 'copy', title: 'Copy', settings: oidcSettings(okta.issuer) });
    await shop.services.db.signInProvider.update({
      where: { name: 'copy' },
      data: { sealedSecret: row.sealedSecret },
    });
    await expect(begin({ provider: 'copy' })).rejects.toMatchObject({ code: 'internal' });
  });

  it('is tested step by step, and one that is not there says so without a sign-in', async () => {
    expect(await testProvider(admin.ctx, { name: 'okta' })).toMatchObject({
      ok: true,
      steps: [{ name: 'discovery' }, { name: 'pkce' }, { name: 'keys', message: expect.stringMatching(/keys?$/) }],
    });
    await createProvider(admin.ctx, {
      proof,
      name: 'gone',
      title: 'Gone',
      settings: oidcSettings('http://127.0.0.1:9'),
    });
    const result = await testProvider(admin.ctx, { name: 'gone' });
    expect(result).toMatchObject({ ok: false, steps: [{ name: 'discovery', ok: false }] });
    expect((await refusalOf(begin({ provider: 'gone' }))).refusal).toBe('provider-unreachable');
    // Whose address has a hundred sign-ins under way is refused before any provider is asked.
    const { db } = shop.services;
    while ((await db.signInFlow.count()) < 100) await begin({ provider: 'okta' });
    expect((await refusalOf(begin({ provider: 'gone' }))).refusal).toBe('too-many');
    await db.signInFlow.deleteMany();
  });

  it('is reached by HTTPS, or on this machine alone', async () => {
    const wish = { name: 'plain', title: 'Plain', settings: oidcSettings('http://idp.example') };
    await expect(createProvider(admin.ctx, { ...wish, proof })).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('is an admin’s to make, change, test and remove', async () => {
    const { ctx } = shop.engineer;
    const forbidden = { code: 'forbidden' };
    const wish = { name: 'mine', title: 'Mine', settings: oidcSettings(okta.issuer) };
    await expect(createProvider(ctx, { ...wish, proof })).rejects.toMatchObject(forbidden);
    await expect(updateProvider(ctx, { proof, name: 'okta', enabled: false })).rejects.toMatchObject(forbidden);
    await expect(removeProvider(ctx, { proof, name: 'okta' })).rejects.toMatchObject(forbidden);
    await expect(testProvider(ctx, { name: 'okta' })).rejects.toMatchObject(forbidden);
    await expect(mapProviderGroups(ctx, { proof, name: 'okta', mappings: [] })).rejects.toMatchObject(forbidden);
    await expect(unlinkPerson(ctx, { proof, name: 'okta', userId: shop.engineer.id })).rejects.toMatchObject(forbidden);
    await expect(loadProvider(ctx, { name: 'okta' })).rejects.toMatchObject(forbidden);
  });
});

it('an address that makes sign-ins fail over and over gets no more audit rows for a while', async () => {
  const { db } = shop.services;
  const before = await db.auditRow.count();
  const outcomes: string[] = [];
  for (let attempt = 0; attempt < 40; attempt++)
    await finish('?state=x&code=y', null).catch((error: SignInRefused) => outcomes.push(error.refusal));
  expect(outcomes).toHaveLength(40);
  expect(outcomes.at(-1)).toBe('too-many');
  expect((await db.auditRow.count()) - before).toBeLessThan(35);
});
