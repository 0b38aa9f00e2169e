import type { TestAccount } from '@taskgate/testkit/oidc-provider';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  authenticateApiToken,
  authenticateScimToken,
  checkWebSession,
  createApiToken,
  createGroup,
  createMachine,
  createScimToken,
  createScimUser,
  createUser,
  endUserSessions,
  loadAudit,
  loadProvider,
  loadUsers,
  mapProviderGroups,
  offboard,
  patchScimUser,
  redeemSignIn,
  removeScimUser,
  signIn,
  unlinkPerson,
  updateProvider,
  updateUser,
} from '../index.ts';
import { anna, type OidcShop, proof, startOidcShop } from '../testing/oidc-shop.ts';
import { CLIENT, PASSWORD, type TestPerson } from '../testing/test-services.ts';

let test: OidcShop;
let shop: OidcShop['shop'];
let admin: OidcShop['admin'];
let begin: OidcShop['begin'];
let answer: OidcShop['answer'];
let finish: OidcShop['finish'];
let signInBy: OidcShop['signInBy'];
let refusalOf: OidcShop['refusalOf'];
beforeAll(async () => {
  test = await startOidcShop();
  ({ shop, admin, begin, answer, finish, signInBy, refusalOf } = test);
});
beforeEach(() => test.reset());
afterAll(() => test.stop());

