import { startTestOidcProvider, type TestAccount, type TestOidcProvider } from '@taskgate/testkit/oidc-provider';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  activateGrant,
  authenticateApiToken,
  authenticateScimToken,
  checkWebSession,
  createApiToken,
  createGroup,
  createMachine,
  createProvider,
  createScimToken,
  createScimUser,
  createUser,
  endUserSessions,
  finishOidcSignIn,
  loadAudit,
  loadProvider,
  mapProviderGroups,
  offboard,
  patchScimUser,
  redeemSignIn,
  removeProvider,
  removeScimUser,
  requestGrant,
  SignInRefused,
  signIn,
  startProviderSignIn,
  testProvider,
  unlinkPerson,
  updateGroup,
  updateProvider,
  updateUser,
} from '../index.ts';
import { CLIENT, PASSWORD, type TestPerson } from '../testing/test-services.ts';
import { startTestShop, type TestShop } from '../testing/test-shop.ts';

const SECRET = 'the secret of a client';
const callbackOf = (name: string): string => `http://127.0.0.1:3000/api/sign-in/${name}/callback`;

const proof = { password: PASSWORD };

let shop: TestShop;
let admin: TestPerson;
let okta: TestOidcProvider;
let other: TestOidcProvider;
beforeAll(async () => {
  shop = await startTestShop();
  await createGroup(shop.setup, { name: 'support', roles: ['engineer'] });
  admin = await shop.person('sso-admin', ['admin']);
  [okta, other] = (await Promise.all(
    ['okta', 'other'].map((name) =>
      startTestOidcProvider([{ clientId: 'taskgate', clientSecret: SECRET, redirectUri: callbackOf(name) }]),
    ),
  )) as [TestOidcProvider, TestOidcProvider];
});
afterAll(async () => {
  await Promise.all([shop.stop(), okta.stop(), other.stop()]);
});

const settings = (issuer: string) => ({
  kind: 'oidc' as const,
  issuer,
  clientId: 'taskgate',
  scopes: ['openid', 'email', 'profile', 'groups'],
  groupsClaim: 'groups',
});
const anna: TestAccount = {
  subject: 'okta-anna',
  claims: { email: 'Anna@sso.example', email_verified: true, name: 'Anna Sso', groups: ['Data Team', 'Everyone'] },
};

beforeEach(async () => {
  await shop.services.db.signInProvider.deleteMany();
  await shop.services.db.attemptWindow.deleteMany();
  // Who holds a grant stays for good; the next test's Anna is somebody else.
  await shop.services.db
    .$executeRaw`UPDATE identities SET email = id || '@before.example' WHERE email LIKE '%@sso.example'`;
  await createProvider(admin.ctx, {
    proof,
    name: 'okta',
    title: 'Okta',
    settings: settings(okta.issuer),
    clientSecret: SECRET,
    createPeople: true,
  });
});

interface Attempt {
  readonly provider?: string;
  readonly idp?: TestOidcProvider;
  readonly next?: string;
}

async function begin(
  { provider = 'okta', next = '/tasks' }: Attempt = {},
  browser: string | null = null,
  webSessionId: string | null = null,
) {
  return startProviderSignIn(shop.services, { provider, next, browser, webSessionId }, CLIENT);
}
async function answer(account: TestAccount | null, url: string, idp = okta): Promise<string> {
  idp.signInAs(account);
  return (await idp.answer(url)).search;
}
async function finish(query: string, browser: string | null, provider = 'okta') {
  return finishOidcSignIn(shop.services, { provider, query, browser }, CLIENT);
}
/** The whole of a sign-in, as the browser does it; gives the session's id. */
async function signInBy(account: TestAccount, attempt: Attempt = {}): Promise<string> {
  const { url, browser } = await begin(attempt);
  const query = await answer(account, url, attempt.idp);
  const { code } = await finish(query, browser, attempt.provider);
  const { webSessionId } = await redeemSignIn(shop.services, { code, browser, previousSessionId: null }, CLIENT);
  return webSessionId;
}
async function refusalOf(work: Promise<unknown>): Promise<{ refusal: string; reason: string; claims: unknown }> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SignInRefused);
  const { refusal, reference } = error as SignInRefused;
  const { items } = await loadAudit(shop.auditor.ctx, { subject: reference! });
  expect(items).toHaveLength(1);
  expect(items[0]).toMatchObject({ action: 'user.sign-in-refused', via: 'sign-in' });
  const after = items[0]!.after as { refusal: string; reason: string; claims: unknown };
  expect(after.refusal).toBe(refusal);
  return { refusal, reason: after.reason, claims: after.claims };
}

