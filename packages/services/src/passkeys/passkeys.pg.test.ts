import { createSoftwareAuthenticator, type SoftwareAuthenticator } from '@taskgate/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ServiceContext } from '../context.ts';
import { authenticateApiToken } from '../people/authenticate-api-token.ts';
import { changePassword } from '../people/change-password.ts';
import { checkWebSession } from '../people/check-web-session.ts';
import { createApiToken } from '../people/create-api-token.ts';
import { createUser } from '../people/create-user.ts';
import { signInWithPasskey } from '../people/sign-in-with-passkey.ts';
import { updateUser } from '../people/update-user.ts';
import { PASSKEY_SITE, registerFor } from '../testing/register-for.ts';
import { CLIENT, PASSWORD, startTestServices, type TestPerson, type TestServices } from '../testing/test-services.ts';
import { refusal } from '../testing/test-shop.ts';
import { askToProve } from './ask-to-prove.ts';
import { askToRegister } from './ask-to-register.ts';
import { askToSignIn } from './ask-to-sign-in.ts';
import { loadPasskeys } from './load-passkeys.ts';
import { registerPasskey } from './register-passkey.ts';
import { removePasskey } from './remove-passkey.ts';
import { removePasskeysOf } from './remove-passkeys-of.ts';
import { renamePasskey } from './rename-passkey.ts';

let test: TestServices;
let person: TestPerson;
let admin: TestPerson;
let device: SoftwareAuthenticator;
let count = 0;
beforeAll(async () => {
  test = await startTestServices();
  admin = await test.person('admin', ['admin']);
});
afterAll(() => test.stop());
beforeEach(async () => {
  person = await test.person(`person-${count++}`, ['engineer']);
  device = createSoftwareAuthenticator(PASSKEY_SITE);
});

const register = (ctx: ServiceContext = person.ctx) => registerFor(ctx, device);
const signInBy = async (fault = {}) =>
  signInWithPasskey(test.services, { assertion: device.get(await askToSignIn(test.services, CLIENT), fault) }, CLIENT);
const prove = async (ctx: ServiceContext = person.ctx) => device.get(await askToProve(ctx));
const actions = async (subject: string) =>
  (await test.database.query<{ action: string }>(`select action from audit where subject = $1`, [subject])).map(
    ({ action }) => action,
  );

