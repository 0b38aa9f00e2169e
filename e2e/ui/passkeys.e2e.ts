import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findClientProgram, runCommand, waitUntil } from '@taskgate/testkit';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { applyDocument, as, call, endGrant, openGrant } from '../api.ts';
import { fillSignIn, startBrowser, type TestBrowser, type Visitor } from '../browser.ts';
import { expectAccessible } from '../expect-accessible.ts';
import { startPsql } from '../psql.ts';
import { ROOT } from '../system.ts';

/** Accessibility is looked at many times, in two themes. */
const SLOW = { timeout: 180_000 };
const PASSWORD = 'a password of the passkey tests';
const stamp = Date.now().toString(36);
const SIGNER = { email: `signer-${stamp}@demo.test`, name: `Sam Signer ${stamp}` };
const OWNER = { email: `owner-${stamp}@demo.test`, name: `Olga Owner ${stamp}` };

const TASKS = `kind: Task
name: guarded-fix
purpose: Correct one order, with a signed approval and a confirmed activation
resource: demo-shop
who: { groups: [support] }
access: { ttl: 30m, step-up: activation }
allow:
  - select: public.orders
hold:
  - update: public.orders
    columns: [status]
    affects: { max: 1 }
    approvals: { from: [dba], count: 1, timeout: 10m, step-up: true }
`;

let browser: TestBrowser;
let folder: string;
let signer: Visitor;
let owner: Visitor;
let localUrl: string;
const visitors: Visitor[] = [];

/** A browser of the person's own, at the name of this machine that passkeys belong to, with a virtual authenticator in it. */
async function visit(person?: typeof SIGNER): Promise<Visitor> {
  const visitor = await browser.visitor();
  visitors.push(visitor);
  const cdp = await visitor.context.newCDPSession(visitor.page);
  await cdp.send('WebAuthn.enable');
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  if (person) {
    await visitor.page.goto(`${localUrl}/login`);
    await visitor.page.getByLabel('E-mail').fill(person.email);
    await visitor.page.getByLabel('Password').fill(PASSWORD);
    await visitor.page.getByRole('button', { name: 'Sign in' }).click();
    await visitor.page.waitForURL((url) => url.pathname !== '/login');
  }
  return visitor;
}

async function register(page: Page, name: string): Promise<void> {
  await page.goto(`${localUrl}/settings?tab=passkeys`);
  await page.getByRole('button', { name: 'New passkey' }).click();
  await page.getByLabel('Name').fill(name);
  await page.getByRole('dialog').getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Register the passkey' }).click();
  await page.getByText(`The passkey ${name} is registered`).waitFor();
  await page.getByRole('cell', { name }).first().waitFor();
}

const cli = (args: readonly string[]) =>
  runCommand(process.execPath, [join(ROOT, 'scripts/taskgate.mjs'), ...args], {
    env: { XDG_CONFIG_HOME: folder, TASKGATE_URL: undefined, TASKGATE_TOKEN: undefined },
    timeoutMs: 60_000,
  });

