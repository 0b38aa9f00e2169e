import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { inject } from 'vitest';
import { EMAIL, type Person } from './api.ts';

export const UI_DEADLINE_MS = 15_000;

/** Of the machine, as `npm test` found it, else the one from npm. */
async function chromiumPath(): Promise<string> {
  const found = [process.env.TASKGATE_CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
    (path) => path !== undefined && path !== '' && existsSync(path),
  );
  if (found) return found;
  const { default: packaged } = await import('@sparticuz/chromium');
  return packaged.executablePath();
}

/** A signed-in person's own browser profile, and whatever the pages in it did that the policy forbids. */
export interface Visitor {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Violations of the content security policy, and errors that nobody caught. */
  readonly faults: readonly string[];
}

export interface TestBrowser {
  /** Somebody who is not signed in yet. */
  visitor(): Promise<Visitor>;
  /** Signed in through the form; the same person's later visits reuse the sign-in. */
  as(person: Person): Promise<Visitor>;
  close(): Promise<void>;
}

export async function startBrowser(): Promise<TestBrowser> {
  const browser: Browser = await chromium.launch({
    executablePath: await chromiumPath(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  const { webUrl, password } = inject('system');
  const signedIn = new Map<Person, Awaited<ReturnType<BrowserContext['storageState']>>>();

  const open = async (options: Parameters<Browser['newContext']>[0]): Promise<Visitor> => {
    const context = await browser.newContext({ baseURL: webUrl, viewport: { width: 1280, height: 800 }, ...options });
    context.setDefaultTimeout(UI_DEADLINE_MS);
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const faults: string[] = [];
    await context.exposeBinding('reportFault', (_, text: string) => void faults.push(text));
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) =>
        (globalThis as unknown as { reportFault: (text: string) => void }).reportFault(
          `csp: ${event.violatedDirective} ${event.blockedURI} at ${document.location.pathname}`,
        ),
      );
    });
    context.on('console', (message) => {
      if (/content security policy/i.test(message.text())) faults.push(`console: ${message.text()}`);
    });
    context.on('weberror', (error) => faults.push(`error: ${error.error().message}`));
    return { context, page: await context.newPage(), faults };
  };
  return {
    visitor: () => open({}),
    async as(person) {
      const kept = signedIn.get(person);
      const visitor = await open(kept ? { storageState: kept } : {});
      if (!kept) {
        await fillSignIn(visitor.page, EMAIL[person], password);
        await visitor.page.waitForURL((url) => url.pathname !== '/login');
        signedIn.set(person, await visitor.context.storageState());
      }
      return visitor;
    },
    close: () => browser.close(),
  };
}

export async function fillSignIn(page: Page, email: string, password: string): Promise<void> {
  await page.goto('/login');
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Replaces what stands in the editor of the page, as a person pastes it. */
export async function replaceText(page: Page, text: string): Promise<void> {
  await page.locator('.cm-content').click();
  await page.keyboard.press('ControlOrMeta+a');
  // Delete and paste are the editor's own commands; Chromium's native editing writes inline styles, which the policy blocks.
  await page.keyboard.press('Delete');
  await page.evaluate((words) => navigator.clipboard.writeText(words), text);
  await page.keyboard.press('ControlOrMeta+v');
}

/** Writes SQL into the console's editor and runs it. */
export async function runSql(page: Page, sql: string): Promise<void> {
  await replaceText(page, sql);
  await page.keyboard.press('ControlOrMeta+Enter');
}
