import { SecretValue } from '@taskgate/core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ServiceContext } from '../context.ts';
import { provePerson } from '../passkeys/prove-person.ts';
import { CLIENT, PASSWORD, startTestServices, type TestPerson, type TestServices } from '../testing/test-services.ts';
import { refusal } from '../testing/test-shop.ts';
import { authenticateApiToken } from './authenticate-api-token.ts';
import { changePassword } from './change-password.ts';
import { checkActor } from './check-actor.ts';
import { checkWebSession } from './check-web-session.ts';
import { createApiToken } from './create-api-token.ts';
import { createGroup } from './create-group.ts';
import { createUser } from './create-user.ts';
import { endUserSessions } from './end-user-sessions.ts';
import { endWebSession } from './end-web-session.ts';
import { loadApiTokens } from './load-api-tokens.ts';
import { loadGroups } from './load-groups.ts';
import { loadMe } from './load-me.ts';
import { loadUsers } from './load-users.ts';
import { loadWebSessions } from './load-web-sessions.ts';
import { login } from './login.ts';
import { revokeApiToken } from './revoke-api-token.ts';
import { signIn } from './sign-in.ts';
import { updateGroup } from './update-group.ts';
import { updateUser } from './update-user.ts';

let test: TestServices;
let admin: TestPerson;
let engineer: TestPerson;

beforeAll(async () => {
  test = await startTestServices();
  admin = await test.person('root', ['admin']);
  engineer = await test.person('eng', ['engineer']);
});
afterAll(() => test.stop());

const hour = 3_600_000;
const signInAs = (person: TestPerson, password = PASSWORD) =>
  signIn(test.services, { email: person.email.toUpperCase(), password }, CLIENT);
const lastAudit = (action: string, subject?: string) =>
  test.services.db.auditRow.findFirstOrThrow({
    where: { action, ...(subject === undefined ? {} : { subject }) },
    orderBy: { id: 'desc' },
  });

