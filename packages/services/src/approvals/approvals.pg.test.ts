import { parseApprovalFile, verifyApproval } from '@taskgate/approval';
import { createSoftwareAuthenticator, type SoftwareAuthenticator } from '@taskgate/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { applyDocuments } from '../documents/apply-documents.ts';
import { activateGrant } from '../grants/activate-grant.ts';
import { approveGrant } from '../grants/approve-grant.ts';
import { askToSignGrant } from '../grants/ask-to-sign-grant.ts';
import { askToConfirmGrant, confirmGrant } from '../grants/confirm-grant.ts';
import { endGrant } from '../grants/end-grant.ts';
import { loadGrant } from '../grants/load-grants.ts';
import { requestGrant } from '../grants/request-grant.ts';
import { approveHold } from '../holds/approve-hold.ts';
import { askToSignHold } from '../holds/ask-to-sign-hold.ts';
import { loadHold } from '../holds/load-hold.ts';
import { askToProve } from '../passkeys/ask-to-prove.ts';
import { webCrypto } from '../passkeys/passkey-row.ts';
import { removePasskeysOf } from '../passkeys/remove-passkeys-of.ts';
import { PASSKEY_SITE, registerFor } from '../testing/register-for.ts';
import { PASSWORD, type TestPerson } from '../testing/test-services.ts';
import { BINDING, FORWARDED, refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { loadApproval } from './load-approval.ts';

const TASKS = `kind: Task
name: guarded
purpose: Nobody opens this by a stolen token
resource: demo-shop
who: { groups: [analysts] }
access: { approvals: { from: [dba], count: 2 }, ttl: 30m, step-up: both }
allow:
  - select: public.orders
---
kind: Task
name: confirmed
purpose: Its owner confirms it
resource: demo-shop
who: { groups: [analysts] }
access: { ttl: 30m, step-up: activation }
allow:
  - select: public.orders
---
kind: Task
name: asked
purpose: Somebody says yes to it
resource: demo-shop
who: { groups: [analysts] }
access: { approvals: { from: [dba] }, ttl: 30m }
allow:
  - select: public.orders
`;

let shop: TestShop;
let engineerDevice: SoftwareAuthenticator;
let device: SoftwareAuthenticator;
let signer: TestPerson;
let unsigned: TestPerson;
let grantId: string;
let sessionId: string;
let holdId: string;
beforeAll(async () => {
  shop = await startTestShop();
  await applyDocuments(shop.setup, { source: TASKS });
  [signer, unsigned] = [shop.reviewers[0], shop.reviewers[1]];
  device = createSoftwareAuthenticator(PASSKEY_SITE);
  engineerDevice = createSoftwareAuthenticator(PASSKEY_SITE);
  await registerFor(signer.ctx, device);
  await registerFor(shop.engineer.ctx, engineerDevice);
});
afterAll(() => shop.stop());
beforeEach(async () => {
  grantId = (await shop.activeGrant('fix-order-status')).id;
  sessionId = await shop.session(grantId);
  holdId = await shop.hold(sessionId, grantId, { approvals: { from: ['dba'], count: 1, timeoutMs: 600_000 } });
});
// A task has only so many active grants.
afterEach(() => endGrant(shop.engineer.ctx, { id: grantId }));

const YES = { binding: BINDING, comment: 'case 4711' };
/** Published revisions do not change: only who owns the store can make one. */
async function changeDocument(): Promise<void> {
  await exec('alter table task_revisions disable trigger user');
  await exec(`update task_revisions set source = source || ' ' where source like '%fix-order-status%'`);
  await exec('alter table task_revisions enable trigger user');
}
async function changeLimits(): Promise<void> {
  await exec('alter table grants disable trigger user');
  await exec(
    `update grants set limits = jsonb_build_object('rows', coalesce((limits->>'rows')::int, 0) + 1) where id = $1`,
    grantId,
  );
  await exec('alter table grants enable trigger user');
}
/** One signed yes; `change` is done between the question and the answer. */
async function sign(change: () => Promise<unknown> = async () => {}, said: object = YES) {
  const options = await askToSignHold(signer.ctx, { id: holdId, ...YES });
  await change();
  return approveHold(signer.ctx, { id: holdId, ...said, assertion: device.get(options) });
}
const approvalOf = async (id: string) => (await loadHold(signer.ctx, { id })).approvals[0]!.id;
const exec = (sql: string, ...values: unknown[]) => shop.database.query(sql, values);

describe('a signed approval of a statement', () => {
  it('is kept, let through by the gate, and verified from its file alone', async () => {
    expect(await sign()).toMatchObject({ state: 'approved', approvals: [{ signedBy: 'laptop' }] });
    expect(await shop.controlPlane.redeemHold(holdId, FORWARDED)).toBe(true);
    const file = parseApprovalFile(
      JSON.stringify(await loadApproval(shop.engineer.ctx, { id: await approvalOf(holdId) })),
    );
    const verdict = file.ok && (await verifyApproval(file.value, webCrypto));
    expect(verdict).toMatchObject({
      ok: true,
      content: {
        subject: { kind: 'hold', holdId, grantId, sessionId, binding: BINDING, parameters: ['42'], affectsMax: 1 },
        task: { name: 'fix-order-status', revision: 1 },
        resource: {
          name: 'demo-shop',
          host: expect.any(String),
          port: expect.any(Number),
          database: 'shop',
          labels: { env: 'production' },
        },
        limits: null,
        requester: { email: shop.engineer.email },
        reviewer: { email: signer.email },
        terms: { from: ['dba'], count: 1, stepUp: false },
        comment: 'case 4711',
        site: PASSKEY_SITE,
      },
    });
    expect((await shop.audit(holdId)).at(1)?.after).toMatchObject({ approvals: [{ passkey: expect.any(String) }] });
  });

  it('stays verifiable when the passkey is gone', async () => {
    const one = await shop.person(`signer-${Date.now()}`, [], ['dba']);
    const lost = createSoftwareAuthenticator(PASSKEY_SITE);
    await registerFor(one.ctx, lost);
    const options = await askToSignHold(one.ctx, { id: holdId, ...YES });
    await approveHold(one.ctx, { id: holdId, ...YES, assertion: lost.get(options) });
    await removePasskeysOf(shop.admin.ctx, { id: one.id, password: PASSWORD });
    const file = await loadApproval(one.ctx, { id: await approvalOf(holdId) });
    expect((await verifyApproval(file, webCrypto)).ok).toBe(true);
    expect(await shop.controlPlane.redeemHold(holdId, FORWARDED)).toBe(true);
  });

  it.each([
    ['statement', () => exec(`update holds set statement = 'delete from orders' where id = $1`, holdId)],
    ['parameters', () => exec(`update holds set parameters = '["43"]' where id = $1`, holdId)],
  ])('with another %s in the store approves nothing, and lets through only what was signed', async (_, change) => {
    expect(await refusal(sign(change))).toBe('conflict');
    holdId = await shop.hold(sessionId, grantId, { approvals: { from: ['dba'], count: 1, timeoutMs: 600_000 } });
    await sign();
    await change();
    const [shown] = await exec('select statement, parameters from holds where id = $1', holdId);
    expect(await shop.controlPlane.redeemHold(holdId, { ...FORWARDED, ...(shown as object) })).toBe(false);
    expect(await shop.controlPlane.redeemHold(holdId, FORWARDED)).toBe(true);
  });

  it.each([
    ['rows it may touch', () => exec(`update holds set "affectsMax" = 100 where id = $1`, holdId)],
    ['groups asked', () => exec(`update holds set "approverGroups" = '{dba,analysts}' where id = $1`, holdId)],
    ['time it has', () => exec(`update holds set "expiresAt" = "expiresAt" + interval '1 hour' where id = $1`, holdId)],
    ['decision', () => exec(`update holds set "decisionId" = 'dec_x' || id where id = $1`, holdId)],
    ['need of a passkey', () => exec(`update holds set "stepUp" = true where id = $1`, holdId)],
    ['document', changeDocument],
    ['database', () => exec(`update resources set database = database || 'x'`)],
    ['host', () => exec(`update resources set host = 'x' || host`)],
    ['port', () => exec('update resources set port = port + 1')],
    ['label', () => exec(`update resources set labels = labels || jsonb_build_object(gen_random_uuid(), 'x')`)],
    ['limit', changeLimits],
    ['requester', () => exec(`update identities set email = 'x' || email where id = $1`, shop.engineer.id)],
  ])('is one of nothing else: with another %s it approves nothing, and lets nothing through', async (_, change) => {
    expect(await refusal(sign(change))).toBe('conflict');
    expect((await loadHold(signer.ctx, { id: holdId })).approvals).toEqual([]);
    holdId = await shop.hold(sessionId, grantId, { approvals: { from: ['dba'], count: 1, timeoutMs: 600_000 } });
    await sign();
    await change();
    expect(await shop.controlPlane.redeemHold(holdId, FORWARDED)).toBe(false);
  });

  it('is of what the gate has in its hands, not of what the store shows', async () => {
    await sign();
    for (const other of [
      { ...FORWARDED, statement: 'delete from orders' },
      { ...FORWARDED, parameters: ['43'] },
      { ...FORWARDED, binding: 'cd'.repeat(32) },
    ])
      expect(await shop.controlPlane.redeemHold(holdId, other)).toBe(false);
    await exec(`update approval_signatures set signature = '\\x00' where "approvalId" = $1`, await approvalOf(holdId));
    expect(await shop.controlPlane.redeemHold(holdId, FORWARDED)).toBe(false);
  });

  it('says what was said: another comment, binding, hold or person is not signed', async () => {
    expect(await refusal(sign(undefined, { ...YES, comment: 'another' }))).toBe('conflict');
    expect(await refusal(sign(undefined, { ...YES, binding: 'cd'.repeat(32) }))).toBe('conflict');
    const options = await askToSignHold(signer.ctx, { id: holdId, ...YES });
    const other = await shop.hold(sessionId, grantId);
    const assertion = device.get(options);
    expect(await refusal(approveHold(signer.ctx, { id: other, ...YES, assertion }))).toBe('wrong-passkey');
    expect(await refusal(approveHold(signer.ctx, { id: holdId, ...YES, assertion }))).toBe('wrong-passkey');
    const proof = device.get(await askToProve(signer.ctx));
    expect(await refusal(approveHold(signer.ctx, { id: holdId, ...YES, assertion: proof }))).toBe('wrong-passkey');
    const late = device.get(await askToSignHold(signer.ctx, { id: holdId, ...YES }));
    shop.clock.advance(300_000);
    expect(await refusal(approveHold(signer.ctx, { id: holdId, ...YES, assertion: late }))).toBe('wrong-passkey');
  });

  it('is asked of who has a passkey, whatever they call with; others approve without, unless the rule asks for one', async () => {
    expect(await refusal(approveHold(signer.ctx, { id: holdId, ...YES }))).toBe('step-up-required');
    await expect(approveHold(signer.ctx, { id: holdId, ...YES })).rejects.toThrow(
      `http://localhost:3000/inbox?sel=${holdId}`,
    );
    expect(await approveHold(unsigned.ctx, { id: holdId, ...YES })).toMatchObject({ state: 'approved' });
    expect(await shop.controlPlane.redeemHold(holdId, FORWARDED)).toBe(true);
    const strict = await shop.hold(sessionId, grantId, {
      approvals: { from: ['dba'], count: 1, timeoutMs: 600_000, stepUp: true },
    });
    expect(await refusal(approveHold(unsigned.ctx, { id: strict, ...YES }))).toBe('step-up-required');
    expect(await refusal(askToSignHold(unsigned.ctx, { id: strict, ...YES }))).toBe('step-up-required');
    // Approved behind the product's back, without a signature.
    await exec(`update holds set state = 'approved' where id = $1`, strict);
    await exec(
      `insert into approvals (id, "holdId", "userId", outcome, at) values ('apr_forged', $1, $2, 'approved', now())`,
      strict,
      unsigned.id,
    );
    expect(await shop.controlPlane.redeemHold(strict, FORWARDED)).toBe(false);
  });

  it.each([true, false])(
    'is of as many people as are needed, signed or not (signed: %s): an approved hold with fewer lets nothing through',
    async (stepUp) => {
      const terms = { approvals: { from: ['dba'], count: 2, timeoutMs: 600_000, ...(stepUp ? { stepUp } : {}) } };
      const approved = (id: string) => exec(`update holds set state = 'approved' where id = $1`, id);
      holdId = await shop.hold(sessionId, grantId, terms);
      await approved(holdId);
      expect(await shop.controlPlane.redeemHold(holdId, FORWARDED)).toBe(false);
      await exec(`update holds set state = 'waiting' where id = $1`, holdId);
      await sign();
      await approved(holdId);
      expect(await shop.controlPlane.redeemHold(holdId, FORWARDED)).toBe(false);
    },
  );

  it('is read by who may read the statement alone', async () => {
    await sign();
    const id = await approvalOf(holdId);
    expect(await refusal(loadApproval(shop.otherEngineer.ctx, { id }))).toBe('not-found');
    const other = await shop.person(`auditor-${Date.now()}`, ['auditor']);
    expect(await refusal(loadApproval(other.ctx, { id }))).toBe('forbidden');
    await expect(loadApproval(shop.auditor.ctx, { id })).resolves.toMatchObject({ id });
    expect(await refusal(loadApproval(signer.ctx, { id: 'apr_none' }))).toBe('not-found');
  });
});

describe('a task that asks for a passkey', () => {
  const confirm = async (id: string) =>
    confirmGrant(shop.engineer.ctx, {
      id,
      assertion: engineerDevice.get(await askToConfirmGrant(shop.engineer.ctx, { id })),
    });
  const ask = async (task: string) => (await requestGrant(shop.engineer.ctx, { task })).id;

  it('is activated by its owner’s passkey, given in the last five minutes', async () => {
    const id = await ask('confirmed');
    expect(await refusal(activateGrant(shop.engineer.ctx, { id }))).toBe('step-up-required');
    await expect(activateGrant(shop.engineer.ctx, { id })).rejects.toThrow(`/requests/${id}?confirm=1`);
    expect(await confirm(id)).toMatchObject({ state: 'approved', confirmed: true });
    shop.clock.advance(300_001);
    expect(await loadGrant(shop.engineer.ctx, { id })).toMatchObject({ confirmed: false });
    expect(await refusal(activateGrant(shop.engineer.ctx, { id }))).toBe('step-up-required');
    await confirm(id);
    // As whoever waits for it: the command line's token is not the browser that confirmed.
    const { grant } = await activateGrant(shop.engineer.ctx, { id });
    expect(grant.state).toBe('active');
    expect((await shop.audit(id)).map(({ action }) => action)).toEqual([
      'grant.request',
      'grant.confirm',
      'grant.confirm',
      'grant.activate',
    ]);
  });

  it('is confirmed one grant at a time, and by nobody else', async () => {
    const [one, other] = [await ask('confirmed'), await ask('confirmed')];
    const assertion = engineerDevice.get(await askToConfirmGrant(shop.engineer.ctx, { id: one }));
    expect(await refusal(confirmGrant(shop.engineer.ctx, { id: other, assertion }))).toBe('wrong-passkey');
    expect(await refusal(askToConfirmGrant(shop.otherEngineer.ctx, { id: one }))).toBe('not-found');
    const strangers = device.get(await askToConfirmGrant(shop.engineer.ctx, { id: one }));
    expect(await refusal(confirmGrant(shop.engineer.ctx, { id: one, assertion: strangers }))).toBe('wrong-passkey');
    expect(await refusal(activateGrant(shop.engineer.ctx, { id: one }))).toBe('step-up-required');
    expect(await refusal(activateGrant(shop.engineer.ctx, { id: other }))).toBe('step-up-required');
  });

  it('is approved by signatures alone, each for at most its time', async () => {
    const id = await ask('guarded');
    const second = createSoftwareAuthenticator(PASSKEY_SITE);
    await registerFor(shop.reviewers[2].ctx, second);
    const yes = async (who: TestPerson, by: SoftwareAuthenticator, ttlMs: number | null) => {
      const options = await askToSignGrant(who.ctx, { id, ttlMs });
      return approveGrant(who.ctx, { id, ttlMs, assertion: by.get(options) });
    };
    expect(await refusal(approveGrant(unsigned.ctx, { id }))).toBe('step-up-required');
    const options = await askToSignGrant(signer.ctx, { id, ttlMs: 60_000 });
    expect(await refusal(approveGrant(signer.ctx, { id, ttlMs: 120_000, assertion: device.get(options) }))).toBe(
      'conflict',
    );
    await yes(signer, device, null);
    // Approved behind the product's back, with one answer of two.
    await exec(`update grants set state = 'approved' where id = $1`, id);
    await confirm(id);
    expect(await refusal(activateGrant(shop.engineer.ctx, { id }))).toBe('conflict');
    await exec(`update grants set state = 'requested', "confirmedAt" = null where id = $1`, id);
    expect(await yes(shop.reviewers[2], second, 60_000)).toMatchObject({ state: 'approved', ttlMs: 60_000 });
    await confirm(id);
    await exec(`update grants set "ttlMs" = 7200000 where id = $1`, id);
    expect(await refusal(activateGrant(shop.engineer.ctx, { id }))).toBe('conflict');
    await exec(`update grants set "ttlMs" = 60000 where id = $1`, id);
    // Terms do not change: only who owns the store can change them.
    await exec('alter table grants disable trigger user');
    await exec(`update grants set ticket = 'another' where id = $1`, id);
    expect(await refusal(activateGrant(shop.engineer.ctx, { id }))).toBe('conflict');
    await exec(`update grants set ticket = null where id = $1`, id);
    await exec('alter table grants enable trigger user');
    await expect(activateGrant(shop.engineer.ctx, { id })).resolves.toMatchObject({ grant: { state: 'active' } });
    const { approvals } = await loadGrant(shop.engineer.ctx, { id });
    const file = await loadApproval(shop.engineer.ctx, { id: approvals[0]!.id });
    expect(await verifyApproval(file, webCrypto)).toMatchObject({
      ok: true,
      content: { subject: { kind: 'grant', grantId: id, ttlMs: 1_800_000 }, terms: { stepUp: true } },
    });
  });
});

describe('a task that asks for approvals, none of them signed', () => {
  it('is not activated with fewer than it needs, whatever the store says of its state', async () => {
    const { id } = await requestGrant(shop.engineer.ctx, { task: 'asked' });
    await exec(`update grants set state = 'approved' where id = $1`, id);
    expect(await refusal(activateGrant(shop.engineer.ctx, { id }))).toBe('conflict');
    await exec(`update grants set state = 'requested' where id = $1`, id);
    await approveGrant(unsigned.ctx, { id });
    await expect(activateGrant(shop.engineer.ctx, { id })).resolves.toMatchObject({ grant: { state: 'active' } });
  });
});
