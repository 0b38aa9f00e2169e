import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyDocument, as, endGrant, type OpenGrant, openGrant, type Person } from '../api.ts';
import { startBrowser, type TestBrowser } from '../browser.ts';
import { expectAccessible } from '../expect-accessible.ts';

const SCREENS: readonly (readonly [Person, readonly string[]])[] = [
  [
    'engineer',
    [
      '/',
      '/tasks',
      '/tasks/sales-report',
      '/requests/new?task=shop-admin',
      '/requests/new?workflow=weekly-figures',
      '/console',
      '/sessions',
      '/settings',
      '/device',
    ],
  ],
  ['reviewer', ['/', '/inbox', '/inbox?view=done', '/resources', '/resources/demo-shop']],
  ['auditor', ['/sessions', '/audit', '/people', '/people?tab=access', '/workflows', '/workflows/weekly-figures']],
  [
    'admin',
    [
      '/',
      '/tasks/new',
      '/tasks/sales-report/edit',
      '/policies',
      '/policies/customer-data',
      '/workflows/weekly-figures/edit',
      '/resources/new',
      '/people',
    ],
  ],
];

const WORKFLOW = `kind: Workflow
name: weekly-figures
purpose: The figures of the week, then what they show to be wrong
who: { groups: [analysts] }
access: { ttl: 1h }
steps:
  - { task: sales-report }
  - { task: fix-order-status, after: sales-report }
limits: { rows: 5000 }
`;

let browser: TestBrowser;
let grant: OpenGrant;
beforeAll(async () => {
  browser = await startBrowser();
  grant = await openGrant('sales-report');
  await applyDocument(WORKFLOW);
  await as('engineer').post('/grants', { task: 'shop-admin', reason: 'so that the inbox has something in it' });
});
afterAll(async () => {
  await endGrant(grant.id);
  await browser.close();
});

test('the sign-in has no violation', async () => {
  const { page, context, faults } = await browser.visitor();
  await page.goto('/login');
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await expectAccessible(page);
  expect(faults).toEqual([]);
  await context.close();
});

test.each(SCREENS)(
  'the screens of %s have no violation, light and dark',
  { timeout: 120_000 },
  async (person, paths) => {
    const { page, context, faults } = await browser.as(person);
    for (const path of person === 'engineer' ? [...paths, `/console/${grant.id}`] : paths) {
      await page.goto(path);
      await page.getByRole('main').waitFor();
      // All that is still being read has arrived.
      await page.waitForFunction(
        () =>
          ![...document.querySelectorAll('[role=status]')].some((status) => status.textContent?.startsWith('Loading')),
      );
      await expectAccessible(page);
    }
    expect(faults).toEqual([]);
    await context.close();
  },
);
