import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  activateGrant,
  authenticateApiToken,
  authenticateScimToken,
  checkWebSession,
  createApiToken,
  createMachine,
  createScimGroup,
  createScimToken,
  createScimUser,
  loadDirectory,
  loadReach,
  loadScimGroups,
  loadScimUser,
  loadScimUsers,
  mapDirectoryGroups,
  offboard,
  patchScimGroup,
  patchScimUser,
  removeScimGroup,
  removeScimUser,
  replaceScimGroup,
  replaceScimUser,
  requestGrant,
  revokeScimToken,
  type ScimJson,
  type ScimQuery,
  type ServiceContext,
  signIn,
  updateGroup,
  updateUser,
} from '../index.ts';
import { CLIENT, PASSWORD, type TestPerson } from '../testing/test-services.ts';
import { startTestShop, type TestShop } from '../testing/test-shop.ts';

const DAY_MS = 86_400_000;
const ALL: ScimQuery = { filter: null, startIndex: null, count: null, attributes: null, excludedAttributes: null };

const proof = { password: PASSWORD };

let shop: TestShop;
let admin: TestPerson;
let directory: ServiceContext;
let adopting: ServiceContext;
beforeAll(async () => {
  shop = await startTestShop();
  admin = await shop.person('scim-admin', ['admin']);
  directory = await directoryWith(false);
  adopting = await directoryWith(true);
  await mapDirectoryGroups(admin.ctx, { proof, mappings: [{ external: 'Analysts', group: 'analysts' }] });
});
afterAll(() => shop.stop());

async function directoryWith(adopts: boolean): Promise<ServiceContext> {
  const wish = { name: `entra ${adopts}`, adopts, ttlMs: 30 * DAY_MS };
  const { token } = await createScimToken(admin.ctx, { ...wish, proof });
  return (await authenticateScimToken(shop.services, token))!;
}

let count = 0;
const newUser = (more: object = {}): ScimJson => {
  count++;
  return { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: `u${count}@dir.example`, ...more };
};
const idOf = (resource: ScimJson): string => resource.id as string;
const patch = (...Operations: object[]): ScimJson => ({ Operations });

/** A person of the directory in the group that is mapped to the analysts, with a sign-in, an API token and a grant. */
async function livelyUser() {
  const user = await createScimUser(directory, newUser());
  const id = idOf(user);
  const group = await createScimGroup(directory, { displayName: `Analysts`, members: [{ value: id }] });
  await updateUser(admin.ctx, { id, password: PASSWORD, proof: { password: PASSWORD } });
  const signedIn = await signIn(shop.services, { email: user.userName as string, password: PASSWORD }, CLIENT);
  const actor = (await checkWebSession(shop.services, signedIn.webSessionId))!;
  const ctx = { services: shop.services, actor };
  const { token } = await createApiToken(ctx, { name: 'a token', scopes: ['task:read'], ttlMs: DAY_MS });
  const grant = await requestGrant(ctx, { task: 'sales-report', reason: 'a report' });
  await activateGrant(ctx, { id: grant.id });
  return {
    id,
    groupId: idOf(group),
    ctx,
    async standing() {
      const [session, api, row] = [
        await checkWebSession(shop.services, signedIn.webSessionId),
        await authenticateApiToken(shop.services, token),
        await shop.services.db.grant.findUniqueOrThrow({ where: { id: grant.id } }),
      ];
      return { session: session !== null, token: api !== null, grant: row.state };
    },
    clear: () => removeScimGroup(directory, idOf(group)),
  };
}
const EVERYTHING = { session: true, token: true, grant: 'active' };
const NOTHING = { session: false, token: false, grant: 'ended' };

