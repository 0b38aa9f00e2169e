import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkWebSession, createProvider, loadAudit, loadProvider, mapProviderGroups, redeemSignIn } from '../index.ts';
import { anna, callbackOf, type OidcShop, oidcSettings, proof, SECRET, startOidcShop } from '../testing/oidc-shop.ts';
import { CLIENT } from '../testing/test-services.ts';

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
      settings: oidcSettings(other.issuer),
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
