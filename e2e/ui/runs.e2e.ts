import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyDocument, as, type Connect, call, type OpenGrant, signIn } from '../api.ts';
import { startBrowser, type TestBrowser } from '../browser.ts';
import { expectAccessible } from '../expect-accessible.ts';
import { describeWithPsql, psql, startPsql } from '../psql.ts';

const WORKFLOW = `kind: Workflow
name: month-end
purpose: The figures of the month, then the orders that they show to be wrong
who: { groups: [analysts] }
access: { ttl: 1h }
steps:
  - { task: sales-report }
  - { task: fix-order-status, after: sales-report }
  - { task: shop-admin, after: fix-order-status }
limits: { rows: 5000 }
`;

interface Minted {
  readonly grant: { readonly id: string };
  readonly token: string;
  readonly connect: Connect;
}

let browser: TestBrowser;
let scratch: string;
beforeAll(async () => {
  browser = await startBrowser();
  scratch = mkdtempSync(join(tmpdir(), 'taskgate-runs-'));
  await applyDocument(WORKFLOW);
});
afterAll(async () => {
  rmSync(scratch, { recursive: true, force: true });
  await browser.close();
});

/** A workflow as a job runs it: with the token of its grant alone. */
async function startRun(): Promise<{ id: string; mint: (task: string, narrow?: object) => Promise<OpenGrant> }> {
  const { id } = await as('engineer').post<{ id: string }>('/grants', { workflow: 'month-end', reason: 'the month' });
  const { token } = await as('engineer').post<{ token: string }>(`/grants/${id}/activate`);
  return {
    id,
    mint: async (task, narrow) => {
      const wish = { task, reason: `the step ${task}`, ...(narrow && { narrow }) };
      const { grant, ...opened } = await call<Minted>(token, 'POST', `/grants/${id}/children`, wish);
      return { id: grant.id, ...opened };
    },
  };
}

describeWithPsql('a run of a workflow on its page', () => {
  test('shows each step with what it did, is walked by keyboard, and ends as a whole', {
    timeout: 180_000,
  }, async () => {
    const run = await startRun();
    const figures = await run.mint('sales-report', { limits: { rows: 1000 } });
    const counted = await psql(figures, { sql: ['select id, status from public.orders limit 3'] });
    expect(counted.code).toBe(0);
    const refused = await psql(figures, { sql: ['select ssn from public.customers'] });
    expect(refused.stderr).toMatch(/ssn/);
    await call(figures.token, 'POST', `/grants/${figures.id}/end`, { outcome: 'completed', exitCode: 0 });
    const repair = await run.mint('fix-order-status');
    const script = join(scratch, 'watch.sql');
    writeFileSync(script, 'select id from public.orders limit 1;\n\\watch 0.5\n');
    const watching = startPsql(repair, { args: ['-f', script] });

    const { page, context, faults } = await browser.as('engineer');
    await page.goto('/runs');
    await expectAccessible(page);
    await page.locator(`a[href="/runs/${run.id}"]`).click();
    const tree = page.getByRole('treegrid');
    const rowOf = (name: string) => tree.getByRole('row').filter({ hasText: name });
    const root = tree.locator(`[data-row="${run.id}"]`);
    await rowOf('sales-report').getByText('1 denied').waitFor();
    await rowOf('sales-report').getByText('exit 0').waitFor();
    await rowOf('sales-report').getByText('limits.rows').waitFor();
    await rowOf('sales-report')
      .getByText(/of 1,000 rows/)
      .waitFor();
    await rowOf('fix-order-status').getByText('1 live').waitFor();
    await rowOf('shop-admin').getByText('not yet').waitFor();
    await root.getByText(/of 5,000 rows/).waitFor();
    await expectAccessible(page);

    await root.focus();
    await page.keyboard.press('ArrowDown');
    expect(await tree.locator('[aria-selected=true]').getAttribute('data-row')).toBe(figures.id);
    await page.keyboard.press('Enter');
    const details = page.getByRole('complementary', { name: 'Details of the chosen grant' });
    expect(await details.evaluate((element) => element === document.activeElement)).toBe(true);
    await details.getByText('Granted but unused').waitFor();
    await details.getByText('public.order_items').waitFor();
    await details.getByRole('link', { name: 'Why: select public.customers' }).waitFor();
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    expect(await root.getAttribute('aria-expanded')).toBe('false');
    expect(await rowOf('shop-admin').count()).toBe(0);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('End');
    await details.getByRole('heading', { name: 'shop-admin' }).waitFor();
    await page.keyboard.press('Home');

    await details.getByRole('button', { name: 'End month-end' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'End the grant and 1 grant below it' }).click();
    await rowOf('fix-order-status').getByText('ended from above').waitFor();
    expect((await watching.ended).code).not.toBe(0);
    await rowOf('fix-order-status').getByText('1 live').waitFor({ state: 'detached' });
    await expectAccessible(page);

    await details.getByRole('link', { name: 'Sessions' }).click();
    await page.getByRole('link', { name: 'In run month-end' }).waitFor();
    await page.getByText('part of run').first().waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Clear the filter for month-end' }).click();
    await page.waitForURL((url) => !url.searchParams.has('node'));
    expect(faults).toEqual([]);
    await context.close();
  });

  test('an auditor narrows operations and the audit to one step of it', { timeout: 120_000 }, async () => {
    const { items } = await call<{ items: { grant: { id: string } }[] }>(
      await signIn('engineer'),
      'GET',
      '/runs?of=month-end',
    );
    const { nodes } = await as('auditor').get<{ nodes: { grant: { id: string; step: string | null } }[] }>(
      `/grants/${items[0]!.grant.id}/tree`,
    );
    const step = nodes.find(({ grant }) => grant.step === 'sales-report')!.grant.id;
    const { page, context, faults } = await browser.as('auditor');
    await page.goto(`/operations?node=${step}`);
    await page.getByRole('link', { name: 'In sales-report, part of run month-end' }).waitFor();
    await page.getByRole('cell', { name: 'denied' }).waitFor();
    await expectAccessible(page);
    await page.goto(`/audit?node=${step}`);
    await page.getByText('grant.complete', { exact: true }).waitFor();
    await expectAccessible(page);
    await page.getByRole('link', { name: 'In sales-report, part of run month-end' }).click();
    await page.waitForURL(`**/runs/${step}`);
    expect(await page.locator('[aria-selected=true]').getAttribute('data-row')).toBe(step);
    expect(faults).toEqual([]);
    await context.close();
  });
});
