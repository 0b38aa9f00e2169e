import { startTestOidcProvider, type TestAccount, type TestOidcProvider } from '@taskgate/testkit/oidc-provider';
import { expect } from 'vitest';
import { loadAudit } from '../audit/load-audit.ts';
import { createGroup } from '../people/create-group.ts';
import { createProvider } from '../providers/create-provider.ts';
import { finishOidcSignIn } from '../sign-in/finish-oidc-sign-in.ts';
import { redeemSignIn } from '../sign-in/redeem-sign-in.ts';
import { SignInRefused } from '../sign-in/sign-in-refused.ts';
import { startProviderSignIn } from '../sign-in/start-provider-sign-in.ts';
import { CLIENT, PASSWORD, type TestPerson } from './test-services.ts';
import { startTestShop, type TestShop } from './test-shop.ts';

export const SECRET = 'the secret of a client';
export const proof = { password: PASSWORD };
export const callbackOf = (name: string): string => `http://127.0.0.1:3000/api/sign-in/${name}/callback`;

export const anna: TestAccount = {
  subject: 'okta-anna',
  claims: { email: 'Anna@sso.example', email_verified: true, name: 'Anna Sso', groups: ['Data Team', 'Everyone'] },
};

export const oidcSettings = (issuer: string) => ({
  kind: 'oidc' as const,
  issuer,
  clientId: 'taskgate',
  scopes: ['openid', 'email', 'profile', 'groups'],
  groupsClaim: 'groups',
});

export interface Attempt {
  readonly provider?: string;
  readonly idp?: TestOidcProvider;
  readonly next?: string;
}

/** A shop whose people sign in at real OpenID Connect providers, the steps of a sign-in as the browser takes them. */
export interface OidcShop {
  readonly shop: TestShop;
  readonly admin: TestPerson;
  /** The provider `okta` of each test, and another one that no test has yet. */
  readonly okta: TestOidcProvider;
  readonly other: TestOidcProvider;
  /** Before each test: one provider, and nobody whom another test knew. */
  reset(): Promise<void>;
  begin(
    attempt?: Attempt,
    browser?: string | null,
    webSessionId?: string | null,
  ): ReturnType<typeof startProviderSignIn>;
  answer(account: TestAccount | null, url: string, idp?: TestOidcProvider): Promise<string>;
  finish(query: string, browser: string | null, provider?: string): ReturnType<typeof finishOidcSignIn>;
  /** The whole of a sign-in; gives the session's id. */
  signInBy(account: TestAccount, attempt?: Attempt): Promise<string>;
  /** That it is refused, and what the audit says of it. */
  refusalOf(work: Promise<unknown>): Promise<{ refusal: string; reason: string; claims: unknown }>;
  stop(): Promise<void>;
}

export async function startOidcShop(): Promise<OidcShop> {
  const shop = await startTestShop();
  await createGroup(shop.setup, { name: 'support', roles: ['engineer'] });
  const admin = await shop.person('sso-admin', ['admin']);
  const [okta, other] = (await Promise.all(
    ['okta', 'other'].map((name) =>
      startTestOidcProvider([{ clientId: 'taskgate', clientSecret: SECRET, redirectUri: callbackOf(name) }]),
    ),
  )) as [TestOidcProvider, TestOidcProvider];

  const begin: OidcShop['begin'] = ({ provider = 'okta', next = '/tasks' } = {}, browser = null, webSessionId = null) =>
    startProviderSignIn(shop.services, { provider, next, browser, webSessionId }, CLIENT);
  const answer: OidcShop['answer'] = async (account, url, idp = okta) => {
    idp.signInAs(account);
    return (await idp.answer(url)).search;
  };
  const finish: OidcShop['finish'] = (query, browser, provider = 'okta') =>
    finishOidcSignIn(shop.services, { provider, query, browser }, CLIENT);
  return {
    shop,
    admin,
    okta,
    other,
    async reset() {
      await shop.services.db.signInProvider.deleteMany();
      await shop.services.db.attemptWindow.deleteMany();
      // Who holds a grant stays for good; the next test's Anna is somebody else.
      await shop.services.db
        .$executeRaw`UPDATE identities SET email = id || '@before.example' WHERE email LIKE '%@sso.example'`;
      await createProvider(admin.ctx, {
        proof,
        name: 'okta',
        title: 'Okta',
        settings: oidcSettings(okta.issuer),
        clientSecret: SECRET,
        createPeople: true,
      });
    },
    begin,
    answer,
    finish,
    async signInBy(account, attempt = {}) {
      const { url, browser } = await begin(attempt);
      const query = await answer(account, url, attempt.idp);
      const { code } = await finish(query, browser, attempt.provider);
      const { webSessionId } = await redeemSignIn(shop.services, { code, browser, previousSessionId: null }, CLIENT);
      return webSessionId;
    },
    async refusalOf(work) {
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
    },
    stop: async () => {
      await Promise.all([shop.stop(), okta.stop(), other.stop()]);
    },
  };
}