describe('a sign-in at an OpenID Connect provider', () => {
  it('ends in a session of the web, with the groups that are mapped and no others, and is audited with the provider', async () => {
    await mapProviderGroups(admin.ctx, {
      proof,
      name: 'okta',
      mappings: [{ external: 'Data Team', group: 'analysts' }],
    });
    const { url, browser } = await begin({ next: '/tasks/sales-report' });
    const asked = new URL(url);
    expect(asked.searchParams.get('code_challenge_method')).toBe('S256');
    expect(asked.searchParams.get('redirect_uri')).toBe(callbackOf('okta'));
    const proven = await finish(await answer(anna, url), browser);
    expect(proven.next).toBe('/tasks/sales-report');
    const { webSessionId } = await redeemSignIn(
      shop.services,
      { code: proven.code, browser, previousSessionId: null },
      CLIENT,
    );
    const actor = await checkWebSession(shop.services, webSessionId);
    expect(actor).toMatchObject({ email: 'anna@sso.example', name: 'Anna Sso', groups: ['analysts'], via: 'session' });
    const { items } = await loadAudit(shop.auditor.ctx, { subject: actor!.identityId });
    expect(items.map(({ action }) => action).sort()).toEqual([
      'user.create',
      'user.link',
      'user.sign-in',
      'user.sync-groups',
    ]);
    expect(items.find(({ action }) => action === 'user.sign-in')!.after).toMatchObject({
      provider: 'okta',
      webSession: webSessionId,
    });
    expect(JSON.stringify(items)).not.toContain(proven.code);
    const view = await loadProvider(admin.ctx, { name: 'okta' });
    expect(view.seenGroups.map(({ external }) => external)).toEqual(['Data Team', 'Everyone']);
    expect(JSON.stringify(view)).not.toContain(SECRET);
  });

  it('takes no answer in another browser than began: nobody is signed in as somebody else by a link', async () => {
    const { url } = await begin();
    const victim = await begin();
    const query = await answer(anna, url);
    expect((await refusalOf(finish(query, victim.browser))).refusal).toBe('started-elsewhere');
    expect((await refusalOf(finish(query, null))).refusal).toBe('started-elsewhere');
  });

  it('takes no answer with a state that is not its own', async () => {
    const { url, browser } = await begin();
    const query = new URLSearchParams(await answer(anna, url));
    query.set('state', 'made-up');
    expect((await refusalOf(finish(`?${query}`, browser))).refusal).toBe('started-elsewhere');
  });

  it('takes an answer once, and a code once', async () => {
    const { url, browser } = await begin();
    const query = await answer(anna, url);
    const { code } = await finish(query, browser);
    expect((await refusalOf(finish(query, browser))).reason).toMatch(/answered already/);
    const redeem = () => redeemSignIn(shop.services, { code, browser, previousSessionId: null }, CLIENT);
    await redeem();
    expect((await refusalOf(redeem())).refusal).toBe('too-late');
  });

  it('of two answers at once one goes on', async () => {
    const { url, browser } = await begin();
    const query = await answer(anna, url);
    const outcomes = await Promise.allSettled([finish(query, browser), finish(query, browser)]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('redeems a code only in the browser that began, and only within a minute', async () => {
    const first = await begin();
    const stranger = await begin();
    const { code } = await finish(await answer(anna, first.url), first.browser);
    const redeem = (browser: string | null) =>
      redeemSignIn(shop.services, { code, browser, previousSessionId: null }, CLIENT);
    expect((await refusalOf(redeem(stranger.browser))).refusal).toBe('started-elsewhere');
    expect((await refusalOf(redeem(null))).refusal).toBe('started-elsewhere');
    shop.clock.advance(61_000);
    expect((await refusalOf(redeem(first.browser))).refusal).toBe('too-late');
  });

  it('is over after ten minutes', async () => {
    const { url, browser } = await begin();
    const query = await answer(anna, url);
    shop.clock.advance(10 * 60_000 + 1);
    expect((await refusalOf(finish(query, browser))).refusal).toBe('too-late');
  });

  it('says that the provider refused where it did, with its words in the audit', async () => {
    const { url, browser } = await begin();
    const { refusal, reason } = await refusalOf(finish(await answer(null, url), browser));
    expect(refusal).toBe('provider-refused');
    expect(reason).toContain('access_denied');
  });

  it('ends the sign-in that this browser had', async () => {
    const before = await signInBy(anna);
    const { url, browser } = await begin();
    const { code } = await finish(await answer(anna, url), browser);
    await redeemSignIn(shop.services, { code, browser, previousSessionId: before }, CLIENT);
    expect(await checkWebSession(shop.services, before)).toBeNull();
  });
});

describe('several providers at once', () => {
  beforeEach(async () => {
    await createProvider(admin.ctx, {
      proof,
      name: 'other',
      title: 'Other',
      settings: settings(other.issuer),
      clientSecret: SECRET,
      createPeople: true,
    });
  });

  it('sign-ins at two in one browser go side by side', async () => {
    const one = await begin();
    const two = await begin({ provider: 'other' }, one.browser);
    expect(two.browser).toBe(one.browser);
    const bert = { subject: 'other-bert', claims: { email: 'bert@sso.example', email_verified: true } };
    await finish(await answer(bert, two.url, other), two.browser, 'other');
    await finish(await answer(anna, one.url), one.browser);
  });

  it('an answer that comes to another provider’s address is refused (mix-up)', async () => {
    const { url, browser } = await begin();
    const query = await answer(anna, url);
    expect((await refusalOf(finish(query, browser, 'other'))).reason).toMatch(/another provider/);
  });

  it('an answer that names another issuer than was asked is refused (mix-up, RFC 9207)', async () => {
    const { url, browser } = await begin();
    const query = new URLSearchParams(await answer(anna, url));
    expect(query.get('iss')).toBe(okta.issuer);
    query.set('iss', other.issuer);
    expect((await refusalOf(finish(`?${query}`, browser))).refusal).toBe('answer-not-valid');
  });

  it('the same subject at another provider is somebody else', async () => {
    const first = await checkWebSession(shop.services, await signInBy(anna));
    const twin = { subject: anna.subject, claims: { email: 'twin@sso.example', email_verified: true } };
    const second = await checkWebSession(shop.services, await signInBy(twin, { provider: 'other', idp: other }));
    expect(second!.identityId).not.toBe(first!.identityId);
  });
});

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

  it('somebody without a password here cannot sign in with one', async () => {
    await signInBy(anna);
    await expect(
      signIn(shop.services, { email: 'anna@sso.example', password: PASSWORD }, CLIENT),
    ).rejects.toMatchObject({
      code: 'wrong-password',
    });
  });
});

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
      updateProvider(admin.ctx, { proof, name: 'okta', settings: settings(other.issuer), clientSecret: SECRET });

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
    const next = settings(other.issuer);
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
    await createProvider(admin.ctx, { proof, name: 'copy', title: 'Copy', settings: settings(okta.issuer) });
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
    await createProvider(admin.ctx, { proof, name: 'gone', title: 'Gone', settings: settings('http://127.0.0.1:9') });
    const result = await testProvider(admin.ctx, { name: 'gone' });
    expect(result).toMatchObject({ ok: false, steps: [{ name: 'discovery', ok: false }] });
    expect((await refusalOf(begin({ provider: 'gone' }))).refusal).toBe('provider-unreachable');
  });

  it('is reached by HTTPS, or on this machine alone', async () => {
    const wish = { name: 'plain', title: 'Plain', settings: settings('http://idp.example') };
    await expect(createProvider(admin.ctx, { ...wish, proof })).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('is an admin’s to make, change, test and remove', async () => {
    const { ctx } = shop.engineer;
    const forbidden = { code: 'forbidden' };
    const wish = { name: 'mine', title: 'Mine', settings: settings(okta.issuer) };
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