describe('who somebody is', () => {
  /** Without a password here. */
  const local = async (): Promise<TestPerson> => {
    const person = await shop.person(`p${Math.random().toString(36).slice(2, 10)}`, []);
    await shop.services.db.identity.update({ where: { id: person.id }, data: { passwordHash: null } });
    return person;
  };
  const accountOf = (person: TestPerson, verified = true): TestAccount => ({
    subject: `subject of ${person.email}`,
    claims: { email: person.email, email_verified: verified },
  });

  it('an e-mail address alone links to nobody, unless the admin trusts the provider’s word for it', async () => {
    const person = await local();
    const attempt = async () => {
      const { url, browser } = await begin();
      return finish(await answer(accountOf(person), url), browser);
    };
    const { refusal, reason, claims } = await refusalOf(attempt());
    expect(refusal).toBe('not-known-here');
    expect(reason).toMatch(/not trusted to link/);
    expect(claims).toMatchObject({ email: person.email });
    await updateProvider(admin.ctx, { proof, name: 'okta', emailTrust: 'verified' });
    await attempt();
    expect((await loadProvider(admin.ctx, { name: 'okta' })).people).toBe(1);
  });

  it('an address that the provider has not verified links to nobody and makes nobody, unless every one is trusted', async () => {
    const person = await local();
    await updateProvider(admin.ctx, { proof, name: 'okta', emailTrust: 'verified' });
    const attempt = async (account: TestAccount) => {
      const { url, browser } = await begin();
      return finish(await answer(account, url), browser);
    };
    expect((await refusalOf(attempt(accountOf(person, false)))).reason).toMatch(/verified/);
    const unknown = { subject: 'x', claims: { email: 'x@sso.example', email_verified: false } };
    expect((await refusalOf(attempt(unknown))).refusal).toBe('not-known-here');
    await updateProvider(admin.ctx, { proof, name: 'okta', emailTrust: 'always' });
    await attempt(accountOf(person, false));
  });

  it('whether an address is verified is said by who says the address: the ID token’s is not verified by the user info', async () => {
    const person = await local();
    await updateProvider(admin.ctx, { proof, name: 'okta', emailTrust: 'verified' });
    const attempt = async (claims: TestAccount['claims'], idToken: TestAccount['claims']) => {
      const { url, browser } = await begin();
      return finish(await answer({ subject: person.id, claims, idToken }, url), browser);
    };
    const own = { email: 'mallory@sso.example', email_verified: true };
    expect((await refusalOf(attempt(own, { email: person.email }))).reason).toMatch(/verified/);
    expect((await refusalOf(attempt({ email_verified: true }, { email: person.email }))).reason).toMatch(/verified/);
    await attempt({ email: person.email, email_verified: true }, { email: person.email });
  });

  it('once linked it is the subject that counts: another with the same address is refused, a new address changes nothing', async () => {
    await updateProvider(admin.ctx, { proof, name: 'okta', emailTrust: 'always' });
    const first = await checkWebSession(shop.services, await signInBy(anna));
    const { url, browser } = await begin();
    const heir = { subject: 'okta-anna-2', claims: anna.claims };
    expect((await refusalOf(finish(await answer(heir, url), browser))).reason).toMatch(/another subject/);
    const moved = { subject: anna.subject, claims: { email: 'anna.new@sso.example', email_verified: true } };
    const again = await checkWebSession(shop.services, await signInBy(moved));
    expect(again!.identityId).toBe(first!.identityId);
    expect(again!.email).toBe('anna@sso.example');
    await unlinkPerson(admin.ctx, { proof, name: 'okta', userId: first!.identityId });
    expect((await checkWebSession(shop.services, await signInBy(heir)))!.identityId).toBe(first!.identityId);
  });

  it('where the provider makes nobody, a stranger is not known here', async () => {
    await updateProvider(admin.ctx, { proof, name: 'okta', createPeople: false });
    const { url, browser } = await begin();
    expect((await refusalOf(finish(await answer(anna, url), browser))).refusal).toBe('not-known-here');
  });

  it('who is disabled stays out, also between the proof and the session', async () => {
    const actor = (await checkWebSession(shop.services, await signInBy(anna)))!;
    const { url, browser } = await begin();
    const { code } = await finish(await answer(anna, url), browser);
    await updateUser(admin.ctx, { id: actor.identityId, disabled: true });
    const redeem = redeemSignIn(shop.services, { code, browser, previousSessionId: null }, CLIENT);
    expect((await refusalOf(redeem)).refusal).toBe('disabled');
    const next = await begin();
    expect((await refusalOf(finish(await answer(anna, next.url), next.browser))).refusal).toBe('disabled');
  });

  describe('the first link by address', () => {
    /** With a sign-in, an API token and an agent; and with these ways of their own to come in. */
    const used = async (own: { readonly password: boolean; readonly passkey: boolean }) => {
      await updateProvider(admin.ctx, { proof, name: 'okta', emailTrust: 'verified' });
      const name = `p${Math.random().toString(36).slice(2, 10)}`;
      const person = await shop.person(name, ['engineer']);
      const { webSessionId } = await signIn(shop.services, { email: person.email, password: PASSWORD }, CLIENT);
      const ctx = { services: shop.services, actor: (await checkWebSession(shop.services, webSessionId))! };
      const { token } = await createApiToken(ctx, { name: 't', scopes: ['task:read'], ttlMs: 3_600_000 });
      if (own.passkey) await shop.passkey({ ...person, ctx });
      if (!own.password)
        await shop.services.db.identity.update({ where: { id: person.id }, data: { passwordHash: null } });
      const agent = await createMachine(admin.ctx, {
        ...{ kind: 'agent', name: `${name}-bot`, actsFor: person.email, tasks: [], proof: null },
      });
      return {
        ...person,
        webSessionId,
        async left() {
          const row = await shop.services.db.identity.findUniqueOrThrow({
            where: { id: person.id },
            include: { passkeys: true, providerLinks: true },
          });
          const bot = await shop.services.db.identity.findUniqueOrThrow({ where: { id: agent.id } });
          return {
            linked: row.providerLinks.length === 1,
            session: (await checkWebSession(shop.services, webSessionId)) !== null,
            token: (await authenticateApiToken(shop.services, token)) !== null,
            agent: bot.disabledAt === null,
            password: row.passwordHash !== null,
            passkey: row.passkeys.length === 1,
          };
        },
      };
    };
    const link = async (person: TestPerson, sessionId: string | null) => {
      const { url, browser } = await begin({}, null, sessionId);
      return finish(await answer(accountOf(person), url), browser);
    };
    const KEPT = { session: true, token: true, agent: true };
    const ENDED = { session: false, token: false, agent: false };
    const NEITHER = { password: false, passkey: false };
    const OWN = [
      { password: true, passkey: true },
      { password: true, passkey: false },
      { password: false, passkey: true },
    ];

    it.each(OWN)('is refused to who has a way in of their own, and takes nothing from them: %o', async (own) => {
      const [person, stranger] = [await used(own), await used(own)];
      for (const session of [null, stranger.webSessionId]) {
        const { refusal, reason } = await refusalOf(link(person, session));
        expect(refusal).toBe('not-known-here');
        expect(reason).toMatch(/has a password, a passkey or another provider here/);
      }
      expect(await person.left()).toEqual({ linked: false, ...KEPT, ...own });
    });

    it.each(OWN)('ends nothing where they are signed in as themself when they begin: %o', async (own) => {
      const person = await used(own);
      await link(person, person.webSessionId);
      expect(await person.left()).toEqual({ linked: true, ...KEPT, ...own });
    });

    it('is refused to who comes in by another provider: whoever made the account there would stay in it', async () => {
      const person = await used(NEITHER);
      await shop.services.db.signInProvider.create({
        data: {
          id: 'idp_weak',
          enabled: true,
          createPeople: false,
          name: 'weak',
          title: 'Weak',
          kind: 'oidc',
          settings: {},
          emailTrust: 'never',
          createdAt: new Date(shop.clock.now()),
          updatedAt: new Date(shop.clock.now()),
          links: {
            create: {
              subject: 'mallory',
              identityId: person.id,
              groups: [],
              createdAt: new Date(shop.clock.now()),
              lastSignInAt: new Date(shop.clock.now()),
            },
          },
        },
      });
      expect((await refusalOf(link(person, null))).refusal).toBe('not-known-here');
      expect(await person.left()).toMatchObject({ ...KEPT, ...NEITHER });
      const { providerLink } = shop.services.db;
      expect(await providerLink.count({ where: { identityId: person.id, provider: { name: 'okta' } } })).toBe(0);
    });

    it('ends what else whoever had the account before could come in with, and the audit says so', async () => {
      const person = await used(NEITHER);
      await link(person, null);
      expect(await person.left()).toEqual({ linked: true, ...ENDED, ...NEITHER });
      const { items } = await loadAudit(shop.auditor.ctx, { subject: person.id });
      expect(items.find(({ action }) => action === 'user.link')!.after).toMatchObject({
        ended: { webSessions: 1, apiTokens: 1, scimTokens: 0, agents: 1 },
      });
      // The next sign-in by it ends nothing.
      await link(person, null);
      expect((await loadAudit(shop.auditor.ctx, { subject: person.id })).items).toHaveLength(items.length);
    });

    it('is no way to keep it for who is signed in as somebody else, or was', async () => {
      const [person, stranger] = [await used(NEITHER), await used(NEITHER)];
      await link(person, stranger.webSessionId);
      expect(await person.left()).toEqual({ linked: true, ...ENDED, ...NEITHER });
      await endUserSessions(admin.ctx, { id: stranger.id });
      await link(stranger, stranger.webSessionId);
      expect(await stranger.left()).toEqual({ linked: true, ...ENDED, ...NEITHER });
    });
  });

  it('an address that the directory changed links to nobody, unless its token may take people over', async () => {
    await updateProvider(admin.ctx, { proof, name: 'okta', emailTrust: 'verified' });
    const directory = async (adopts: boolean) => {
      const { token } = await createScimToken(admin.ctx, { proof, name: 'd', adopts, ttlMs: 60_000 });
      return (await authenticateScimToken(shop.services, token))!;
    };
    const [plain, adopting] = [await directory(false), await directory(true)];
    const attempt = async (email: string) => {
      const { url, browser } = await begin();
      return finish(await answer({ subject: email, claims: { email, email_verified: true } }, url), browser);
    };
    for (const userName of ['kept@sso.example', 'moved@sso.example']) await createScimUser(plain, { userName });
    await attempt('kept@sso.example');
    const { identityId: id } = await shop.services.db.directoryUser.findFirstOrThrow({
      where: { userName: 'moved@sso.example' },
    });
    const rename = (email: string) => ({ Operations: [{ op: 'replace', value: { emails: [{ value: email }] } }] });
    await patchScimUser(plain, id, rename('mallory@sso.example'));
    expect(await refusalOf(attempt('mallory@sso.example'))).toMatchObject({
      refusal: 'not-known-here',
      reason: expect.stringContaining('the directory changed'),
    });
    // Nor back: what it was changed from may be somebody else's by now.
    await patchScimUser(plain, id, rename('moved@sso.example'));
    expect((await refusalOf(attempt('moved@sso.example'))).refusal).toBe('not-known-here');
    // A token that may take people over vouches for the addresses that it sets, and for no other.
    await patchScimUser(adopting, id, { Operations: [{ op: 'replace', value: { displayName: 'M' } }] });
    expect((await refusalOf(attempt('moved@sso.example'))).refusal).toBe('not-known-here');
    for (const email of ['other@sso.example', 'moved@sso.example']) await patchScimUser(adopting, id, rename(email));
    await attempt('moved@sso.example');
  });

  it('who was offboarded is kept out by the subject that they are, whatever their address is now', async () => {
    const actor = (await checkWebSession(shop.services, await signInBy(anna)))!;
    await offboard(admin.ctx, { id: actor.identityId, reason: 'left' });
    await mapProviderGroups(admin.ctx, {
      proof,
      name: 'okta',
      mappings: [{ external: 'Data Team', group: 'analysts' }],
    });
    expect(await shop.services.db.membership.count({ where: { userId: actor.identityId } })).toBe(0);
    const { url, browser } = await begin();
    const moved = { subject: anna.subject, claims: { email: 'anna.new@sso.example', email_verified: true } };
    expect((await refusalOf(finish(await answer(moved, url), browser))).refusal).toBe('disabled');
  });

  it('nobody comes in anew at the address of somebody whom an admin locked and the directory then removed', async () => {
    const { token } = await createScimToken(admin.ctx, { proof, name: 'd', ttlMs: 60_000 });
    const directory = (await authenticateScimToken(shop.services, token))!;
    const { id } = await createScimUser(directory, { userName: 'left@sso.example' });
    await offboard(admin.ctx, { id, reason: 'left' });
    await removeScimUser(directory, String(id));
    const { url, browser } = await begin();
    const left = { subject: 'left', claims: { email: 'left@sso.example', email_verified: true } };
    expect((await refusalOf(finish(await answer(left, url), browser))).refusal).toBe('disabled');
  });

  describe('nobody whom an admin locked comes in anew by an address that they had, without an admin', () => {
    const rename = (email: string) => ({
      Operations: [{ op: 'replace', value: { userName: email, emails: [{ value: email }] } }],
    });
    let named = 0;
    beforeEach(() => updateProvider(admin.ctx, { proof, name: 'okta', emailTrust: 'verified' }));

    /** Somebody of the directory, with two addresses that nobody had. */
    async function leaver() {
      const [before, after] = [`before${++named}@sso.example`, `after${named}@sso.example`];
      const { token } = await createScimToken(admin.ctx, { proof, name: `d${named}`, ttlMs: 600_000 });
      const directory = (await authenticateScimToken(shop.services, token))!;
      const id = String((await createScimUser(directory, { userName: before })).id);
      return { id, directory, before, after };
    }
    const comeIn = async (email: string) => {
      const { url, browser } = await begin();
      const answered = await answer({ subject: email, claims: { email, email_verified: true } }, url);
      return finish(answered, browser);
    };

    it.each([
      ['renamed after they were locked', ['lock', 'rename']],
      ['renamed before', ['rename', 'lock']],
      ['renamed, then removed', ['lock', 'rename', 'remove']],
      ['given to somebody else, who gave it up', ['lock', 'rename', 'lend']],
    ] as const)('%s', async (_, deeds) => {
      const { id, directory, before, after } = await leaver();
      for (const deed of deeds)
        if (deed === 'lock') await offboard(admin.ctx, { id, reason: 'left' });
        else if (deed === 'rename') await patchScimUser(directory, id, rename(after));
        else if (deed === 'remove') await removeScimUser(directory, id);
        else {
          const other = String((await createScimUser(directory, { userName: `other-${before}` })).id);
          await patchScimUser(directory, other, rename(before));
          await patchScimUser(directory, other, rename(`other-${before}`));
        }
      expect((await refusalOf(comeIn(before))).refusal).toBe('disabled');
      expect(['disabled', 'not-known-here']).toContain((await refusalOf(comeIn(after))).refusal);
      // Nor by the directory, which makes whoever is next locked.
      const next = await createScimUser(directory, { userName: before });
      expect(next.active).toBe(false);
      expect((await refusalOf(comeIn(before))).refusal).toBe('disabled');
      await updateUser(admin.ctx, { id: String(next.id), disabled: false });
      await comeIn(before);
    });

    it('and only an admin makes them anew by hand, after which the address is as any other', async () => {
      const { id, directory, before, after } = await leaver();
      await offboard(admin.ctx, { id, reason: 'left' });
      await patchScimUser(directory, id, rename(after));
      await createGroup(admin.ctx, { name: 'people-desk', roles: [], scopes: ['people:read', 'people:write'] });
      const desk = await shop.person(`desk${named}`, [], ['people-desk']);
      const wish = { email: before, name: 'Anew', groups: [] };
      await expect(createUser(desk.ctx, wish)).rejects.toMatchObject({ code: 'forbidden' });
      const made = await createUser(admin.ctx, wish);
      await comeIn(before);
      const { items } = await loadUsers(admin.ctx, { q: before });
      expect(items).toContainEqual(expect.objectContaining({ id: made.id, providers: ['okta'] }));
    });
  });

  it('somebody without a password here cannot sign in with one', async () => {
    await signInBy(anna);
    await expect(
      signIn(shop.services, { email: 'anna@sso.example', password: PASSWORD }, CLIENT),
    ).rejects.toMatchObject({
      code: 'wrong-password',
    });
  });
});
