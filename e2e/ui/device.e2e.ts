import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startBrowser, type TestBrowser } from '../browser.ts';
import { ROOT } from '../system.ts';

let browser: TestBrowser;
let folder: string;
beforeAll(async () => {
  browser = await startBrowser();
  folder = mkdtempSync(join(tmpdir(), 'taskgate-e2e-device-'));
});
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

/** `taskgate login` as on a machine without a browser, and what it has printed so far. */
function startLogin() {
  const child = spawn(process.execPath, [join(ROOT, 'scripts/taskgate.mjs'), 'login'], {
    env: {
      ...process.env,
      XDG_CONFIG_HOME: folder,
      TASKGATE_URL: inject('system').webUrl,
      TASKGATE_TOKEN: undefined,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { text: '' };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said.text += chunk;
    });
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  return { said, ended };
}

async function linkOf(said: { readonly text: string }): Promise<{ readonly link: string; readonly code: string }> {
  await waitUntil(() => /type the code/.test(said.text), 30_000, 'the link');
  const [, link] = /open (\S+)/.exec(said.text)!;
  return { link: link!, code: link!.split('#')[1]! };
}

test('the command line is signed in from a browser, with the keyboard alone', { timeout: 60_000 }, async () => {
  const { said, ended } = startLogin();
  const { link, code } = await linkOf(said);
  const { page, context, faults } = await browser.as('engineer');
  await page.goto(link);
  await page.getByRole('heading', { name: 'Sign a device in' }).waitFor();
  await waitUntil(async () => (await page.getByLabel('Code').inputValue()) === code, 15_000, 'the code');
  await page.getByLabel('Code').press('Enter');
  await page.getByRole('heading', { name: 'Did you start this?' }).waitFor();
  await page.getByText('(engineer@demo.test), with all that you may do').waitFor();
  // The time is a stop of its own: its tooltip says it exactly.
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Allow');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'It is signed in as you' }).waitFor();
  expect(await ended).toBe(0);
  expect(said.text).toContain('as engineer@demo.test until');
  expect(said.text).not.toMatch(/tg_/);
  expect(faults).toEqual([]);
  await context.close();
});

test('who is not signed in comes back to the code after the sign-in', { timeout: 60_000 }, async () => {
  const { said, ended } = startLogin();
  const { link, code } = await linkOf(said);
  const { page, context } = await browser.visitor();
  await page.goto(link);
  await page.getByLabel('E-mail').fill('reviewer@demo.test');
  await page.getByLabel('Password').fill(inject('system').password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL('**/device*');
  await waitUntil(async () => (await page.getByLabel('Code').inputValue()) === code, 15_000, 'the code');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('button', { name: 'Refuse' }).click();
  await page.getByRole('heading', { name: 'It was refused' }).waitFor();
  expect(await ended).toBe(1);
  expect(said.text).toContain('the sign-in was refused in the browser');
  await context.close();
});
