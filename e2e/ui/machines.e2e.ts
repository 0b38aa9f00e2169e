import { GITHUB_CLAIMS, startTestIssuer, type TestIssuer } from '@taskgate/testkit';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { as, type Person } from '../api.ts';
import { startBrowser, type TestBrowser, type Visitor } from '../browser.ts';
import { expectAccessible } from '../expect-accessible.ts';

let browser: TestBrowser;
let issuer: TestIssuer;
let visitors: Visitor[] = [];
beforeAll(async () => {
  browser = await startBrowser();
  issuer = await startTestIssuer();
});
afterAll(async () => {
  await issuer.stop();
  await browser.close();
});
afterEach(async () => {
  const faults = visitors.flatMap((visitor) => visitor.faults);
  await Promise.all(visitors.map(({ context }) => context.close()));
  visitors = [];
  expect(faults).toEqual([]);
});
const visit = async (person: Person): Promise<Visitor> => {
  const visitor = await browser.as(person);
  visitors.push(visitor);
  return visitor;
};
test('an admin builds a machine: issuer, patterns tried on a real token, tasks, the snippet', {
  timeout: 120_000,
}, async () => {
  const { page } = await visit('admin');
  await page.goto('/machines');
  await page.getByRole('link', { name: 'nightly', exact: true }).waitFor();
  await page.getByRole('link', { name: 'New machine' }).click();
  await page.getByLabel('Name', { exact: true }).fill('report-job');

  await page.getByRole('button', { name: 'New issuer' }).click();
  const sheet = page.getByRole('dialog');
  await sheet.getByLabel('Name').fill('local-ci');
  await sheet.getByLabel('Address', { exact: true }).fill(issuer.url);
  await sheet.getByLabel('Audience').fill('taskgate');
  await sheet.getByRole('button', { name: 'Save' }).click();
  // Keys on a private address are fetched only where the admin says so.
  await sheet.getByText(/the address is private/).waitFor();
  await sheet.getByLabel('Its keys may be fetched from a private address').check();
  await sheet.getByRole('button', { name: 'Save' }).click();
  await sheet.waitFor({ state: 'detached' });

  await page.getByLabel('Pattern 3').fill('refs/heads/main');
  const create = page.getByRole('button', { name: 'Create the machine' });
  expect(await create.getAttribute('aria-disabled')).toBe('true');
  await page.getByText(/^Say what event_name must be/i).waitFor();
  await page.getByLabel('Pattern 4').fill('schedule');
  await page.getByLabel('Pattern 2').fill('12*');
  await page.getByLabel('Pattern 1').fill('*/shop');
  await page.getByText(/strangers’ repositories match/).waitFor();
  await page.getByLabel('Pattern 1').fill('acme/*');
  await page.getByLabel('Pattern 2').fill('1234');

  const branch = await issuer.mint({
    ...GITHUB_CLAIMS,
    ref: 'refs/heads/evil',
    sub: 'repo:acme/shop:ref:refs/heads/evil',
  });
  await page.getByLabel(/^Try a token/).fill(branch);
  await page.getByText('not every claim matches').waitFor();
  await page.getByText('the token says refs/heads/evil').waitFor();
  await page.getByLabel(/^Try a token/).fill(`${branch.slice(0, -4)}AAAA`);
  await page.getByRole('button', { name: 'Check the signature' }).click();
  await page.getByText(/^Not accepted: the signature is not the issuer’s/).waitFor();
  const token = await issuer.mint(GITHUB_CLAIMS);
  await page.getByLabel(/^Try a token/).fill(token);
  await page.getByText('all claims match').waitFor();
  await page.getByRole('button', { name: 'Check the signature' }).click();
  await page.getByText(/^Genuine: signed by/).waitFor();

  await page.getByLabel('nightly-export').check();
  await page.getByText(/does not name it yet/).waitFor();
  await expectAccessible(page);
  await create.click();
  await page.getByRole('heading', { name: 'report-job' }).waitFor();
  await page.getByText('Waiting for its first token').waitFor();
  expect(page.url()).not.toContain(token);
  expect(await page.content()).not.toContain(token);
  expect(await page.content()).toContain('id-token: write');
  expect(await page.content()).toContain(inject('system').webUrl);
  await expectAccessible(page);
});

