import { SCOPES, type Scope } from '@taskgate/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestPerson } from '../testing/test-services.ts';
import { refusal, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { createGroup } from './create-group.ts';
import { createUser } from './create-user.ts';
import { endUserSessions } from './end-user-sessions.ts';
import { loadAccess } from './load-access.ts';
import { updateGroup } from './update-group.ts';
import { updateUser } from './update-user.ts';

let shop: TestShop;
/** Trusted with people and with what an engineer has; no admin. */
let desk: TestPerson;

beforeAll(async () => {
  shop = await startTestShop();
  await createGroup(shop.admin.ctx, {
    name: 'people-desk',
    roles: ['engineer'],
    scopes: ['people:read', 'people:write'],
  });
  desk = await shop.person('desk', [], ['people-desk']);
});
afterAll(() => shop.stop());

const password = 'a long test password';

describe('who may change people without being an admin', () => {
  it('gives what they have, and to a group less of it', async () => {
    expect(desk.actor.scopes).toEqual(['task:read', 'grant:request', 'session:own', 'people:read', 'people:write']);
    expect(await createGroup(desk.ctx, { name: 'interns', roles: ['engineer'], withheld: ['grant:request'] })).toEqual(
      expect.objectContaining({ roles: ['engineer'], scopes: [], withheld: ['grant:request'] }),
    );
    await createUser(desk.ctx, { email: 'i@test.example', name: 'I', groups: ['interns', 'analysts'], password });
  });

  it('cannot give a scope or the role of an admin to anybody, by whatever way', async () => {
    const beyond = SCOPES.filter((scope) => !desk.actor.scopes.includes(scope));
    for (const scope of beyond)
      expect(await refusal(createGroup(desk.ctx, { name: 'more', roles: [], scopes: [scope] }))).toBe('forbidden');
    for (const role of ['admin', 'auditor', 'reviewer'] as const)
      expect(await refusal(createGroup(desk.ctx, { name: 'more', roles: [role] }))).toBe('forbidden');
    // The role is more than what its scopes say: it is exempt from this very check.
    const all = [...SCOPES] as Scope[];
    expect(await refusal(createGroup(desk.ctx, { name: 'more', roles: ['admin'], withheld: all }))).toBe('forbidden');
    expect(await refusal(updateGroup(desk.ctx, { name: 'people-desk', scopes: ['session:read'] }))).toBe('forbidden');
    expect(await refusal(updateGroup(desk.ctx, { name: 'analysts', roles: ['auditor'] }))).toBe('forbidden');
    // By membership, their own or another's.
    for (const name of ['auditors', 'dba', 'admin-group'])
      expect(await refusal(updateGroup(desk.ctx, { name, members: [desk.email] }))).toBe('forbidden');
    expect(await refusal(updateUser(desk.ctx, { id: desk.id, groups: ['people-desk', 'auditors'] }))).toBe('forbidden');
    const user = { email: 'more@test.example', name: 'M', groups: ['admin-group'], password };
    expect(await refusal(createUser(desk.ctx, user))).toBe('forbidden');
    // By becoming them.
    expect(await refusal(updateUser(desk.ctx, { id: shop.admin.id, password: 'another long one' }))).toBe('forbidden');
    expect(await refusal(updateUser(desk.ctx, { id: shop.auditor.id, disabled: true }))).toBe('forbidden');
    expect(await refusal(endUserSessions(desk.ctx, { id: shop.admin.id }))).toBe('forbidden');
    expect(await shop.services.db.group.count({ where: { name: 'more' } })).toBe(0);
  });

  it('is no way around the last admin who may change people', async () => {
    expect(await refusal(updateGroup(shop.admin.ctx, { name: 'admin-group', withheld: ['people:write'] }))).toBe(
      'invalid-state',
    );
  });
});

describe('the table of who may do what', () => {
  it('says what each group gives, and who has it', async () => {
    const access = await loadAccess(shop.auditor.ctx);
    expect(access.scopes.map((scope) => scope.name)).toEqual(SCOPES);
    expect(access.groups.find((group) => group.name === 'people-desk')).toMatchObject({
      scopes: desk.actor.scopes,
      added: ['people:read', 'people:write'],
      withheld: [],
      members: 1,
    });
    const who = (scope: Scope) =>
      access.people.filter((one) => one.scopes.includes(scope)).map((one) => one.person.email);
    expect(who('people:write')).toEqual([shop.admin.email, desk.email]);
    expect(who('session:read')).toEqual([shop.auditor.email]);
    expect(await refusal(loadAccess(shop.engineer.ctx))).toBe('forbidden');
  });
});
