import { describe, expect, it } from 'vitest';
import { parseFilter } from './parse-filter.ts';

describe('a filter', () => {
  it.each([
    // As Entra ID, Okta and OneLogin send them.
    ['userName eq "anna@example.com"', [{ path: 'username', value: 'anna@example.com' }]],
    ['externalId eq "0f2d-1"', [{ path: 'externalid', value: '0f2d-1' }]],
    ['displayName Eq "Data Team"', [{ path: 'displayname', value: 'Data Team' }]],
    ['emails[type eq "work"].value eq "a@b.example"', [{ path: 'emails.value', value: 'a@b.example' }]],
    ['active eq true', [{ path: 'active', value: true }]],
    [
      'userName eq "a" and externalId eq "b"',
      [
        { path: 'username', value: 'a' },
        { path: 'externalid', value: 'b' },
      ],
    ],
    ['displayName eq "a \\"quoted\\" \\\\ name"', [{ path: 'displayname', value: 'a "quoted" \\ name' }]],
    ['userName eq "a and b eq c"', [{ path: 'username', value: 'a and b eq c' }]],
    [
      'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a"',
      [{ path: 'urn:ietf:params:scim:schemas:core:2.0:user:username', value: 'a' }],
    ],
  ])('%s is understood', (text, terms) => {
    expect(parseFilter(text)).toEqual(terms);
  });

  it.each([
    'userName co "a"',
    'userName eq "a" or userName eq "b"',
    'not (userName eq "a")',
    'userName eq',
    'userName eq "a" and',
    'userName eq "a" userName eq "b"',
    '',
    'userName pr',
    `${'userName eq "a" and '.repeat(11)}userName eq "a"`,
    `userName eq "${'a'.repeat(3000)}"`,
    'userName eq "\\x"',
  ])('%s is refused as a whole: what is not understood never means everything', (text) => {
    expect(() => parseFilter(text)).toThrow(expect.objectContaining({ status: 400, scimType: 'invalidFilter' }));
  });
});