test('the page of a machine changes by itself when its first token comes', { timeout: 60_000 }, async () => {
  const { page } = await visit('admin');
  const machines = await as('admin').get<{ id: string; name: string }[]>('/machines');
  const { id } = machines.find((one) => one.name === 'report-job')!;
  await page.goto(`/machines/${id}`);
  await page.getByText('Waiting for its first token').waitFor();
  await fetch(`${inject('system').webUrl}/api/v1/oauth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token: await issuer.mint(GITHUB_CLAIMS),
      audience: 'nightly-export',
    }),
  });
  await page.getByText(/^A token of it was accepted/).waitFor();
});

test('a static secret is shown once, rotated with an overlap and revoked by keyboard', {
  timeout: 60_000,
}, async () => {
  const { page } = await visit('admin');
  await page.goto('/machines');
  await page.getByRole('link', { name: 'nightly', exact: true }).click();
  await page.getByText('No static secret').waitFor();
  await page.getByRole('button', { name: 'New static secret' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText(/^Discouraged/).waitFor();
  await page.keyboard.type('cron on db-1');
  await page.keyboard.press('Enter');
  await page.getByText('The secret, shown once').waitFor();
  await page.getByRole('button', { name: 'Copy Static secret' }).click();
  const secret = await page.evaluate(() => navigator.clipboard.readText());
  expect(secret).toMatch(/^tg_/);
  expect(await page.content()).not.toContain(secret);
  await page.getByRole('button', { name: 'I have it' }).click();
  const me = async (): Promise<Response> =>
    fetch(`${inject('system').webUrl}/api/v1/me`, { headers: { authorization: `Bearer ${secret}` } });
  expect(await (await me()).json()).toMatchObject({ kind: 'machine', email: 'nightly', roles: [] });

  await page.getByRole('button', { name: 'Rotate cron on db-1' }).click();
  await page.getByRole('button', { name: 'Make the new secret' }).click();
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 2);
  expect((await me()).status).toBe(200);
  while ((await page.locator('tbody tr').count()) > 0) {
    const left = await page.locator('tbody tr').count();
    await page.getByRole('button', { name: 'Revoke cron on db-1' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke cron on db-1' }).click();
    await page.waitForFunction((rows) => document.querySelectorAll('tbody tr').length < rows, left);
  }
  expect((await me()).status).toBe(401);
});

test('an agent names whom it acts for, and disabling ends it while the page is open', { timeout: 60_000 }, async () => {
  const { page } = await visit('admin');
  await page.goto('/machines?tab=agents');
  await page.getByRole('link', { name: 'New agent' }).click();
  await page.getByLabel('Name', { exact: true }).fill('summary-bot');
  await page.getByLabel('Acts for').fill('nobody@demo.test');
  await page.getByRole('button', { name: 'Create the agent' }).click();
  await page.getByText(/there is no person or machine/i).waitFor();
  await page.getByLabel('Acts for').fill('engineer@demo.test');
  await page.getByRole('button', { name: 'Create the agent' }).click();
  await page.getByText(/acts for engineer@demo.test/).waitFor();
  const agents = await as('admin').get<{ id: string; name: string }[]>('/machines?kind=agent');
  const { id } = agents.find((one) => one.name === 'summary-bot')!;
  await as('admin').patch(`/machines/${id}`, { disabled: true });
  await page.getByRole('button', { name: 'Enable again' }).waitFor();
});

test('an auditor reads, an engineer is told whom to ask', { timeout: 60_000 }, async () => {
  const { page } = await visit('auditor');
  await page.goto('/machines');
  await page.getByRole('link', { name: 'nightly', exact: true }).waitFor();
  expect(await page.getByRole('link', { name: 'New machine' }).count()).toBe(0);
  for (const tab of ['machines', 'agents', 'issuers']) {
    await page.goto(`/machines?tab=${tab}`);
    await page.getByRole('tab', { selected: true }).waitFor();
    await expectAccessible(page);
  }
  const engineer = await visit('engineer');
  await engineer.page.goto('/machines');
  await engineer.page.getByText('You may not see the machines here').waitFor();
  await engineer.page.goto('/machines/new');
  await engineer.page.getByText(/You may not see how a machine is made/).waitFor();
});
