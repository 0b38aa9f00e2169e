import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { EMAIL, type Person } from '../api.ts';
import { fillSignIn, startBrowser, type TestBrowser, type Visitor } from '../browser.ts';

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
const visit = async (person?: Person): Promise<Visitor> => {
  const visitor = person ? await browser.as(person) : await browser.visitor();
  visitors.push(visitor);
  return visitor;
};

test('whoever is not signed in is sent to the sign-in and from there to where they wanted', async () => {
  const { page } = await visit();
  await page.goto('/tasks');
  await page.waitForURL('**/login?next=%2Ftasks');
  await page.getByLabel('E-mail').fill(EMAIL.engineer);
  await page.getByLabel('Password').fill(inject('system').password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL('**/tasks');
  await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor();
});

test('the way back never leads to another site', async () => {
  for (const next of ['https://example.com/', '//example.com', '/\\example.com', 'javascript:alert(1)']) {
    // A page of its own: what the last one still loads would abort the next visit.
    const { page } = await visit();
    await page.goto(`/login?next=${encodeURIComponent(next)}`);
    await page.getByLabel('E-mail').fill(EMAIL.engineer);
    await page.getByLabel('Password').fill(inject('system').password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL((url) => url.pathname !== '/login');
    expect(new URL(page.url()).origin).toBe(inject('system').webUrl);
  }
});

test('a wrong password is told as one that could be either, and too many attempts are stopped', async () => {
  const { page } = await visit();
  const nobody = `nobody-${Date.now()}@demo.test`;
  await fillSignIn(page, nobody, 'not the password');
  await page.getByText('The e-mail address or the password is not right.').waitFor();
  for (let attempt = 0; attempt < 12; attempt++) {
    const submit = page.getByRole('button', { name: 'Sign in' });
    await page.getByLabel('Password').fill(`guess ${attempt}`);
    const answered = page.waitForResponse((response) => response.url().includes('/api/auth/callback/'));
    await submit.click();
    await answered;
    if (await page.getByText('Too many attempts').isVisible()) break;
  }
  await page.getByText('Too many attempts. Wait a few minutes, then try again.').waitFor();
});

test.each(['admin', 'engineer', 'reviewer', 'auditor'] as const)(
  '%s signs in and sees only what is theirs',
  async (person) => {
    const { page } = await visit(person);
    await page.goto('/');
    await page.getByRole('main').waitFor();
    const places: Record<string, readonly Person[]> = {
      '/people': ['admin', 'reviewer', 'auditor'],
      '/audit': ['admin', 'auditor'],
      '/resources': ['admin', 'reviewer', 'auditor'],
    };
    for (const [path, allowed] of Object.entries(places)) {
      const api = await page.request.get(`/api/v1${path === '/people' ? '/users' : path}`);
      expect(api.status(), `${person} ${path}`).toBe(allowed.includes(person) ? 200 : 403);
      await page.goto(path);
      await page.getByRole('main').waitFor();
    }
    const made = await page.request.post('/api/v1/tasks', {
      data: { source: 'kind: Task\nname: x\n' },
      headers: { origin: inject('system').webUrl },
    });
    expect(made.status()).toBe(person === 'admin' ? 400 : 403);
  },
);

test('a request of another site with the cookie of somebody changes nothing', async () => {
  const { page } = await visit('engineer');
  const asked = await page.request.post('/api/v1/grants', {
    data: { task: 'sales-report', reason: 'forged' },
    headers: { origin: 'https://example.com' },
  });
  expect(asked.status()).toBe(403);
});
