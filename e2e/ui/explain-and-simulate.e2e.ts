import { waitUntil } from '@taskgate/testkit';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { as, endGrant, type OpenGrant, openGrant, type Person } from '../api.ts';
import { replaceText, startBrowser, type TestBrowser, type Visitor } from '../browser.ts';
import { expectAccessible } from '../expect-accessible.ts';
import { describeWithPsql, psql } from '../psql.ts';

let browser: TestBrowser;
let grant: OpenGrant;
let visitors: Visitor[] = [];
/** The address in psql's hint. */
let link: string;

describeWithPsql('what was asked of the gate', () => {
  beforeAll(async () => {
    browser = await startBrowser();
    grant = await openGrant('sales-report', { reason: 'explain and simulate' });
    const refused = await psql(grant, {
      sql: [
        'select id, name from public.customers where id < 4',
        "select status from public.orders where status = 'never shown'",
        'select id, ssn from public.customers',
      ],
      args: ['-v', 'ON_ERROR_STOP=0'],
    });
    link = /https?:\/\/\S+\/explain\/dec_\S+/.exec(refused.stderr)![0];
    const decisionId = link.split('/').at(-1)!;
    await waitUntil(() =>
      as('engineer')
        .get(`/explain/${decisionId}`)
        .then(() => true)
        .catch(() => false),
    );
  });
  afterAll(async () => {
    await endGrant(grant.id);
    await browser.close();
  });
  afterEach(async () => {
    const faults = visitors.flatMap((visitor) => visitor.faults);
    await Promise.all(visitors.map(({ context }) => context.close()));
    visitors = [];
    expect(faults).toEqual([]);
  });

  const visit = async (person: Person): Promise<Page> => {
    const visitor = await browser.as(person);
    visitors.push(visitor);
    return visitor.page;
  };
  it('is explained where psql’s error links to: rule, line, the place in it, and what can be done', async () => {
    const page = await visit('engineer');
    await page.goto(link);
    await page.getByRole('heading', { name: 'Why it was denied' }).waitFor();
    expect(await page.locator('mark').allTextContents()).toEqual(['ssn']);
    await page.getByText('columns: [id, name, country, email]').waitFor();
    await page.getByText('Nothing of it was sent to the target.').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Copy link' }).click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link);
    await page.getByRole('link', { name: 'Ask for shop-admin' }).click();
    await page.getByRole('heading', { name: 'Ask for shop-admin' }).waitFor();
    expect(await page.getByLabel('Reason').inputValue()).toContain('dec_');
    expect(decodeURIComponent(page.url())).not.toContain('select id, ssn');
  });

  it('is found by who read which class of column, exported, and kept as a view on the first page', async () => {
    const page = await visit('auditor');
    await page.goto('/operations?class=pii&verb=select&relation=public.customers');
    const row = page.getByRole('row').filter({ hasText: 'pii' }).first();
    await row.getByText('denied').waitFor();
    await expectAccessible(page);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export as CSV' }).click(),
    ]);
    const csv = await (await download.createReadStream()).toArray();
    expect(Buffer.concat(csv).toString()).toContain('select public.customers(');
    await page.getByRole('button', { name: 'Save this view' }).click();
    await page.getByLabel('Name').fill('Who asked for personal data');
    await page.keyboard.press('Enter');
    await page.getByText('Saved as').waitFor();
    await page.goto('/');
    await page.getByRole('link', { name: 'Who asked for personal data' }).click();
    await page.getByRole('row').filter({ hasText: 'pii' }).first().getByRole('link').first().click();
    await page.waitForURL(/\/sessions\/ses_.*op=dec_/);
  });

  it('is decided again by a draft before it is published, and by nothing otherwise', { timeout: 60_000 }, async () => {
    const page = await visit('admin');
    const { current } = await as('admin').get<{ current: { source: string } }>('/tasks/sales-report');
    await page.goto('/tasks/sales-report/edit');
    const simulated = async (press: () => Promise<void>): Promise<Page> => {
      const [tab] = await Promise.all([page.context().waitForEvent('page'), press()]);
      await tab.getByText(/operations? recorded since/).waitFor();
      return tab;
    };
    await page.locator('.cm-content').waitFor();
    const same = await simulated(() => page.getByRole('button', { name: 'Simulate', exact: true }).click());
    await same.getByRole('heading', { name: 'Nothing would change' }).waitFor();
    await same.close();

    await replaceText(page, current.source.replace('  - select: public.orders\n', ''));
    await page.getByText('not saved').waitFor();
    const changed = await simulated(() => page.keyboard.press('ControlOrMeta+Shift+Enter'));
    await changed.getByRole('heading', { name: /would be denied$/ }).waitFor();
    await changed.getByText('select public.orders(status)').first().waitFor();
    expect(await changed.content()).not.toContain('never shown');
    await expectAccessible(changed);
    const address = changed.url();
    await changed.close();
    const review = await page.context().newPage();
    await review.goto(address);
    await review.getByRole('heading', { name: /would be denied$/ }).waitFor();
    await review.close();
  });

  it('becomes the least task that would have allowed it', { timeout: 60_000 }, async () => {
    const page = await visit('admin');
    await page.goto('/tasks/suggest?resource=demo-shop&task=sales-report&person=engineer@demo.test');
    await page.getByRole('button', { name: 'Suggest a task' }).waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Suggest a task' }).click();
    await page.getByText(/^Made from \d+ operations?/).waitFor();
    const source = page.locator('.cm-content');
    await source.getByText('sales-report-narrow').waitFor();
    expect(await source.textContent()).toMatch(/Eno Engineer under sales-report/);
    await page.getByText('The source is complete and can be published.').waitFor();
    await expectAccessible(page);
    await page.goto('/tasks/sales-report');
    await page.getByText('Uses since').waitFor();
  });
});