describe('who the directory takes away loses sign-ins, tokens and grants in the same transaction', () => {
  it.each([
    ['deactivated by Entra ID', patch({ op: 'Replace', path: 'active', value: 'False' })],
    ['deactivated by Okta', patch({ op: 'replace', value: { active: false } })],
  ])('%s', async (_, body) => {
    const user = await livelyUser();
    expect(await user.standing()).toEqual(EVERYTHING);
    expect((await patchScimUser(directory, user.id, body)).active).toBe(false);
    expect(await user.standing()).toEqual(NOTHING);
    await user.clear();
  });

  it('put as inactive', async () => {
    const user = await livelyUser();
    await replaceScimUser(directory, user.id, { userName: `put${user.id}@dir.example`, active: false });
    expect(await user.standing()).toEqual(NOTHING);
    await user.clear();
  });

  it('deleted: there is no such user any more, and nobody who comes after with the address inherits anything', async () => {
    const user = await livelyUser();
    const { userName } = await loadScimUser(directory, user.id, ALL);
    await removeScimUser(directory, user.id);
    expect(await user.standing()).toEqual(NOTHING);
    await expect(loadScimUser(directory, user.id, ALL)).rejects.toMatchObject({ status: 404 });
    await expect(removeScimUser(directory, user.id)).rejects.toMatchObject({ status: 404 });
    const again = await createScimUser(directory, { userName });
    expect(again).toMatchObject({ active: true, groups: [] });
    expect(idOf(again)).not.toBe(user.id);
    const { db } = shop.services;
    expect(await db.membership.count({ where: { userId: { in: [user.id, idOf(again)] } } })).toBe(0);
    expect(await db.providerLink.count({ where: { identityId: user.id } })).toBe(0);
    expect(await user.standing()).toEqual(NOTHING);
    await user.clear();
  });

  it('deleted: the next person of the address has none of the password, passkeys and agents, and cannot be confused with them', async () => {
    const user = await livelyUser();
    const { db } = shop.services;
    const address = String((await loadScimUser(directory, user.id, ALL)).userName);
    await shop.passkey({ ...admin, ctx: user.ctx });
    const wish = { kind: 'agent', name: 'agent-of-deleted', actsFor: address, tasks: [], proof: null };
    const agent = await createMachine(admin.ctx, wish);
    await removeScimUser(directory, user.id);
    const next = idOf(await createScimUser(directory, { userName: address }));
    const row = await db.identity.findUniqueOrThrow({ where: { id: next }, include: { passkeys: true, agents: true } });
    expect(row).toMatchObject({ email: address, passwordHash: null, disabledAt: null, passkeys: [], agents: [] });
    await expect(signIn(shop.services, { email: address, password: PASSWORD }, CLIENT)).rejects.toMatchObject({
      code: 'wrong-password',
    });
    const gone = await db.identity.findUniqueOrThrow({ where: { id: user.id }, include: { passkeys: true } });
    expect(gone).toMatchObject({ passwordHash: null, passkeys: [], email: `${address} (removed ${user.id})` });
    expect(gone.disabledAt).not.toBeNull();
    expect((await db.identity.findUniqueOrThrow({ where: { id: agent.id } })).disabledAt).not.toBeNull();
    // Nor does an admin's hand bring back, under that name, who is not there any more.
    await expect(updateUser(admin.ctx, { id: user.id, disabled: false })).rejects.toMatchObject({
      code: 'invalid-state',
    });
    await user.clear();
  });

  it('taken out of the group: the membership and the grants that came with it end, the sign-in stays', async () => {
    const user = await livelyUser();
    const out = patch({ op: 'Remove', path: 'members', value: [{ value: user.id }] });
    await patchScimGroup(directory, user.groupId, out);
    expect(await user.standing()).toEqual({ session: true, token: true, grant: 'ended' });
    await user.clear();
  });

  it.each([
    ['the group is deleted', (user: { groupId: string }) => removeScimGroup(directory, user.groupId)],
    [
      'the group is emptied by a PUT',
      (user: { groupId: string }) => replaceScimGroup(directory, user.groupId, { displayName: 'Analysts' }),
    ],
    [
      'the group gets another name, which nobody mapped',
      (user: { groupId: string }) =>
        patchScimGroup(directory, user.groupId, patch({ op: 'replace', value: { displayName: 'Something else' } })),
    ],
    ['the mapping is taken away', () => mapDirectoryGroups(admin.ctx, { proof, mappings: [] })],
  ])('%s', async (_, change) => {
    const user = await livelyUser();
    await change(user);
    expect(await user.standing()).toMatchObject({ grant: 'ended' });
    await user.clear().catch(() => null);
    await mapDirectoryGroups(admin.ctx, { proof, mappings: [{ external: 'Analysts', group: 'analysts' }] });
  });
});