describe('a passkey', () => {
  it('is registered by who shows that it is they, listed, renamed and removed, and each is in the audit', async () => {
    const made = await register();
    expect(made).toMatchObject({ name: 'laptop', usable: true, synced: false, lastUsedAt: null });
    expect(made.keySha256).toMatch(/^[\w-]{43}$/);
    expect(await renamePasskey(person.ctx, { id: made.id, name: 'old laptop' })).toMatchObject({ name: 'old laptop' });
    expect(await loadPasskeys(person.ctx)).toMatchObject({
      items: [{ id: made.id, name: 'old laptop' }],
      origin: PASSKEY_SITE.origin,
    });
    expect(await removePasskey(person.ctx, { id: made.id, assertion: await prove() })).toEqual({ left: 0 });
    expect((await loadPasskeys(person.ctx)).items).toEqual([]);
    expect(await actions(made.id)).toEqual(['passkey.register', 'passkey.rename', 'passkey.remove']);
  });

  it.each(['askToRegister', 'removePasskey'] as const)(
    '%s asks for the password or for a passkey first, also of who has a token of theirs',
    async (verb) => {
      const { id } = await register();
      const call = (proof: object, ctx = person.ctx) =>
        verb === 'askToRegister' ? askToRegister(ctx, proof) : removePasskey(ctx, { id, ...proof });
      expect(await refusal(call({}))).toBe('step-up-required');
      expect(await refusal(call({ password: 'a wrong password' }))).toBe('wrong-password');
      const { token } = await createApiToken(person.ctx, { name: 't', scopes: ['task:read'], ttlMs: 60_000 });
      const actor = await authenticateApiToken(test.services, token);
      expect(await refusal(call({}, { services: test.services, actor: actor! }))).toBe('step-up-required');
      await expect(call({ assertion: await prove() })).resolves.toBeDefined();
      expect(test.logged.join()).not.toContain('a wrong password');
    },
  );

  it('of a person without a password begins with a sign-in of a moment ago', async () => {
    await test.database.query(`update identities set "passwordHash" = null where id = $1`, [person.id]);
    expect(await refusal(askToRegister(person.ctx, {}))).toBe('step-up-required');
    const now = new Date(test.clock.now());
    const session = { userId: person.id, lastSeenAt: now, expiresAt: new Date(now.getTime() + 1e7), userAgent: '' };
    await test.services.db.webSession.create({
      data: { ...session, id: `web_${person.id}`, createdAt: now, address: '' },
    });
    const ctx = { services: test.services, actor: { ...person.actor, viaId: `web_${person.id}` } };
    await expect(askToRegister(ctx, {})).resolves.toBeDefined();
    test.clock.advance(300_000);
    expect(await refusal(askToRegister(ctx, {}))).toBe('step-up-required');
  });

  it.each([
    ['nobody was verified', { userVerified: false }],
    ['it was for another site', { origin: 'http://evil.example' }],
    ['it was for another RP', { rpId: 'evil.example' }],
    ['it was for another question', { challenge: 'AAAA' }],
  ])('is not registered where %s', async (_, fault) => {
    const options = await askToRegister(person.ctx, { password: PASSWORD });
    const registration = device.create(options, fault);
    expect(await refusal(registerPasskey(person.ctx, { name: 'x', registration }))).toBe('wrong-passkey');
    expect((await loadPasskeys(person.ctx)).items).toEqual([]);
  });

  it('is registered once a question, by whom it was asked of, within five minutes', async () => {
    const registration = device.create(await askToRegister(person.ctx, { password: PASSWORD }));
    expect(await refusal(registerPasskey(admin.ctx, { name: 'x', registration }))).toBe('wrong-passkey');
    // The wrong person's try has used the question up.
    expect(await refusal(registerPasskey(person.ctx, { name: 'x', registration }))).toBe('wrong-passkey');
    const late = device.create(await askToRegister(person.ctx, { password: PASSWORD }));
    test.clock.advance(300_000);
    expect(await refusal(registerPasskey(person.ctx, { name: 'x', registration: late }))).toBe('wrong-passkey');
  });

  it('is not registered by the answer to a question that asks for no proof first', async () => {
    await register();
    const { challenge } = await askToProve(person.ctx);
    const registration = createSoftwareAuthenticator(PASSKEY_SITE).create({
      challenge,
      user: { id: Buffer.from(person.id).toString('base64url') },
    });
    expect(await refusal(registerPasskey(person.ctx, { name: 'x', registration }))).toBe('wrong-passkey');
    expect((await loadPasskeys(person.ctx)).items).toHaveLength(1);
  });

  it('is nobody else’s to see, rename or remove, but an admin removes them all', async () => {
    const made = await register();
    const other = await test.person(`other-${count++}`, ['engineer']);
    expect((await loadPasskeys(other.ctx)).items).toEqual([]);
    expect(await refusal(renamePasskey(other.ctx, { id: made.id, name: 'mine' }))).toBe('not-found');
    expect(await refusal(removePasskey(other.ctx, { id: made.id, password: PASSWORD }))).toBe('not-found');
    expect(await refusal(removePasskeysOf(other.ctx, { id: person.id }))).toBe('forbidden');
    expect(await removePasskeysOf(admin.ctx, { id: person.id, password: PASSWORD })).toEqual({ removed: 1 });
    expect(await actions(person.id)).toContain('user.remove-passkeys');
    expect(await refusal(signInBy())).toBe('wrong-passkey');
  });
});

describe('a stolen sign-in of an admin', () => {
  beforeEach(async () => {
    person = await test.person(`admin-${count++}`, ['admin']);
    await register();
  });
  /** Somebody at their open browser, or with their token, has no proof that it is they. */
  const unproven = [
    [undefined, 'step-up-required'],
    [{ password: 'a wrong password' }, 'wrong-password'],
  ] as const;

  it('removes none of its own passkeys, so that its approvals stay signed', async () => {
    expect(await refusal(removePasskeysOf(person.ctx, { id: person.id }))).toBe('forbidden');
    expect(await refusal(removePasskeysOf(person.ctx, { id: person.id, password: PASSWORD }))).toBe('forbidden');
    expect((await loadPasskeys(person.ctx)).items).toHaveLength(1);
  });

  it('removes nobody else’s, and becomes nobody by a password it sets or a person it makes', async () => {
    const other = await test.person(`other-${count++}`, ['reviewer']);
    const set = { id: other.id, password: 'a password of the thief’s' };
    const made = () => ({ email: `made-${count++}@test.example`, name: 'M', groups: [], password: set.password });
    for (const [proof, code] of unproven) {
      expect(await refusal(removePasskeysOf(person.ctx, { id: other.id, ...proof }))).toBe(code);
      expect(await refusal(updateUser(person.ctx, { ...set, proof }))).toBe(code);
      expect(await refusal(createUser(person.ctx, { ...made(), proof }))).toBe(code);
    }
    expect(await actions(other.id)).toEqual(['user.create']);
    await updateUser(person.ctx, { ...set, proof: { assertion: await prove() } });
    await createUser(person.ctx, { ...made(), proof: { password: PASSWORD } });
    expect(await removePasskeysOf(person.ctx, { id: other.id, assertion: await prove() })).toEqual({ removed: 0 });
    expect(test.logged.join()).not.toContain('of the thief');
  });
});