describe('a sign-in', () => {
  it('gives a session that is checked against the store at each use, with the roles of now', async () => {
    const { webSessionId, user } = await signInAs(engineer);
    expect(user).toMatchObject({ email: engineer.email, roles: ['engineer'], via: 'session' });
    expect(await checkWebSession(test.services, webSessionId)).toMatchObject({
      email: engineer.email,
      viaId: webSessionId,
    });
    expect(await lastAudit('user.sign-in', engineer.id)).toMatchObject({ actorId: engineer.id, subject: engineer.id });
    await updateGroup(test.setup, { name: 'eng-group', roles: ['auditor'] });
    expect((await checkWebSession(test.services, webSessionId))?.roles).toEqual(['auditor']);
    await updateGroup(test.setup, { name: 'eng-group', roles: ['engineer'] });
  });

  it.each(['browser', 'command line'])(
    'by %s with a password that is changed meanwhile leaves nothing behind',
    async (by) => {
      const person = await test.person(`slow-${by.slice(0, 3)}`, ['engineer']);
      const admin = await test.database.connect();
      // Holds the person's row, as the change of the password does: the sign-in has checked the old one and waits.
      await admin.query('begin');
      await admin.query('select id from identities where id = $1 for update', [person.id]);
      const signingIn =
        by === 'browser' ? signInAs(person) : login(test.services, { email: person.email, password: PASSWORD }, CLIENT);
      const refused = expect(signingIn).rejects.toMatchObject({ code: 'wrong-password' });
      await vi.waitFor(
        async () => {
          const { rows } = await admin.query('select 1 from pg_locks where not granted');
          expect(rows.length).toBeGreaterThan(0);
        },
        { timeout: 10_000 },
      );
      await admin.query(`update identities set "passwordHash" = 'another' where id = $1`, [person.id]);
      await admin.query('commit');
      await refused;
      expect(await test.services.db.webSession.count({ where: { userId: person.id } })).toBe(0);
      expect(await test.services.db.apiToken.count({ where: { identityId: person.id } })).toBe(0);
    },
  );

  it('ends after 12 hours, or 2 without a request', async () => {
    const idle = await signInAs(engineer);
    test.clock.advance(2 * hour);
    expect(await checkWebSession(test.services, idle.webSessionId)).toBeNull();
    const busy = await signInAs(engineer);
    for (let i = 0; i < 7; i++) {
      expect(await checkWebSession(test.services, busy.webSessionId)).not.toBeNull();
      test.clock.advance(1.75 * hour);
    }
    expect(await checkWebSession(test.services, busy.webSessionId)).toBeNull();
  });

  it('that is new ends the one that this browser had', async () => {
    const first = await signInAs(engineer);
    await signIn(
      test.services,
      { email: engineer.email, password: PASSWORD, previousSessionId: first.webSessionId },
      CLIENT,
    );
    expect(await checkWebSession(test.services, first.webSessionId)).toBeNull();
  });

  it('is refused with one message for a wrong password, an unknown address and a disabled person', async () => {
    const gone = await test.person('gone', []);
    await updateUser(admin.ctx, { id: gone.id, disabled: true });
    const refused = { code: 'wrong-password', message: 'the e-mail address or the password is wrong' };
    await expect(signInAs(gone)).rejects.toMatchObject(refused);
    await expect(signInAs(engineer, 'wrong')).rejects.toMatchObject(refused);
    await expect(
      signIn(test.services, { email: 'nobody@test.example', password: PASSWORD }, CLIENT),
    ).rejects.toMatchObject(refused);
    expect(await lastAudit('user.sign-in-refused', 'unknown')).toMatchObject({ after: { address: CLIENT.address } });
    expect(await lastAudit('user.sign-in-refused', engineer.id)).toMatchObject({
      subject: engineer.id,
      actorId: null,
      via: 'sign-in',
    });
  });

  it('is slowed down by wrong passwords, sent one after the other or all at once, and freed by time', async () => {
    const victim = await test.person('victim', []);
    const tries = await Promise.allSettled(Array.from({ length: 12 }, () => signInAs(victim, 'wrong')));
    const codes = tries.map((result) => (result.status === 'rejected' ? result.reason.code : 'in'));
    expect(codes.filter((code) => code === 'wrong-password')).toHaveLength(5);
    expect(codes.filter((code) => code === 'rate-limited')).toHaveLength(7);
    await expect(signInAs(victim)).rejects.toMatchObject({ code: 'rate-limited' });
    test.clock.advance(60_000);
    await expect(signInAs(victim)).resolves.toMatchObject({ user: { email: victim.email } });
    await expect(signInAs(victim, 'wrong')).rejects.toMatchObject({ code: 'wrong-password' });
  });

  it('cannot be kept from somebody by a stranger who guesses at their e-mail address from elsewhere', async () => {
    const owner = await test.person('owner', []);
    await signInAs(owner);
    const guess = () =>
      signIn(
        test.services,
        { email: owner.email, password: 'wrong' },
        { address: '203.0.113.66', userAgent: 'guesser' },
      ).catch((error) => error.code);
    let last = '';
    for (let i = 0; i < 7; i++) last = await guess();
    expect(last).toBe('rate-limited');
    await expect(signInAs(owner)).resolves.toMatchObject({ user: { email: owner.email } });
    expect(await guess()).toBe('rate-limited');
    // Nor by one who uses up the attempts of the address that they share.
    const shared = { address: CLIENT.address, userAgent: 'guesser' };
    let code = '';
    for (let i = 0; i < 60 && code !== 'rate-limited'; i++)
      code = await signIn(test.services, { email: `nobody${i}@test.example`, password: 'wrong' }, shared).catch(
        (error) => error.code,
      );
    expect(code).toBe('rate-limited');
    await expect(signInAs(owner)).resolves.toMatchObject({ user: { email: owner.email } });
    // And the stranger gains nothing at the owner's own address.
    for (let i = 0; i < 5; i++)
      await expect(signInAs(owner, 'wrong')).rejects.toMatchObject({ code: 'wrong-password' });
    await expect(signInAs(owner, 'wrong')).rejects.toMatchObject({ code: 'rate-limited' });
    test.clock.advance(hour);
  });

  it('ends when it is signed out, and nobody else can end it', async () => {
    const { webSessionId } = await signInAs(engineer);
    const actor = (await checkWebSession(test.services, webSessionId))!;
    const ctx: ServiceContext = { services: test.services, actor };
    await expect(endWebSession(admin.ctx, { id: webSessionId })).rejects.toMatchObject({ code: 'not-found' });
    expect((await loadWebSessions(ctx)).find((session) => session.current)?.id).toBe(webSessionId);
    expect(await endWebSession(ctx, { id: webSessionId })).toEqual({ ended: true });
    expect(await endWebSession(ctx, { id: webSessionId })).toEqual({ ended: false });
    expect(await checkWebSession(test.services, webSessionId)).toBeNull();
  });

  it('leaves no attempts behind that are long forgotten', async () => {
    await expect(
      signIn(test.services, { email: 'guess@test.example', password: PASSWORD }, { ...CLIENT, address: '192.0.2.99' }),
    ).rejects.toMatchObject({ code: 'wrong-password' });
    test.clock.advance(2 * hour);
    await signInAs(engineer);
    const keys = (await test.services.db.attemptWindow.findMany()).map((row) => row.key);
    expect(keys).not.toContain('email:guess@test.example');
    expect(keys).not.toContain('address:192.0.2.99');
  });

  it('of a weaker hash is renewed', async () => {
    const weak = '$scrypt$ln=10,r=8,p=1$';
    const { hashPassword } = await import('@taskgate/identity');
    const passwordHash = await hashPassword(new SecretValue(PASSWORD), { logN: 10, r: 8, p: 1 });
    expect(passwordHash.startsWith(weak)).toBe(true);
    await test.services.db.identity.update({ where: { id: engineer.id }, data: { passwordHash } });
    await signInAs(engineer);
    const kept = await test.services.db.identity.findUniqueOrThrow({ where: { id: engineer.id } });
    expect(kept.passwordHash).toMatch(/^\$scrypt\$ln=15,/);
  });
});

