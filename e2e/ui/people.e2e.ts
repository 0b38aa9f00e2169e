import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { as } from '../api.ts';
import { fillSignIn, startBrowser, type TestBrowser, type Visitor } from '../browser.ts';
import { expectAccessible } from '../expect-accessible.ts';

const stamp = Date.now().toString(36);
const DESK = { email: `desk-${stamp}@demo.test`, name: `Dara Desk ${stamp}` };
const GONE = { email: `gone-${stamp}@demo.test`, name: `Gia Gone ${stamp}` };

let browser: TestBrowser;
const visitors: Visitor[] = [];

beforeAll(async () => {
  const { post, patch } = as('admin');
  const { password } = inject('system');
  await post('/groups', {
    name: `desk-${stamp}`,
    roles: ['engineer'],
    scopes: ['people:read', 'people:write'],
    withheld: [],
  });
  await post('/users', { ...DESK, groups: [`desk-${stamp}`, 'analysts'], password, proof: { password } });
  const gone = await post<{ id: string }>('/users', { ...GONE, groups: ['analysts'] });
  await patch(`/users/${gone.id}`, { disabled: true });
  await post('/machines', {
    kind: 'agent',
    name: `bot-${stamp}`,
    actsFor: 'engineer@demo.test',
    tasks: [],
    proof: null,
  });
  browser = await startBrowser();
});
afterAll(() => browser.close());
afterEach(() => {
  expect(visitors.flatMap(({ faults }) => faults)).toEqual([]);
});

test('who may change people without being an admin sees what is not theirs to do, and why, before they try', {
  timeout: 120_000,
}, async () => {
  const desk = await browser.visitor();
  visitors.push(desk);
  const { page } = desk;
  await fillSignIn(page, DESK.email, inject('system').password);
  await page.waitForURL((url) => url.pathname !== '/login');

  const isOff = (name: string) => page.getByRole('button', { name, exact: true, disabled: true }).waitFor();
  const isOn = (name: string) => page.getByRole('button', { name, exact: true, disabled: false }).waitFor();
  const isKept = (label: string) => page.locator('[readonly]').and(page.getByLabel(label)).waitFor();
  const open = async (name: string) => {
    await page.goto(`/people?q=${encodeURIComponent(name)}`);
    await page.getByRole('button', { name: `Edit ${name}` }).click();
  };

  // In a group that the caller is not in.
  await open('Eno Engineer');
  await page.getByText('You may not change them: you are not in support').waitFor();
  await isOff('Save');
  await isOff('Remove passkeys');
  await isKept('New password');
  await isOn('Disable');
  await expectAccessible(page);

  // In groups of the caller's own, and locked out.
  await open(GONE.name);
  await isOff('Enable again');
  await page.getByRole('checkbox', { name: 'dba (reviewer), not yours to give', disabled: true }).waitFor();
  await isKept('New password');
  await page.getByRole('checkbox', { name: `desk-${stamp}`, disabled: false }).waitFor();
  await page.getByLabel('Name').fill(`${GONE.name} II`);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText(new RegExp(`${GONE.name}.* is saved`)).waitFor();

  await page.goto('/people?tab=groups');
  await isOff('Edit dba');
  await isOn('Edit analysts');

  await page.goto('/machines?tab=agents');
  await page.getByRole('link', { name: `bot-${stamp}` }).click();
  await isOff('Change');
  await isOff('New static secret');
});

test('a proof that is taken back leaves the form behind it as it was', async () => {
  const admin = await browser.as('admin');
  visitors.push(admin);
  const { page } = admin;
  await page.goto('/people');
  await page.getByRole('button', { name: 'New user' }).click();
  const form = page.getByRole('dialog', { name: 'New user' });
  await form.getByLabel('Name').fill('Not Yet');
  await form.getByLabel('E-mail').fill(`not-yet-${stamp}@demo.test`);
  await form.getByLabel('First password').fill('a long enough one');
  for (const takeBack of [
    () => page.keyboard.press('Escape'),
    () => page.getByRole('dialog', { name: 'Give them' }).getByRole('button', { name: 'Cancel' }).click(),
  ]) {
    await form.getByRole('button', { name: 'Create the user' }).click();
    await page.getByRole('heading', { name: 'Give them this password?' }).waitFor();
    await takeBack();
    await page.getByRole('heading', { name: 'Give them this password?' }).waitFor({ state: 'hidden' });
    expect(await form.getByLabel('First password').inputValue()).toBe('a long enough one');
  }
});
