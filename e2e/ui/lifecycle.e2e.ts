import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { as, call } from '../api.ts';
import { startBrowser, type TestBrowser, type Visitor } from '../browser.ts';
import { expectAccessible } from '../expect-accessible.ts';

const password = 'a contractor’s password';

let browser: TestBrowser;
let visitor: Visitor | null = null;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());
afterEach(async () => {
  const faults = visitor?.faults ?? [];
  await visitor?.context.close();
  visitor = null;
  expect(faults).toEqual([]);
});
const visit = async (): Promise<Page> => {
  visitor = await browser.as('admin');
  return visitor.page;
};

test('an admin rotates a password by keyboard and sees how it went', { timeout: 180_000 }, async () => {
  const page = await visit();
  await page.goto('/resources/demo-shop');
  const button = page.getByRole('button', { name: 'Rotate now' });
  await button.focus();
  await page.keyboard.press('Enter');
  await page.getByText('The password was rotated. Open sessions went on.').waitFor();
  await page.getByText('the gate, and nobody knows it').waitFor();
  await expectAccessible(page);
  await page.goto('/resources/demo-shop/edit');
  await page.getByLabel('Rotate the password').selectOption({ label: 'every 30 d' });
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('every 30 d').waitFor();
  await page.getByText('Next', { exact: true }).waitFor();
});

test('an admin sees all that a contractor reaches, and ends it by keyboard', { timeout: 180_000 }, async () => {
  const email = 'shown@demo.test';
  const { id } = await as('admin').post<{ id: string }>('/users', {
    ...{
      email,
      name: 'Shirin Shown',
      groups: ['analysts', 'dba'],
      password,
      proof: { password: inject('system').password },
    },
  });
  const { token } = await call<{ token: string }>(null, 'POST', '/login', { email, password });
  const grant = await call<{ id: string }>(token, 'POST', '/grants', { task: 'sales-report', reason: 'e2e' });
  await call(token, 'POST', `/grants/${grant.id}/activate`);
  const page = await visit();
  await page.goto('/people?q=shown');
  await page.getByRole('link', { name: /Shirin Shown/ }).click();
  await page.waitForURL(`**/people/${id}`);
  await page.getByRole('link', { name: 'sales-report' }).first().waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Offboard' }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByText('1 grant', { exact: true }).waitFor();
  await dialog.getByText('1 API token', { exact: true }).waitFor();
  await expectAccessible(page);
  // The reason has the focus.
  await page.keyboard.type('the contract is over');
  await page.keyboard.press('Enter');
  await page.getByText(/^Ended: 1 grant, /).waitFor();
  await page.getByText('Nothing: no connection, grant, token or sign-in.').waitFor();
  await expectAccessible(page);
  await page.getByRole('link', { name: /^act_/ }).click();
  await page.getByText('identity.offboard', { exact: true }).waitFor();
  await page.getByText('grant.revoke', { exact: true }).waitFor();
});

test('the table of access says who has what, and a group is given a scope', { timeout: 180_000 }, async () => {
  const page = await visit();
  await page.goto('/people?tab=groups');
  await page.getByRole('button', { name: 'Edit support' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('checkbox', { name: 'audit:read' }).check();
  await dialog.getByText('beyond its roles').waitFor();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('+ audit:read').waitFor();
  await page.getByRole('tab', { name: 'Access' }).click();
  await page.getByRole('button', { name: 'audit:read' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/scope=audit/);
  await page.getByRole('heading', { name: 'Who has audit:read' }).waitFor();
  await page.getByText('by support').first().waitFor();
  // Other tests meet the same groups.
  await as('admin').patch('/groups/support', { scopes: [] });
  await expectAccessible(page);
});
