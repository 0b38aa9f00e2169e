import { startTestOidcProvider, type TestOidcProvider } from '@taskgate/testkit/oidc-provider';
import { startTestSamlIdp, type TestSamlIdp } from '@taskgate/testkit/saml-idp';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { inBrowserOf } from '../api.ts';
import { startBrowser, type TestBrowser, type Visitor } from '../browser.ts';
import { expectAccessible } from '../expect-accessible.ts';

/** People stay when their provider is removed: each run has its own. */
const AT = `@run-${Date.now()}.example`;
const OIDC = 'e2e-oidc';
const SAML = 'e2e-saml';
/** Each look with axe takes seconds, in two themes. */
const SLOW = { timeout: 120_000 };
const SECRET = 'a client secret that nobody may see';

let browser: TestBrowser;
let oidc: TestOidcProvider;
let saml: TestSamlIdp;
let visitors: Visitor[] = [];
beforeAll(async () => {
  browser = await startBrowser();
  const redirectUri = `${inject('system').webUrl}/api/sign-in/${OIDC}/callback`;
  oidc = await startTestOidcProvider([{ clientId: 'taskgate', clientSecret: SECRET, redirectUri }]);
  saml = await startTestSamlIdp();
});
afterAll(async () => {
  const admin = await inBrowserOf('admin');
  const proof = { password: inject('system').password };
  for (const name of [OIDC, SAML])
    await admin.call('POST', `/sign-in-providers/${name}/remove`, { proof }).catch(() => null);
  await Promise.all([browser.close(), oidc.stop(), saml.stop()]);
});
afterEach(async () => {
  const faults = visitors.flatMap((visitor) => visitor.faults);
  await Promise.all(visitors.map(({ context }) => context.close()));
  visitors = [];
  expect(faults).toEqual([]);
});
const visit = async (person?: 'admin' | 'engineer'): Promise<Visitor> => {
  const visitor = person ? await browser.as(person) : await browser.visitor();
  visitors.push(visitor);
  return visitor;
};

/** Shows, by keyboard, that it is who is signed in: the field has the focus. */
async function prove(page: Page): Promise<void> {
  const field = page.getByLabel('Your password', { exact: true });
  await field.waitFor();
  await expect.poll(() => field.evaluate((element) => element === document.activeElement)).toBe(true);
  await page.keyboard.type(inject('system').password);
  await page.keyboard.press('Enter');
}