describe('a changed password', () => {
  it('ends every other sign-in, and the old one opens nothing', async () => {
    const person = await test.person('changer', ['engineer']);
    const other = await signInAs(person);
    const own = await signInAs(person);
    const ctx: ServiceContext = {
      services: test.services,
      actor: (await checkWebSession(test.services, own.webSessionId))!,
    };
    await expect(changePassword(ctx, { current: 'wrong', next: 'another long one' })).rejects.toMatchObject({
      code: 'wrong-password',
    });
    await changePassword(ctx, { current: PASSWORD, next: 'another long one' });
    expect(await checkWebSession(test.services, other.webSessionId)).toBeNull();
    expect(await checkWebSession(test.services, own.webSessionId)).not.toBeNull();
    await expect(signInAs(person)).rejects.toMatchObject({ code: 'wrong-password' });
    await signInAs(person, 'another long one');
    expect(await lastAudit('user.change-password', person.id)).toMatchObject({ actorId: person.id });
  });
});

describe('whoever is signed in', () => {
  it('cannot be kept from changing their password, or from showing that it is they, by who guesses at their address', async () => {
    const person = await test.person('guessed-at', []);
    const stranger = (address: string) =>
      signIn(test.services, { email: person.email, password: 'wrong' }, { address, userAgent: 'guesser' }).catch(
        (error) => error.code,
      );
    let code = '';
    for (let i = 0; i < 7; i++) code = await stranger('203.0.113.67');
    expect(code).toBe('rate-limited');
    await provePerson(person.ctx, person.actor, { password: PASSWORD, assertion: null });
    await changePassword(person.ctx, { current: PASSWORD, next: 'another long one' });
    // Nor is a stolen session a place to guess at it, and what is guessed there keeps nobody from signing in.
    const guess = () => refusal(changePassword(person.ctx, { current: 'wrong', next: 'the thief’s own' }));
    for (let i = 0; i < 6; i++) code = await guess();
    expect(code).toBe('rate-limited');
    test.clock.advance(hour);
    for (let i = 0; i < 6; i++) await guess();
    await signInAs(person, 'another long one');
  });
});

