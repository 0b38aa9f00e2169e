import { expect, it } from 'vitest';
import { type OwnRights, whyEscalates, whyMore, whyNotAdmin } from './escalation.ts';

const group = (name: string, roles: readonly string[] = [], scopes: readonly string[] = []) => ({
  ...{ name, roles, scopes },
  withheld: [],
});
const desk: OwnRights = { roles: [], groups: ['desk'], scopes: ['people:read', 'people:write'] };
const admin: OwnRights = { roles: ['admin'], groups: [], scopes: [] };

it('nobody gives a group that they are not in, or one that gives more than they have', () => {
  expect(whyEscalates(desk, [group('desk')])).toBeNull();
  expect(whyEscalates(desk, [group('desk'), group('analysts')])).toBe(
    'you are not in `analysts`; ask somebody with the role `admin`',
  );
  expect(whyEscalates(desk, [group('desk', [], ['session:read'])])).toContain('`desk` gives the scope `session:read`');
  expect(whyEscalates(desk, [{ ...group('nightly', [], ['people:read']), machine: true }])).toBeNull();
});

it('the role `admin` is given by nobody without it, also where its scopes are withheld', () => {
  const hollow = { ...group('desk', ['admin']), withheld: desk.scopes };
  expect(whyEscalates(desk, [hollow])).toContain('the role `admin`');
  expect(whyEscalates(admin, [hollow, group('analysts')])).toBeNull();
  expect(whyNotAdmin(desk, 'whoever sets it can be them')).toContain('whoever sets it can be them; ask');
  expect(whyNotAdmin(admin, 'whoever sets it can be them')).toBeNull();
});

it('to end what somebody has, their scopes alone count', () => {
  expect(whyMore(desk, [group('analysts')])).toBeNull();
  expect(whyMore(desk, [group('analysts', ['engineer'])])).toContain('gives the scope `task:read`');
});
