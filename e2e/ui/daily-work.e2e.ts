import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { findClientProgram, runCommand, waitUntil } from '@taskgate/testkit';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { applyDocument, as, endGrant, openGrant, type Person, waitingHolds } from '../api.ts';
import { replaceText, runSql, startBrowser, type TestBrowser, type Visitor } from '../browser.ts';
import { targetQuery } from '../target.ts';

let browser: TestBrowser;
let visitors: Visitor[] = [];
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());
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

test.skipIf(findClientProgram('psql') === null)(
  'an engineer activates a task, and the copied psql line runs as it is',
  { timeout: 60_000 },
  async () => {
    const { page } = await visit('engineer');
    await page.goto('/tasks/sales-report');
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await page.getByLabel('Reason').fill('weekly figures');
    await page.getByRole('button', { name: 'Activate and show the token' }).click();
    await page.getByText('The token is shown once.').waitFor();
    await page.getByRole('button', { name: 'Copy psql line' }).click();
    const line = await page.evaluate(() => navigator.clipboard.readText());
    const result = await runCommand('/bin/sh', ['-c', `${line} -XAtc "select count(*) from orders"`]);
    expect(result).toMatchObject({ code: 0, stdout: '5000\n' });
    const token = /PGPASSWORD=(\S+)/.exec(line)![1]!;
    expect(page.url()).not.toContain(token);
    expect(await page.content()).not.toContain(token); // covered until it is asked for
    await page.reload();
    expect(await page.content()).not.toContain(token);
  },
);

test('the console masks, and explains what it refuses', { timeout: 60_000 }, async () => {
  const grant = await openGrant('sales-report');
  const [raw] = await targetQuery<{ email: string }>('select email from public.customers where id = 3');
  const { page } = await visit('engineer');
  await page.goto(`/console/${grant.id}`);
  await page.getByText('no transaction').waitFor();
  await runSql(page, 'select id, email from customers where id = 3');
  const results = page.getByRole('region', { name: 'Results' });
  await results.getByText('***@').waitFor();
  expect(await results.textContent()).not.toContain(raw!.email);
  await results.getByText('1 column masked').waitFor();
  await runSql(page, 'select ssn from customers');
  await results.getByRole('alert').getByText('42501').waitFor();
  await results.getByText(/id, name, email, country/).waitFor();
  await endGrant(grant.id);
  await page.getByText('ended', { exact: true }).waitFor();
});

test('a held statement is approved in the inbox by keyboard in at most four keys, and its result appears', {
  timeout: 60_000,
}, async () => {
  const grant = await openGrant('fix-order-status');
  const [{ status }] = (await targetQuery<{ status: string }>('select status from public.orders where id = 61')) as [
    { status: string },
  ];
  const to = status === 'shipped' ? 'paid' : 'shipped';
  const engineer = await visit('engineer');
  const reviewer = await visit('reviewer');
  await reviewer.page.goto('/inbox');
  await reviewer.page.getByRole('heading', { name: 'Inbox' }).waitFor();
  await engineer.page.goto(`/console/${grant.id}`);
  await engineer.page.getByText('no transaction').waitFor();
  await runSql(engineer.page, `update orders set status = '${to}' where id = 61`);
  await engineer.page.getByText(/Held: it waits for dba/).waitFor();
  // It comes by itself, and is shown: the reviewer has done nothing yet.
  const hold = await waitUntil(
    async () => (await waitingHolds()).find(({ statement }) => statement.includes('id = 61')) ?? null,
    10_000,
    'the hold',
  );
  await reviewer.page.locator(`[data-id="${hold.id}"]`).waitFor();
  await waitUntil(
    async () => (await reviewer.page.getByRole('region').allTextContents()).some((text) => text.includes('id = 61')),
    10_000,
    'the card of the hold',
  );
  let keys = 0;
  const press = async (key: string): Promise<void> => {
    keys += 1;
    await reviewer.page.keyboard.press(key);
  };
  await press('a');
  await reviewer.page.getByRole('form', { name: 'Approve' }).waitFor();
  await press('Control+Enter');
  await reviewer.page.getByText(/^Approved the statement/).waitFor();
  expect(keys).toBeLessThanOrEqual(4);
  await engineer.page.getByRole('region', { name: 'Results' }).getByText('UPDATE 1').first().waitFor();
  expect(await targetQuery('select status from public.orders where id = 61')).toEqual([{ status: to }]);
  await endGrant(grant.id);
});