describe('an API token', () => {
  const day = 24 * hour;

  it('of the CLI works as its owner until it expires, and is kept only as a hash', async () => {
    const { token, me } = await login(test.services, { email: engineer.email, password: PASSWORD }, CLIENT);
    expect(me).toMatchObject({ email: engineer.email, via: 'api-token' });
    const actor = await authenticateApiToken(test.services, token);
    expect(actor).toMatchObject({ identityId: engineer.id, via: 'api-token', scopes: engineer.actor.scopes });
    expect(await loadMe({ services: test.services, actor: actor! })).toMatchObject({ id: engineer.id });
    const { rows } = await (await test.database.connect()).query('SELECT t::text AS text FROM api_tokens t');
    expect(JSON.stringify(rows)).not.toContain(token);
    test.clock.advance(30 * day);
    expect(await authenticateApiToken(test.services, token)).toBeNull();
  });

  it('never has a scope that its maker lacks, and makes no further tokens, in which it would outlive itself', async () => {
    await expect(
      createApiToken(engineer.ctx, { name: 'ci', scopes: ['audit:read'], ttlMs: day }),
    ).rejects.toMatchObject({ code: 'forbidden' });
    const parent = await createApiToken(engineer.ctx, { name: 'ci', scopes: ['task:read'], ttlMs: day });
    const actor = (await authenticateApiToken(test.services, parent.token))!;
    const ctx: ServiceContext = { services: test.services, actor };
    for (const scopes of [['grant:request'], ['task:read']])
      await expect(createApiToken(ctx, { name: 'on', scopes, ttlMs: day })).rejects.toMatchObject({
        code: 'forbidden',
      });
    const beside = await createApiToken(engineer.ctx, { name: 'beside', scopes: ['task:read'], ttlMs: day });
    await expect(revokeApiToken(ctx, { id: beside.apiToken.id })).rejects.toMatchObject({ code: 'forbidden' });
    expect((await revokeApiToken(ctx, { id: parent.apiToken.id })).revokedAt).not.toBeNull();
  });

  it('is looked up again by what goes on after its first check: a stream of a revoked one ends', async () => {
    const person = await test.person('listener', ['engineer']);
    const made = await createApiToken(person.ctx, { name: 'stream', scopes: ['task:read'], ttlMs: day });
    const byToken = (await authenticateApiToken(test.services, made.token))!;
    const { webSessionId } = await signInAs(person);
    const bySession = (await checkWebSession(test.services, webSessionId))!;
    expect(await checkActor(test.services, byToken)).toEqual(byToken);
    expect(await checkActor(test.services, bySession)).toEqual(bySession);
    await updateGroup(test.setup, { name: 'listener-group', roles: [] });
    expect((await checkActor(test.services, byToken))?.scopes).toEqual([]);
    expect((await checkActor(test.services, bySession))?.scopes).toEqual([]);
    await endUserSessions(admin.ctx, { id: person.id });
    expect(await checkActor(test.services, byToken)).toBeNull();
    expect(await checkActor(test.services, bySession)).toBeNull();
  });

  it('is not made by a sign-in that was ended while it was asked for', async () => {
    const person = await test.person('quitter', ['engineer']);
    const { webSessionId } = await signInAs(person);
    const actor = (await checkWebSession(test.services, webSessionId))!;
    await endUserSessions(admin.ctx, { id: person.id });
    await expect(
      createApiToken({ services: test.services, actor }, { name: 'late', scopes: ['task:read'], ttlMs: day }),
    ).rejects.toMatchObject({ code: 'not-signed-in' });
  });

  it('that can change people has all of its owner’s scopes, or could make itself somebody who has', async () => {
    await expect(createApiToken(admin.ctx, { name: 'x', scopes: ['people:write'], ttlMs: day })).rejects.toMatchObject({
      code: 'bad-input',
    });
  });

  it('with fewer scopes than its owner carries none of their roles, which mean more than their scopes', async () => {
    const rolesOf = async (scopes: readonly string[]) => {
      const { token } = await createApiToken(admin.ctx, { name: 'roles', scopes, ttlMs: day });
      return (await authenticateApiToken(test.services, token))?.roles;
    };
    expect(await rolesOf(admin.actor.scopes)).toEqual(['admin']);
    expect(await rolesOf(admin.actor.scopes.filter((scope) => scope !== 'people:write'))).toEqual([]);
  });

  it('is narrowed when its owner loses a role', async () => {
    const person = await test.person('mover', ['engineer', 'auditor']);
    const { token } = await createApiToken(person.ctx, { name: 'x', scopes: ['audit:read', 'task:read'], ttlMs: day });
    await updateGroup(test.setup, { name: 'mover-group', roles: ['engineer'] });
    expect((await authenticateApiToken(test.services, token))?.scopes).toEqual(['task:read']);
  });

  it('is seen and revoked by its owner and by admins only', async () => {
    const made = await createApiToken(engineer.ctx, { name: 'mine', scopes: ['task:read'], ttlMs: day });
    const other = await test.person('other', ['engineer']);
    expect((await loadApiTokens(other.ctx)).map((token) => token.id)).not.toContain(made.apiToken.id);
    await expect(revokeApiToken(other.ctx, { id: made.apiToken.id })).rejects.toMatchObject({ code: 'not-found' });
    expect((await revokeApiToken(admin.ctx, { id: made.apiToken.id })).revokedAt).not.toBeNull();
    expect(await authenticateApiToken(test.services, made.token)).toBeNull();
    expect(await lastAudit('api-token.revoke', made.apiToken.id)).toMatchObject({
      actorId: admin.id,
      subject: made.apiToken.id,
    });
  });

  it.each(['', 'tg_', 'tg_0123456789', `tg_${'A'.repeat(43)}`, 'tgt_x'])(
    'that is made up opens nothing: %j',
    async (token) => {
      expect(await authenticateApiToken(test.services, token)).toBeNull();
    },
  );
});