describe('a lock', () => {
  it('of the directory is undone by it, with nothing that had been ended', async () => {
    const user = await livelyUser();
    await patchScimUser(directory, user.id, patch({ op: 'Replace', path: 'active', value: 'False' }));
    const back = await patchScimUser(directory, user.id, patch({ op: 'Replace', path: 'active', value: 'True' }));
    expect(back.active).toBe(true);
    expect(await user.standing()).toEqual(NOTHING);
    await user.clear();
  });

  it('that an admin set is not undone by a directory that says active again', async () => {
    const user = await createScimUser(directory, newUser());
    await updateUser(admin.ctx, { id: idOf(user), disabled: true });
    expect((await loadScimUser(directory, idOf(user), ALL)).active).toBe(false);
    const body = patch({ op: 'replace', value: { active: true, displayName: 'Still locked' } });
    expect(await patchScimUser(directory, idOf(user), body)).toMatchObject({
      active: false,
      displayName: 'Still locked',
    });
  });

  it.each([
    ['before the directory', true],
    ['after the directory', false],
  ])('that an admin set %s locked them too stays when the directory takes off its own', async (_, first) => {
    const id = idOf(await createScimUser(directory, newUser()));
    const active = (value: boolean) => patchScimUser(directory, id, patch({ op: 'replace', path: 'active', value }));
    if (first) await updateUser(admin.ctx, { id, disabled: true });
    await active(false);
    if (!first) await updateUser(admin.ctx, { id, disabled: true });
    // The directory would lock them again: what it says is not an admin's to undo here.
    await expect(updateUser(admin.ctx, { id, disabled: false })).rejects.toMatchObject({
      code: 'invalid-state',
      message: expect.stringContaining('inactive in the directory'),
    });
    expect((await active(true)).active).toBe(false);
    await updateUser(admin.ctx, { id, disabled: false });
    expect((await loadScimUser(directory, id, ALL)).active).toBe(true);
  });

  it('of an offboarding is not undone by the directory, with whatever it says', async () => {
    const user = await livelyUser();
    const { userName } = await loadScimUser(directory, user.id, ALL);
    await offboard(admin.ctx, { id: user.id, reason: 'left' });
    const { db } = shop.services;
    expect(await db.directoryMember.count({ where: { identityId: user.id } })).toBe(0);
    await mapDirectoryGroups(admin.ctx, { proof, mappings: [{ external: 'Analysts', group: 'analysts' }] });
    expect(await db.membership.count({ where: { userId: user.id } })).toBe(0);
    for (const value of [false, true])
      await patchScimUser(directory, user.id, patch({ op: 'replace', path: 'active', value }));
    expect((await loadScimUser(directory, user.id, ALL)).active).toBe(false);
    // Nor by deleting and making them anew: the next of the address waits for an admin's hand.
    await removeScimUser(directory, user.id);
    const next = idOf(await createScimUser(directory, { userName }));
    expect((await loadScimUser(directory, next, ALL)).active).toBe(false);
    await updateUser(admin.ctx, { id: next, disabled: false });
    expect((await loadScimUser(directory, next, ALL)).active).toBe(true);
    await user.clear();
  });

  it('is not lost to a spelling', async () => {
    const user = await createScimUser(directory, newUser());
    const body = patch({ op: 'replace', path: 'active', value: 'no' });
    await expect(patchScimUser(directory, idOf(user), body)).rejects.toMatchObject({ status: 400 });
  });

  it('never shuts out the last admin who can sign in here', async () => {
    const { db } = shop.services;
    const taken = await createScimUser(adopting, { userName: admin.email });
    expect(idOf(taken)).toBe(admin.id);
    const others = await db.identity.findMany({
      where: { id: { not: admin.id }, memberships: { some: { group: { roles: { has: 'admin' } } } } },
    });
    for (const { id } of others) await updateUser(admin.ctx, { id, disabled: true });
    const off = patch({ op: 'replace', path: 'active', value: false });
    await expect(patchScimUser(adopting, admin.id, off)).rejects.toMatchObject({ code: 'invalid-state' });
    await expect(removeScimUser(adopting, admin.id)).rejects.toMatchObject({ code: 'invalid-state' });
    expect(await db.identity.count({ where: { id: admin.id, disabledAt: null } })).toBe(1);
    for (const { id } of others) await updateUser(admin.ctx, { id, disabled: false });
  });
});