test('the reviewer of a dry run sees rows before and after, masked as the task sees them', {
  timeout: 60_000,
}, async () => {
  await applyDocument(`kind: Task
name: correct-customer
purpose: Correct a customer's name and address
resource: demo-shop
who: { groups: [support] }
allow:
  - select: public.customers
    columns: [id, name, email]
hold:
  - update: public.customers
    columns: [name, email]
    dryRun: true
    approvals: { from: [dba] }
mask:
  - columns: public.customers.email
    as: email`);
  const [raw] = await targetQuery<{ name: string; email: string }>(
    'select name, email from public.customers where id = 5',
  );
  const grant = await openGrant('correct-customer');
  const engineer = await visit('engineer');
  await engineer.page.goto(`/console/${grant.id}`);
  await engineer.page.getByText('no transaction').waitFor();
  await runSql(engineer.page, "update customers set name = 'New Name', email = 'new@example.net' where id = 5");
  const hold = await waitUntil(
    async () => (await waitingHolds()).find(({ statement }) => statement.includes('New Name')) ?? null,
    10_000,
    'the hold',
  );
  const { page } = await visit('reviewer');
  await page.goto(`/inbox?sel=${hold.id}`);
  const rows = page.getByRole('region', { name: 'Rows before and after' }).getByRole('row');
  await rows.first().waitFor();
  expect(await Promise.all((await rows.all()).map(async (row) => (await row.textContent())!.trim()))).toEqual([
    expect.stringMatching(/id.*name.*email.*masked/),
    expect.stringContaining(`before5${raw!.name}${raw!.email[0]}***@`),
    'after5New Namen***@example.net',
  ]);
  expect(await page.content()).not.toContain(raw!.email);
  await page.getByText('exactly 1 row changed, then rolled back').waitFor();
  expect(await targetQuery('select name, email from public.customers where id = 5')).toEqual([raw]);
  await endGrant(grant.id);
});

test('the reviewer refuses only with a reason, and the engineer reads it', { timeout: 60_000 }, async () => {
  const asked = await as('engineer').post<{ id: string }>('/grants', { task: 'shop-admin', reason: 'clean up' });
  const { page } = await visit('reviewer');
  await page.goto(`/inbox?sel=${asked.id}`);
  await page.getByRole('button', { name: /^Refuse/ }).click();
  await page.getByRole('button', { name: 'Refuse this request' }).click();
  await page.getByText('say why, so that they know what to do instead').waitFor();
  await page.getByLabel('Why not').fill('use fix-order-status');
  await page.keyboard.press('Control+Enter');
  await page.getByText(/^Refused shop-admin for/).waitFor();
  const engineer = await visit('engineer');
  await engineer.page.goto(`/requests/${asked.id}`);
  await engineer.page.getByText('use fix-order-status').waitFor();
});