describe('people', () => {
  it('are changed by admins only', async () => {
    const denied = { code: 'forbidden' };
    const { ctx } = engineer;
    await expect(loadUsers(ctx, {})).rejects.toMatchObject(denied);
    await expect(loadGroups(ctx)).rejects.toMatchObject(denied);
    await expect(createUser(ctx, {})).rejects.toMatchObject(denied);
    await expect(updateUser(ctx, {})).rejects.toMatchObject(denied);
    await expect(endUserSessions(ctx, {})).rejects.toMatchObject(denied);
    await expect(createGroup(ctx, {})).rejects.toMatchObject(denied);
    await expect(updateGroup(ctx, {})).rejects.toMatchObject(denied);
  });

  it('leave an audit row with what was and what is, without a password', async () => {
    const user = await createUser(admin.ctx, {
      email: 'New@Test.example',
      name: 'New',
      groups: [],
      password: 'first password',
      proof: { password: PASSWORD },
    });
    expect(user.email).toBe('new@test.example');
    await updateUser(admin.ctx, {
      id: user.id,
      name: 'Newer',
      password: 'second password',
      groups: ['eng-group'],
      proof: { password: PASSWORD },
    });
    const row = await lastAudit('user.update', user.id);
    expect(row).toMatchObject({
      actorId: admin.id,
      subject: user.id,
      before: { name: 'New', groups: [] },
      after: { name: 'Newer', groups: ['eng-group'], passwordChanged: true },
    });
    expect(JSON.stringify(row)).not.toMatch(/second password|scrypt/);
    await expect(
      createUser(admin.ctx, {
        email: 'new@test.EXAMPLE',
        name: 'Twin',
        groups: [],
        password: 'first password',
        proof: { password: PASSWORD },
      }),
    ).rejects.toMatchObject({ code: 'conflict' });
  });

  it('who are admins change their own password only with the current one', async () => {
    await expect(updateUser(admin.ctx, { id: admin.id, password: 'a thief’s password' })).rejects.toMatchObject({
      code: 'forbidden',
    });
  });

  it('who are disabled lose sign-ins and tokens at once', async () => {
    const person = await test.person('leaver', ['engineer']);
    const { webSessionId } = await signInAs(person);
    const { token } = await createApiToken(person.ctx, { name: 'x', scopes: ['task:read'], ttlMs: 60_000 });
    await updateUser(admin.ctx, { id: person.id, disabled: true });
    expect(await checkWebSession(test.services, webSessionId)).toBeNull();
    expect(await authenticateApiToken(test.services, token)).toBeNull();
    await updateUser(admin.ctx, { id: person.id, disabled: false });
    expect(await checkWebSession(test.services, webSessionId)).toBeNull();
    expect(await authenticateApiToken(test.services, token)).toBeNull();
  });

  it('always include an admin: the last one cannot be disabled, moved, or lose the role, even by two at once', async () => {
    const refused = { code: 'invalid-state' };
    await expect(updateUser(admin.ctx, { id: admin.id, disabled: true })).rejects.toMatchObject(refused);
    await expect(updateUser(admin.ctx, { id: admin.id, groups: [] })).rejects.toMatchObject(refused);
    await expect(updateGroup(admin.ctx, { name: 'root-group', members: [] })).rejects.toMatchObject(refused);
    await expect(updateGroup(admin.ctx, { name: 'root-group', roles: [] })).rejects.toMatchObject(refused);
    const second = await test.person('second', ['admin']);
    const results = await Promise.allSettled([
      updateUser(admin.ctx, { id: second.id, disabled: true }),
      updateUser(second.ctx, { id: admin.id, disabled: true }),
    ]);
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    await updateUser(test.setup, { id: admin.id, disabled: false });
    await updateUser(test.setup, { id: second.id, disabled: true });
  });

  it('are listed in pages, each once', async () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await loadUsers(admin.ctx, { limit: 3, cursor });
      seen.push(...page.items.map((user) => user.email));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual([...new Set(seen)].sort());
    expect(seen).toHaveLength(await test.services.db.identity.count());
    expect((await loadUsers(admin.ctx, { q: 'VICTIM' })).items).toHaveLength(1);
  });

  it('come in groups that exist', async () => {
    await expect(
      createUser(admin.ctx, {
        email: 'x@test.example',
        name: 'X',
        groups: ['no-such'],
        password: 'first password',
        proof: { password: PASSWORD },
      }),
    ).rejects.toMatchObject({ code: 'bad-input', message: 'there is no group `no-such`; make it first' });
    await expect(createGroup(admin.ctx, { name: 'eng-group', roles: [] })).rejects.toMatchObject({ code: 'conflict' });
    await expect(updateGroup(admin.ctx, { name: 'eng-group', members: ['no@test.example'] })).rejects.toMatchObject({
      code: 'bad-input',
    });
  });
});