describe('a sign-in by a passkey', () => {
  beforeEach(() => register());

  it('says who it is, and is a sign-in as any other', async () => {
    const { webSessionId, user } = await signInBy();
    expect(user.email).toBe(person.email);
    expect((await checkWebSession(test.services, webSessionId))?.identityId).toBe(person.id);
    expect(await actions(person.id)).toContain('user.sign-in');
  });

  it('takes an answer once', async () => {
    const assertion = device.get(await askToSignIn(test.services, CLIENT));
    const tries = await Promise.allSettled(
      Array.from({ length: 5 }, () => signInWithPasskey(test.services, { assertion }, CLIENT)),
    );
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it.each([
    ['of nobody verified', { userVerified: false }],
    ['of nobody present', { userPresent: false }],
    ['for another site', { origin: 'http://evil.example' }],
    ['for another RP', { rpId: 'evil.example' }],
    ['in a frame of another site', { crossOrigin: true }],
    ['to a question that was never asked', { challenge: 'A'.repeat(43) }],
    ['that is a registration', { type: 'webauthn.create' }],
  ])('is refused an answer %s', async (_, fault) => {
    expect(await refusal(signInBy(fault))).toBe('wrong-passkey');
  });

  it('is refused an answer to another question, from another address, or after five minutes', async () => {
    const proof = await prove();
    expect(await refusal(signInWithPasskey(test.services, { assertion: proof }, CLIENT))).toBe('wrong-passkey');
    const elsewhere = device.get(await askToSignIn(test.services, { ...CLIENT, address: '192.0.2.99' }));
    expect(await refusal(signInWithPasskey(test.services, { assertion: elsewhere }, CLIENT))).toBe('wrong-passkey');
    const late = device.get(await askToSignIn(test.services, CLIENT));
    test.clock.advance(300_000);
    expect(await refusal(signInWithPasskey(test.services, { assertion: late }, CLIENT))).toBe('wrong-passkey');
  });

  it('is refused a signature of another key', async () => {
    const other = createSoftwareAuthenticator(PASSKEY_SITE);
    const assertion = { ...other.get(await askToSignIn(test.services, CLIENT)), id: device.credentialId };
    assertion.rawId = device.credentialId;
    expect(await refusal(signInWithPasskey(test.services, { assertion }, CLIENT))).toBe('wrong-passkey');
  });

  it('is refused to a disabled person, in the same words', async () => {
    const message = (work: Promise<unknown>) => work.catch((error: Error) => error.message);
    const unknown = await message(
      signInWithPasskey(
        test.services,
        { assertion: createSoftwareAuthenticator(PASSKEY_SITE).get(await askToSignIn(test.services, CLIENT)) },
        CLIENT,
      ),
    );
    await updateUser(admin.ctx, { id: person.id, disabled: true });
    expect(await message(signInBy())).toBe(unknown);
  });

  it('is refused to a copy of the key: a count that does not grow, which is written down', async () => {
    await signInBy();
    const { items } = await loadPasskeys(person.ctx);
    for (const counter of [0, 1, 2]) expect(await refusal(signInBy({ counter }))).toBe('wrong-passkey');
    const regressions = (await actions(items[0]!.id)).filter((action) => action === 'passkey.counter-regressed');
    expect(regressions).toHaveLength(3);
    await expect(signInBy({ counter: 1000 })).resolves.toBeDefined();
  });

  it('goes on with a passkey that never counts, as synced ones do', async () => {
    device = createSoftwareAuthenticator({ ...PASSKEY_SITE, counts: false });
    await register();
    await signInBy();
    await expect(signInBy()).resolves.toBeDefined();
  });

  it('stays when the password is changed, and has questions without end refused', async () => {
    await changePassword(person.ctx, { current: PASSWORD, next: 'another long password' });
    await expect(signInBy()).resolves.toBeDefined();
    const flood = { ...CLIENT, address: '192.0.2.50' };
    for (let i = 0; i < 100; i++) await askToSignIn(test.services, flood);
    expect(await refusal(askToSignIn(test.services, flood))).toBe('rate-limited');
    await expect(askToSignIn(test.services, CLIENT)).resolves.toBeDefined();
    test.clock.advance(300_000);
    await expect(askToSignIn(test.services, flood)).resolves.toBeDefined();
  });
});