test('sessions are filtered by the URL; the replay shows masked rows; Verify is green, and red after one changed byte', {
  timeout: 90_000,
}, async () => {
  const grant = await openGrant('sales-report');
  const [raw] = await targetQuery<{ email: string }>('select email from public.customers where id = 4');
  const engineer = await visit('engineer');
  await engineer.page.goto(`/console/${grant.id}`);
  await engineer.page.getByText('no transaction').waitFor();
  await runSql(engineer.page, 'select id, email from customers where id = 4');
  await engineer.page.getByText('1 column masked').waitFor();
  await endGrant(grant.id);
  const session = await waitUntil(
    async () => {
      const { items } = await as('auditor').get<{
        items: readonly { id: string; grantId: string; recording: string; endedAt: string | null }[];
      }>('/sessions?task=sales-report&limit=200');
      return items.find(({ grantId, recording }) => grantId === grant.id && recording === 'complete') ?? null;
    },
    15_000,
    'the recording',
  );

  const { page } = await visit('auditor');
  await page.goto('/sessions?task=sales-report&protocol=console');
  const table = page.getByRole('table');
  await table.waitFor();
  expect(await table.textContent()).not.toContain('shop-admin');
  await page.goto('/sessions?task=no-such-task');
  await page
    .getByText(/No sessions? match|no .* match/i)
    .first()
    .waitFor();

  await page.goto(`/sessions/${session.id}`);
  await page.getByRole('region', { name: 'Rows as sent' }).getByText('***@').waitFor();
  expect(await page.content()).not.toContain(raw!.email);
  await page.getByRole('button', { name: 'Verify in this browser' }).click();
  await page.getByText('consistent with the head in the store').waitFor();

  const file = join(inject('system').home, 'recordings', `${session.id}.tgs`);
  const kept = readFileSync(file);
  writeFileSync(file, changeSecondEvent(kept));
  try {
    await page.reload();
    await page.getByRole('button', { name: 'Verify in this browser' }).click();
    await page.getByText('Event 1 is the first that cannot be trusted').waitFor();
  } finally {
    writeFileSync(file, kept);
  }
});

/** Changes one byte of the second event in a sealed recording and packs it again: see docs/recording-format.md. */
function changeSecondEvent(sealed: Buffer): Buffer {
  const blockAt = sealed.readUInt32BE(8) + 12; // behind the header and the marker
  const packedLength = sealed.readUInt32BE(blockAt + 4);
  const rest = blockAt + 16 + packedLength;
  const plain = gunzipSync(sealed.subarray(blockAt + 16, rest));
  const second = 4 + plain.readUInt32BE(0);
  plain[second + 20] = plain[second + 20]! ^ 1;
  const packed = gzipSync(plain);
  const block = Buffer.from(sealed.subarray(blockAt, blockAt + 16));
  block.writeUInt32BE(packed.length, 4);
  return Buffer.concat([sealed.subarray(0, blockAt), block, packed, sealed.subarray(rest)]);
}

test('an admin edits a task, sees an error in its place, publishes, and the audit shows before and after', {
  timeout: 60_000,
}, async () => {
  const name = `e2e-edit-${Date.now()}`;
  const source = (purpose: string) =>
    `kind: Task\nname: ${name}\npurpose: ${purpose}\nresource: demo-shop\nwho: { groups: [support] }\naccess: { ttl: 10m }\nallow:\n  - select: public.orders\n`;
  await applyDocument(source('First'));
  const { page } = await visit('admin');
  await page.goto(`/tasks/${name}/edit`);
  await replaceText(page, source('Second').replace('select: public.orders', 'selekt: public.orders'));
  await page.getByRole('button', { name: 'line 8' }).waitFor();
  await page
    .getByRole('status')
    .getByText(/selekt/)
    .waitFor();
  await replaceText(page, source('Second'));
  await page.getByText('The source is complete and can be published.').waitFor();
  await page.getByRole('button', { name: 'Review and publish' }).click();
  await page.getByRole('button', { name: 'Publish', exact: true }).click();
  await page.waitForURL(`**/tasks/${name}`);
  await page.goto(`/audit?subject=${name}`);
  const changes = page.getByRole('button', { name: /^Changes/ });
  await changes.first().waitFor();
  await changes.first().click();
  const change = page.getByRole('listitem').filter({ has: page.getByRole('button', { name: /^Hide/ }) });
  await change.getByText(/"publishedRevision": 1/).waitFor();
  await change.getByText(/"publishedRevision": 2/).waitFor();
});