describe('a user', () => {
  it('comes back as they were sent, a password never does nor is it kept', async () => {
    const sent = newUser({
      externalId: 'ext-1',
      name: { givenName: 'Anna', familyName: 'Dir' },
      emails: [{ value: 'Anna.Dir@dir.example', type: 'work', primary: true }],
      title: 'Engineer',
      password: 'from the directory',
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Data' },
    });
    const made = await createScimUser(directory, sent);
    const { password, schemas, ...rest } = sent;
    expect(await loadScimUser(directory, idOf(made), ALL)).toMatchObject({ ...rest, active: true, id: made.id });
    const row = await shop.services.db.identity.findUniqueOrThrow({ where: { id: idOf(made) } });
    expect(row).toMatchObject({ email: 'anna.dir@dir.example', name: 'Anna Dir', passwordHash: null });
    const kept = await shop.services.db.directoryUser.findUniqueOrThrow({ where: { identityId: idOf(made) } });
    expect(JSON.stringify(kept)).not.toContain(password);
    expect(schemas).toBeDefined();
  });

  it('is there once: by user name in any case, and by e-mail address', async () => {
    const made = await createScimUser(directory, newUser());
    const userName = String(made.userName).toUpperCase();
    await expect(createScimUser(directory, { userName })).rejects.toMatchObject({
      status: 409,
      scimType: 'uniqueness',
    });
    const emails = [{ value: made.userName, primary: true }];
    await expect(createScimUser(directory, { userName: 'another', emails })).rejects.toMatchObject({ status: 409 });
    const third = await createScimUser(directory, newUser());
    const rename = patch({ op: 'replace', path: 'userName', value: userName });
    await expect(patchScimUser(directory, idOf(third), rename)).rejects.toMatchObject({ status: 409 });
  });

  it('who is here already is taken over only by a token that may', async () => {
    const person = await shop.person('here-already', []);
    const body = { userName: person.email, displayName: 'From the directory' };
    await expect(createScimUser(directory, body)).rejects.toMatchObject({ status: 409, scimType: 'uniqueness' });
    expect(await loadScimUsers(directory, { ...ALL, filter: `userName eq "${person.email}"` })).toMatchObject({
      totalResults: 0,
    });
    expect(idOf(await createScimUser(adopting, body))).toBe(person.id);
  });

  it('without an e-mail address, or without a name, is refused', async () => {
    await expect(createScimUser(directory, { userName: 'nobody' })).rejects.toMatchObject({ scimType: 'invalidValue' });
    await expect(createScimUser(directory, { displayName: 'x' })).rejects.toMatchObject({ scimType: 'invalidValue' });
    await expect(createScimUser(directory, newUser({ displayName: 7 }))).rejects.toMatchObject({ status: 400 });
  });

  it('is found by what directories ask for, page by page, and by nothing else', async () => {
    const made = await createScimUser(directory, newUser({ externalId: 'find-me', displayName: 'Find Me' }));
    const find = async (filter: string) =>
      ((await loadScimUsers(directory, { ...ALL, filter })).Resources as ScimJson[]).map(idOf);
    for (const filter of [
      `userName eq "${String(made.userName).toUpperCase()}"`,
      'externalId eq "find-me"',
      `id eq "${made.id}"`,
      `emails[type eq "work"].value eq "${made.userName}"`,
      `externalId eq "find-me" and active eq true`,
      'displayName eq "Find Me"',
    ])
      expect(await find(filter), filter).toEqual([made.id]);
    expect(await find('externalId eq "find-me" and active eq false')).toEqual([]);
    expect(await find('userName eq "%"')).toEqual([]);
    await expect(find('nickName eq "x"')).rejects.toMatchObject({ scimType: 'invalidFilter' });

    const total = (await loadScimUsers(directory, ALL)).totalResults as number;
    const seen: string[] = [];
    for (let start = 1; start <= total; start += 3) {
      const page = await loadScimUsers(directory, { ...ALL, startIndex: String(start), count: '3' });
      expect(page).toMatchObject({ totalResults: total, startIndex: start });
      seen.push(...(page.Resources as ScimJson[]).map(idOf));
    }
    expect(new Set(seen).size).toBe(total);
    expect(await loadScimUsers(directory, { ...ALL, count: '0' })).toMatchObject({
      totalResults: total,
      Resources: [],
    });
    await expect(loadScimUsers(directory, { ...ALL, count: 'x' })).rejects.toMatchObject({ status: 400 });
  });
});