beforeAll(async () => {
  browser = await startBrowser();
  folder = mkdtempSync(join(tmpdir(), 'taskgate-e2e-passkeys-'));
  localUrl = inject('system').webUrl.replace('127.0.0.1', 'localhost');
  const proof = { password: inject('system').password };
  await as('admin').post('/users', { ...SIGNER, groups: ['dba'], password: PASSWORD, proof });
  await as('admin').post('/users', { ...OWNER, groups: ['support'], password: PASSWORD, proof });
  await applyDocument(TASKS);
  signer = await visit(SIGNER);
  owner = await visit(OWNER);
});
afterAll(async () => {
  await Promise.all(visitors.map(({ context }) => context.close()));
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => {
  expect(visitors.flatMap(({ faults }) => faults)).toEqual([]);
});

test('a passkey is registered by keyboard in Settings, after the password, and signs in without it', SLOW, async () => {
  const { page, context } = signer;
  await page.goto(`${localUrl}/settings?tab=passkeys`);
  await page.getByText('No passkeys').waitFor();
  await page.getByRole('button', { name: 'New passkey' }).focus();
  await page.keyboard.press('Enter');
  await expectAccessible(page);
  await page.getByLabel('Name').focus();
  await page.keyboard.type('laptop');
  await page.keyboard.press('Tab');
  await page.keyboard.type('not the password');
  await page.keyboard.press('Enter');
  await page.getByText('this is not your password').waitFor();
  await page.getByRole('dialog').getByLabel('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByText('The passkey laptop is registered').waitFor();
  await page.getByRole('cell', { name: 'laptop' }).first().waitFor();
  await expectAccessible(page);

  await context.clearCookies();
  await page.goto(`${localUrl}/login?next=%2Fsettings%3Ftab%3Dpasskeys`);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Use a passkey' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/settings?tab=passkeys');
  await page.getByText(`${SIGNER.name}, ${SIGNER.email}`).waitFor();
});

test('a passkey that is not known here signs nobody in, and the form says what to do', async () => {
  const { page } = await visit();
  await page.goto(`${localUrl}/login`);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.getByText('The passkey was not used, or is not known here').waitFor();
});

test('at an address without a name, the pages lead to the one with it', async () => {
  const { page } = await visit();
  const { webUrl } = inject('system');
  await fillSignIn(page, SIGNER.email, PASSWORD);
  await page.waitForURL((url) => url.pathname !== '/login');
  await page.goto(`${webUrl}/settings?tab=passkeys`);
  await page.getByRole('link', { name: /Open this page at localhost/ }).click();
  await page.waitForURL(`${localUrl}/login**`);
});

test(
  'a task that asks for it is activated by a passkey: in the browser, and for the command line that waits',
  SLOW,
  async () => {
    const { page } = owner;
    await register(page, 'phone');
    await page.goto(`${localUrl}/tasks/guarded-fix`);
    await page.getByRole('button', { name: /Connect/ }).click();
    await page.getByRole('button', { name: 'Go on and confirm with a passkey' }).click();
    const confirm = page.getByRole('button', { name: 'Confirm with passkey' });
    await confirm.waitFor();
    await expectAccessible(page);
    await confirm.focus();
    await page.keyboard.press('Enter');
    await page
      .getByText(/shown (only )?(this )?once/i)
      .first()
      .waitFor();

    await runCommand(process.execPath, [join(ROOT, 'scripts/taskgate.mjs'), 'login', '--email', OWNER.email], {
      env: {
        XDG_CONFIG_HOME: folder,
        TASKGATE_URL: inject('system').webUrl,
        TASKGATE_PASSWORD: PASSWORD,
        TASKGATE_TOKEN: undefined,
      },
      timeoutMs: 30_000,
    });
    const refused = await cli(['grant', 'guarded-fix', '--token', '--no-wait']);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/must be confirmed with a passkey: open http:\/\/localhost:\d+\/requests\/grt_/);
    const id = /requests\/(grt_\w+)/.exec(refused.stderr)![1]!;
    const going = cli(['grant', id, '--token']);
    await page.goto(`${localUrl}/requests/${id}?confirm=1`);
    await page.getByText('Your command line waits for you').waitFor();
    await page.getByRole('button', { name: 'Confirm with passkey' }).click();
    await page.getByText('Your command line goes on by itself').waitFor();
    const done = await going;
    expect(done).toMatchObject({ code: 0 });
    expect(done.stdout.trim()).toMatch(/^\S{20,}$/);
    await call(await tokenOf(OWNER), 'POST', `/grants/${id}/end`);
  },
);

const tokenOf = async ({ email }: typeof SIGNER): Promise<string> =>
  (await call<{ token: string }>(null, 'POST', '/login', { email, password: PASSWORD })).token;

interface InboxAnswer {
  readonly items: readonly {
    readonly hold?: { readonly id: string; readonly statement: string; readonly binding: string };
  }[];
}