test('an admin adds an OpenID Connect provider by keyboard alone, tests it, and maps a group', {
  timeout: 120_000,
}, async () => {
  const { page } = await visit('admin');
  await page.goto('/people?tab=sign-in');
  await page.getByText('Everybody signs in with a password kept here').waitFor();
  await expectAccessible(page);
  await page.getByRole('link', { name: 'New provider' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'New sign-in provider' }).waitFor();
  await expectAccessible(page);
  await page.getByLabel('OpenID Connect').focus();
  const type = async (text: string) => {
    await page.keyboard.press('Tab');
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type(text);
  };
  for (const text of [OIDC, 'Test Okta', oidc.issuer, 'taskgate', SECRET, 'openid email profile groups', 'groups'])
    await type(text);
  await page.keyboard.press('Tab'); // the trust stays `never`
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space'); // the first sign-in makes the person
  await page.keyboard.press('Enter');
  await prove(page);
  await page.getByRole('heading', { level: 1, name: 'Test Okta' }).waitFor();
  await page.getByText(`/api/sign-in/${OIDC}/callback`).waitFor();
  expect(await page.content()).not.toContain(SECRET);

  await page.getByRole('button', { name: 'Test', exact: true }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('The provider can be used.').waitFor();
  await page.getByRole('button', { name: 'Map a group' }).focus();
  await page.keyboard.press('Enter');
  await page.getByLabel('Group of Test Okta, mapping 1').fill('Data Team');
  await page.getByLabel('Our group, mapping 1').selectOption('analysts');
  await page.getByRole('button', { name: 'Save the groups' }).focus();
  await page.keyboard.press('Enter');
  await prove(page);
  await page.getByText('The groups are mapped').waitFor();
  await expectAccessible(page);
});

const anna = {
  subject: 'e2e-anna',
  claims: { email: `anna${AT}`, email_verified: true, name: 'Anna E2E', groups: ['Data Team', 'Everyone'] },
};

test(
  'somebody signs in by OpenID Connect, comes to where they wanted, and has the groups that are mapped',
  SLOW,
  async () => {
    oidc.signInAs(anna);
    const { page, context } = await visit();
    const requested: string[] = [];
    page.on('request', (request) => void requested.push(request.url()));
    await page.goto('/tasks');
    await page.waitForURL('**/login?next=%2Ftasks');
    await expectAccessible(page);
    await page.getByRole('link', { name: 'Sign in with Test Okta' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/tasks');
    await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor();
    const me = await page.request.get('/api/v1/me');
    expect(await me.json()).toMatchObject({ email: `anna${AT}`, groups: ['analysts'], via: 'session' });
    // The code was in no request and is in no history.
    expect(requested.some((url) => url.includes('tgo_'))).toBe(false);
    await page.goBack();
    expect(page.url()).not.toContain('tgo_');
    const cookies = await context.cookies();
    expect(cookies.find(({ name }) => name === 'taskgate-sign-in')).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
  },
);

test('a link with somebody else’s answer signs nobody in (login CSRF)', async () => {
  oidc.signInAs({ ...anna, subject: 'e2e-mallory', claims: { email: `mallory${AT}`, email_verified: true } });
  const mallory = await visit();
  const begun = await mallory.page.request.get(`/api/sign-in/${OIDC}/start`, { maxRedirects: 0 });
  const answer = await oidc.answer(begun.headers().location!);
  const victim = await visit();
  await victim.page.goto(answer.href);
  await victim.page.waitForURL('**/login?refused=started-elsewhere**');
  await victim.page.getByText('This sign-in was not begun in this browser').waitFor();
  expect((await victim.page.request.get('/api/v1/me')).status()).toBe(401);
});

test('another site cannot begin a sign-in', async () => {
  const { page } = await visit();
  const answer = await page.request.get(`/api/sign-in/${OIDC}/start`, {
    headers: { 'sec-fetch-site': 'cross-site' },
    maxRedirects: 0,
  });
  expect(answer.status()).toBe(403);
});

test('who is not known here is told so, with a reference that the admin finds the whole reason by', SLOW, async () => {
  const admin = await inBrowserOf('admin');
  const proof = { password: inject('system').password };
  await admin.call('PATCH', `/sign-in-providers/${OIDC}`, { createPeople: false, proof });
  oidc.signInAs({ subject: 'e2e-nobody', claims: { email: `nobody${AT}`, email_verified: true } });
  const { page } = await visit();
  await page.goto('/login');
  await page.getByRole('link', { name: 'Sign in with Test Okta' }).click();
  await page.getByText('The provider knows you, and you are not known here.').waitFor();
  await expectAccessible(page);
  const reference = /reference=(aud_\w+)/.exec(page.url())![1]!;
  await page.getByText(reference).waitFor();
  const admins = await visit('admin');
  await admins.page.goto(`/audit?subject=${reference}`);
  await admins.page.getByText('user.sign-in-refused').first().waitFor();
  await admins.page.getByRole('button', { name: 'Changes of user.sign-in-refused' }).click();
  await admins.page.getByText('the provider makes nobody').waitFor();
  await admins.page.getByText(`nobody${AT}`).waitFor();
});

test('what a link says is no message of the sign-in page', async () => {
  const { page } = await visit();
  await page.goto('/login?refused=made-up&reference=call-0800-mallory');
  await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
  expect(await page.textContent('main')).not.toContain('mallory');
  await page.goto('/login?refused=disabled&reference=call-0800-mallory');
  await page.getByText('Your account here is disabled.').waitFor();
  expect(await page.textContent('main')).not.toContain('mallory');
});

test('an admin adds a SAML provider, and somebody signs in by it', SLOW, async () => {
  const { page } = await visit('admin');
  await page.goto('/people/sign-in/new');
  await page.getByLabel('SAML 2.0').check();
  await page.getByLabel('Name', { exact: true }).fill(SAML);
  await page.getByLabel('Title').fill('Test AD FS');
  await page.getByLabel('Entity id').fill(saml.entityId);
  await page.getByLabel('Single sign-on address').fill(saml.signInUrl);
  await page.getByLabel('Certificates').fill(saml.certificate);
  await page.getByLabel('The first sign-in makes the person').check();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Add the provider' }).click();
  await prove(page);
  await page.getByText('Assertion consumer service').waitFor();
  const metadata = await page.request.get(`/api/sign-in/${SAML}/metadata`);
  expect(await metadata.text()).toContain('WantAssertionsSigned="true"');

  saml.signInAs({ nameId: 'carla-1', attributes: { email: `carla${AT}`, displayName: 'Carla E2E' } });
  const visitor = await visit();
  await visitor.page.goto('/login?next=%2Fsettings');
  await visitor.page.getByRole('link', { name: 'Sign in with Test AD FS' }).click();
  await visitor.page.getByRole('button', { name: 'Continue' }).click();
  await visitor.page.waitForURL('**/settings');
  const me = await visitor.page.request.get('/api/v1/me');
  expect(await me.json()).toMatchObject({ email: `carla${AT}`, groups: [] });
});

test('the directory’s page: a token is shown once, and revoked', SLOW, async () => {
  const { page } = await visit('admin');
  await page.goto('/people?tab=directory');
  await page.getByText('Address for the directory').waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'New SCIM token' }).click();
  await page.getByLabel('Name').fill('e2e directory');
  await page.getByRole('button', { name: 'Create the token' }).click();
  await prove(page);
  await page.getByText('The token, shown once').waitFor();
  await page.getByRole('button', { name: 'Copy SCIM token' }).click();
  const token = await page.evaluate(() => navigator.clipboard.readText());
  expect(token).toMatch(/^tgd_/);
  await page.getByRole('button', { name: 'I have it' }).click();
  expect(await page.content()).not.toContain(token);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Revoke e2e directory' }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke e2e directory' }).click();
  await page.getByText('revoked').first().waitFor();
});

test('a provider that is removed signs out whoever came by it', SLOW, async () => {
  oidc.signInAs(anna);
  const person = await visit();
  await person.page.goto('/login');
  await person.page.getByRole('link', { name: 'Sign in with Test Okta' }).click();
  await person.page.waitForURL((url) => url.pathname === '/');
  const { page } = await visit('admin');
  await page.goto(`/people/sign-in/${OIDC}`);
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await prove(page);
  await page.waitForURL('**/people?tab=sign-in');
  expect((await person.page.request.get('/api/v1/me')).status()).toBe(401);
  const visitor = await visit();
  await visitor.page.goto('/login');
  await visitor.page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
  expect(await visitor.page.getByRole('link', { name: 'Sign in with Test Okta' }).count()).toBe(0);
});