describe('a group', () => {
  it('gives its members what it is mapped to, and only that; a mapping to come holds for those in it', async () => {
    const user = await createScimUser(directory, newUser());
    await createScimGroup(directory, { displayName: 'Reviewers Of Data', members: [{ value: user.id }] });
    const groups = async () =>
      (await shop.services.db.membership.findMany({ where: { userId: idOf(user) }, select: { group: true } })).map(
        ({ group }) => group.name,
      );
    expect(await groups()).toEqual([]);
    const view = await mapDirectoryGroups(admin.ctx, {
      proof,
      mappings: [
        { external: 'Analysts', group: 'analysts' },
        { external: 'Reviewers Of Data', group: 'dba' },
      ],
    });
    expect(view.seenGroups).toContainEqual({ external: 'Reviewers Of Data', members: 1 });
    expect(await groups()).toEqual(['dba']);
    expect((await loadScimUser(directory, idOf(user), ALL)).groups).toMatchObject([{ display: 'Reviewers Of Data' }]);
  });

  it('is found by its name in any case, without its members where they are not wanted', async () => {
    const user = await createScimUser(directory, newUser());
    await createScimGroup(directory, { displayName: 'Big Team', externalId: 'g-1', members: [{ value: user.id }] });
    const query = { ...ALL, filter: 'displayName eq "BIG team"' };
    const [lean] = (await loadScimGroups(directory, { ...query, excludedAttributes: 'members' }))
      .Resources as ScimJson[];
    expect(lean).toMatchObject({ displayName: 'Big Team', externalId: 'g-1' });
    expect(lean).not.toHaveProperty('members');
    const [whole] = (await loadScimGroups(directory, query)).Resources as ScimJson[];
    expect(whole!.members).toMatchObject([{ value: user.id }]);
    await expect(createScimGroup(directory, { displayName: 'big team' })).rejects.toMatchObject({ status: 409 });
  });

  it('has only users of the directory in it', async () => {
    const strangers = [{ value: shop.engineer.id }];
    await expect(createScimGroup(directory, { displayName: 'Odd', members: strangers })).rejects.toMatchObject({
      scimType: 'invalidValue',
    });
    await expect(createScimGroup(directory, { displayName: 'Odd', members: [{ value: 'x' }] })).rejects.toMatchObject({
      scimType: 'invalidValue',
    });
  });
});