test.skipIf(findClientProgram('psql') === null)(
  'a statement of psql is approved by a signature, runs, and the signature is verified without the server',
  SLOW,
  async () => {
    const { page } = signer;
    const signerToken = await tokenOf(SIGNER);
    const grant = await openGrant('fix-order-status');
    const running = startPsql(grant, { sql: ["update orders set status = 'paid' where id = 4711"] });
    const hold = await waitUntil(
      async () =>
        (await call<InboxAnswer>(signerToken, 'GET', '/inbox?view=mine&limit=200')).items
          .map((item) => item.hold)
          .find((one) => one?.statement.includes('4711')) ?? null,
      15_000,
      'the hold',
    );
    // Who has a passkey approves by it alone.
    await expect(
      call(signerToken, 'POST', `/holds/${hold.id}/approve`, { binding: hold.binding }),
    ).rejects.toMatchObject({ problem: { code: 'step-up-required', status: 403 } });

    await page.goto(`${localUrl}/inbox?sel=${hold.id}`);
    await page.getByRole('button', { name: /^Approve/ }).click();
    await page.getByText('Your passkey signs exactly what is shown').waitFor();
    await expectAccessible(page);
    await page.getByLabel('Comment').fill('case 4711');
    await page.keyboard.press('Control+Enter');
    await running.ended.then(({ code, stdout }) => {
      expect(code).toBe(0);
      expect(stdout).toContain('UPDATE 1');
    });

    await page.goto(`${localUrl}/requests/${hold.id}`);
    await page.getByText(`signed by passkey laptop of ${SIGNER.email}`).waitFor();
    await page.getByText('valid', { exact: true }).waitFor();
    await expectAccessible(page);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: /^Download/ }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^approval-apr_\w+\.json$/);
    const file = join(folder, download.suggestedFilename());
    await download.saveAs(file);
    const { items } = await call<{ items: readonly { keySha256: string }[] }>(signerToken, 'GET', '/me/passkeys');
    const verified = await cli(['verify', file, '--key', items[0]!.keySha256]);
    expect(verified).toMatchObject({ code: 0 });
    expect(verified.stdout).toContain(`valid: signed by a passkey of ${SIGNER.email}`);
    expect(verified.stdout).toContain("update orders set status = 'paid' where id = 4711");
    expect((await cli(['verify', file, '--key', 'another'])).code).toBe(1);
    writeFileSync(file, readFileSync(file, 'utf8').replace('where id = 4711', 'where id = 4712'));
    const tampered = await cli(['verify', file]);
    expect(tampered.code).toBe(1);
    expect(tampered.stdout).toContain('not valid: the passkey signed something else than what stands here');

    const { decisionId, sessionId } = await as('reviewer').get<{ decisionId: string; sessionId: string }>(
      `/holds/${hold.id}`,
    );
    await page.goto(`${localUrl}/explain/${decisionId}`);
    await page.getByText(`signed by passkey laptop of ${SIGNER.email}`).waitFor();
    await page.getByText('valid', { exact: true }).waitFor();
    await endGrant(grant.id);
    const auditor = await browser.as('auditor');
    visitors.push(auditor);
    await auditor.page.goto(`/sessions/${sessionId}?op=${decisionId}`);
    await auditor.page.getByText(`signed by passkey laptop of ${SIGNER.email}`).waitFor();
    await auditor.page.getByText('valid', { exact: true }).waitFor();
    await expectAccessible(auditor.page);
  },
);

test(
  'the last passkey is removed with a warning, confirmed by itself; an admin removes those of a lost device',
  SLOW,
  async () => {
    const { page } = signer;
    await page.goto(`${localUrl}/settings?tab=passkeys`);
    await page.getByRole('button', { name: 'Remove laptop' }).click();
    await page.getByText('It is your last one').waitFor();
    await expectAccessible(page);
    await page.getByRole('dialog').getByRole('button', { name: 'Confirm with passkey' }).click();
    await page.getByText('No passkeys').waitFor();

    const admin = await browser.as('admin');
    visitors.push(admin);
    await admin.page.goto('/people');
    await admin.page.getByLabel('Find').fill(OWNER.email);
    await admin.page.getByRole('button', { name: `Edit ${OWNER.name}` }).click();
    await admin.page.getByRole('button', { name: 'Remove 1 passkey' }).click();
    const ask = admin.page.getByRole('dialog', { name: /Remove every passkey/ });
    await ask.getByLabel('Password').fill('not the admin’s');
    await ask.getByRole('button', { name: 'Remove 1 passkey' }).click();
    await ask.getByText('this is not your password').waitFor();
    await expectAccessible(admin.page);
    await ask.getByLabel('Password').fill(inject('system').password);
    await ask.getByRole('button', { name: 'Remove 1 passkey' }).click();
    await admin.page.getByText('1 passkey removed').waitFor();
    await owner.page.goto(`${localUrl}/settings?tab=passkeys`);
    await owner.page.getByText('No passkeys').waitFor();
  },
);
