import { describe, expect, it } from 'vitest';
import { applyPatch, type ScimJson } from './apply-patch.ts';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const anna: ScimJson = {
  userName: 'anna@example.com',
  displayName: 'Anna',
  active: true,
  name: { givenName: 'Anna', familyName: 'Old' },
  emails: [{ value: 'anna@example.com', type: 'work', primary: true }],
};
const team: ScimJson = { displayName: 'Team', members: [{ value: 'usr_1' }, { value: 'usr_2' }] };
const patched = (resource: ScimJson, ...Operations: unknown[]): ScimJson => applyPatch(resource, { Operations });

describe('a PATCH as Entra ID sends it', () => {
  it('deactivates with a capital letter and a text', () => {
    expect(patched(anna, { op: 'Replace', path: 'active', value: 'False' }).active).toBe('False');
    expect(patched(anna, { op: 'Replace', value: { active: false } }).active).toBe(false);
  });

  it('changes several attributes by dotted names, without a path', () => {
    const result = patched(anna, {
      op: 'replace',
      value: {
        displayName: 'Anna New',
        'name.familyName': 'New',
        'emails[type eq "work"].value': 'new@example.com',
        [`${ENTERPRISE}:department`]: 'Data',
      },
    });
    expect(result).toMatchObject({
      displayName: 'Anna New',
      name: { givenName: 'Anna', familyName: 'New' },
      emails: [{ value: 'new@example.com', type: 'work', primary: true }],
      [ENTERPRISE]: { department: 'Data' },
    });
  });

  it('adds what an element of a list says before there is one', () => {
    const { emails, ...rest } = anna;
    expect(emails).toBeDefined();
    const result = patched(rest, { op: 'Add', path: 'emails[type eq "work"].value', value: 'a@example.com' });
    expect(result.emails).toEqual([{ type: 'work', value: 'a@example.com' }]);
  });

  it('adds members, twice no more than once, and removes those that it names by their values', () => {
    const added = patched(team, { op: 'Add', path: 'members', value: [{ value: 'usr_3' }, { value: 'usr_1' }] });
    expect(added.members).toEqual([{ value: 'usr_1' }, { value: 'usr_2' }, { value: 'usr_3' }]);
    const removed = patched(team, { op: 'Remove', path: 'members', value: [{ value: 'usr_1' }] });
    expect(removed.members).toEqual([{ value: 'usr_2' }]);
  });

  it('sets the manager of the extension, and takes it away', () => {
    const path = `${ENTERPRISE}:manager`;
    const given = patched(anna, { op: 'Add', path, value: { value: 'usr_9' } });
    expect(given[ENTERPRISE]).toEqual({ manager: { value: 'usr_9' } });
    expect(patched(given, { op: 'Remove', path })[ENTERPRISE]).toEqual({});
  });
});

describe('a PATCH as Okta sends it', () => {
  it('deactivates with a value without a path', () => {
    expect(patched(anna, { op: 'replace', value: { active: false } }).active).toBe(false);
  });

  it('removes one member by a filter, replaces all of them, and renames', () => {
    expect(patched(team, { op: 'remove', path: 'members[value eq "usr_2"]' }).members).toEqual([{ value: 'usr_1' }]);
    expect(patched(team, { op: 'replace', path: 'members', value: [{ value: 'usr_7' }] }).members).toEqual([
      { value: 'usr_7' },
    ]);
    const renamed = patched(team, { op: 'replace', value: { id: 'dgr_1', displayName: 'Other' } });
    expect(renamed.displayName).toBe('Other');
  });
});

describe('a PATCH', () => {
  it('runs its operations in order, and leaves the resource it was given as it was', () => {
    const before = structuredClone(team);
    const result = patched(
      team,
      { op: 'remove', path: 'members' },
      { op: 'add', path: 'members', value: [{ value: 'usr_5' }] },
    );
    expect(result.members).toEqual([{ value: 'usr_5' }]);
    expect(team).toEqual(before);
  });

  it('finds attributes whatever their case', () => {
    expect(patched(anna, { OP: 'replace', PATH: 'DISPLAYNAME', VALUE: 'x' }).displayName).toBe('x');
    expect(patched(anna, { op: 'replace', path: 'Name.GivenName', value: 'x' }).name).toMatchObject({ givenName: 'x' });
  });

  it('of the schema’s full name is the attribute itself', () => {
    const path = 'urn:ietf:params:scim:schemas:core:2.0:User:displayName';
    expect(patched(anna, { op: 'replace', path, value: 'x' }).displayName).toBe('x');
  });

  it.each([
    [{ op: 'remove' }, 'noTarget'],
    [{ op: 'move', path: 'active' }, 'invalidSyntax'],
    [{ op: 'replace', path: 'members[', value: 1 }, 'invalidPath'],
    [{ op: 'replace', path: 'members[value gt "1"]', value: {} }, 'invalidFilter'],
    [{ op: 'replace', path: '__proto__', value: { polluted: true } }, 'invalidPath'],
    [{ op: 'replace', value: { __proto__: null, '__proto__.polluted': true } }, 'invalidPath'],
    [{ op: 'replace', value: 'x' }, 'invalidValue'],
    ['x', 'invalidSyntax'],
  ])('%j is refused as %s', (operation, scimType) => {
    expect(() => patched(team, operation)).toThrow(expect.objectContaining({ status: 400, scimType }));
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('without operations is refused', () => {
    expect(() => applyPatch(team, {})).toThrow(expect.objectContaining({ scimType: 'invalidSyntax' }));
    expect(() => applyPatch(team, { Operations: [] })).toThrow(expect.objectContaining({ scimType: 'invalidSyntax' }));
  });
});

describe('a PATCH of a great many', () => {
  const members = (count: number, prefix: string): { value: string }[] =>
    Array.from({ length: count }, (_, index) => ({ value: `${prefix}_${index}` }));

  it.each(['add', 'remove'])('looks at each element once, however many there are to compare it with: %s', (op) => {
    let reads = 0;
    const counted = members(100, 'new').map(({ value }) => ({
      get value() {
        reads += 1;
        return value;
      },
    }));
    const result = patched({ members: members(100, 'old') }, { op, path: 'members', value: counted });
    expect(result.members).toHaveLength(op === 'add' ? 200 : 100);
    expect(reads).toBe(100);
  });

  it('is refused where it is more than a request may cost', () => {
    const tooMuch = expect.objectContaining({ status: 413 });
    const names = Object.fromEntries(members(1001, 'attribute').map(({ value }) => [value, 1]));
    expect(() => patched(team, { op: 'add', value: names })).toThrow(tooMuch);
    // Ten comparisons an element, of which the first says no.
    const filter = Array.from({ length: 10 }, () => 'value eq "nobody"').join(' and ');
    const removals = (count: number) =>
      Array.from({ length: count }, () => ({ op: 'remove', path: `members[${filter}]` }));
    const many = { members: members(10_000, 'old') };
    expect(patched(many, ...removals(10)).members).toHaveLength(10_000);
    expect(() => patched(many, ...removals(11))).toThrow(tooMuch);
  });
});