describe('a SCIM token', () => {
  it('opens nothing of the API, and an API token opens nothing of SCIM', async () => {
    const { token } = await createScimToken(admin.ctx, { proof, name: 'mine', ttlMs: DAY_MS });
    expect(await authenticateApiToken(shop.services, token)).toBeNull();
    const session = await signIn(shop.services, { email: admin.email, password: PASSWORD }, CLIENT);
    const ctx = { services: shop.services, actor: (await checkWebSession(shop.services, session.webSessionId))! };
    const api = await createApiToken(ctx, { name: 'mine', scopes: ['task:read'], ttlMs: DAY_MS });
    expect(await authenticateScimToken(shop.services, api.token)).toBeNull();
    const own = (await authenticateScimToken(shop.services, token))!;
    await expect(loadDirectory(own)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(updateUser(own, { id: admin.id, name: 'x' })).rejects.toMatchObject({ code: 'forbidden' });
    await expect(createScimUser(admin.ctx, newUser())).rejects.toMatchObject({ code: 'forbidden' });
    await expect(loadScimUsers(admin.ctx, ALL)).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('ends when it is revoked, and at its time; it is kept as a hash, and shown once', async () => {
    const first = await createScimToken(admin.ctx, { proof, name: 'one', ttlMs: DAY_MS });
    const second = await createScimToken(admin.ctx, { proof, name: 'two', ttlMs: DAY_MS });
    await revokeScimToken(admin.ctx, { id: first.scimToken.id });
    expect(await authenticateScimToken(shop.services, first.token)).toBeNull();
    expect(await authenticateScimToken(shop.services, second.token)).not.toBeNull();
    const view = JSON.stringify(await loadDirectory(admin.ctx));
    expect(view).not.toContain(second.token);
    shop.clock.advance(DAY_MS);
    expect(await authenticateScimToken(shop.services, second.token)).toBeNull();
  });

  describe('is worth no more than who made it', () => {
    const made = async (more: object = {}) => {
      const name = `maker-${++count}`;
      const maker = await shop.person(name, ['admin']);
      const { scimToken, token } = await createScimToken(maker.ctx, { proof, name, ttlMs: DAY_MS, ...more });
      const group = `${name}-group`;
      const opens = async () => (await authenticateScimToken(shop.services, token)) !== null;
      const row = () => shop.services.db.scimToken.findUniqueOrThrow({ where: { id: scimToken.id } });
      expect(await opens()).toBe(true);
      return { maker, group, opens, row };
    };

    it.each([
      ['disabled by an admin', (id: string) => updateUser(admin.ctx, { id, disabled: true })],
      ['offboarded', (id: string) => offboard(admin.ctx, { id, reason: 'left' })],
    ])('and revoked with them: %s', async (_, end) => {
      const { maker, opens, row } = await made();
      expect((await loadReach(admin.ctx, { id: maker.id })).scimTokens).toMatchObject([{ adopts: false }]);
      const ended = await end(maker.id);
      if ('scimTokens' in ended) expect(ended.scimTokens).toBe(1);
      expect(await opens()).toBe(false);
      expect((await row()).revokedAt).not.toBeNull();
      expect((await loadReach(admin.ctx, { id: maker.id })).scimTokens).toEqual([]);
    });

    it('and revoked with them: locked by a directory', async () => {
      const { maker, opens, row } = await made();
      await createScimUser(adopting, { userName: maker.email, active: false });
      expect(await opens()).toBe(false);
      expect((await row()).revokedAt).not.toBeNull();
    });

    it('and opens nothing while they may not change people, or take people over', async () => {
      const plain = await made();
      const adopts = await made({ adopts: true });
      for (const { group } of [plain, adopts])
        await updateGroup(admin.ctx, { name: group, roles: [], scopes: ['people:write'] });
      // Who is kept by now has groups that a maker with that scope alone may not give.
      expect([await plain.opens(), await adopts.opens()]).toEqual([false, false]);
      await updateGroup(admin.ctx, { name: plain.group, roles: ['admin'], scopes: [], withheld: ['people:write'] });
      expect(await plain.opens()).toBe(false);
      await updateGroup(admin.ctx, { name: plain.group, roles: ['admin'], withheld: [] });
      expect(await plain.opens()).toBe(true);
    });

    it('and gives through no mapping what they may not give', async () => {
      const { group, opens } = await made();
      const { db } = shop.services;
      const scopes = ['task:read', 'grant:request', 'session:own', 'people:read', 'people:write'];
      await updateGroup(admin.ctx, { name: group, roles: [], scopes });
      const own = await db.membership.findMany({ where: { userId: admin.id } });
      const kept = await db.directoryUser.findMany({ where: { removedAt: null }, select: { identityId: true } });
      for (const { identityId } of kept) await db.membership.deleteMany({ where: { userId: identityId } });
      await mapDirectoryGroups(shop.setup, { mappings: [] });
      expect(await opens()).toBe(true);
      await mapDirectoryGroups(shop.setup, { mappings: [{ external: 'Nobody', group: 'auditors' }] });
      expect(await opens()).toBe(false);
      await mapDirectoryGroups(shop.setup, { mappings: [] });
      expect(await opens()).toBe(true);
      await db.membership.createMany({ data: own, skipDuplicates: true });
    });
  });

  it('is an admin’s to make, from a sign-in, and what it does is audited as its own', async () => {
    const wish = { name: 'x', ttlMs: DAY_MS };
    await expect(createScimToken(shop.engineer.ctx, { ...wish, proof })).rejects.toMatchObject({ code: 'forbidden' });
    const byToken = { services: shop.services, actor: { ...admin.actor, via: 'api-token' as const } };
    await expect(createScimToken(byToken, { ...wish, proof })).rejects.toMatchObject({ code: 'forbidden' });
    const user = await createScimUser(directory, newUser());
    const rows = await shop.services.db.auditRow.findMany({ where: { subject: idOf(user) } });
    const actor = directory.actor as { tokenId: string };
    expect(rows).toMatchObject([{ action: 'user.create', via: 'scim', actorId: actor.tokenId }]);
  });
});
