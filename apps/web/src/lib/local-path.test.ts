import { expect, test } from 'vitest';
import { localPath } from './local-path.ts';

test.each([
  '//evil.test',
  '/\\evil.test',
  'https://evil.test',
  '/\t/evil.test',
  '/a\\b',
  'javascript:alert(1)',
  '',
  '/login?next=/',
  '/api/auth/signout',
])('a sign-in never leads to another site or in a circle: %j', (next) => {
  expect(localPath(next)).toBe('/');
});

test('a sign-in leads back to where the person was', () => {
  expect(localPath('/inbox?view=mine&sel=hld_1')).toBe('/inbox?view=mine&sel=hld_1');
});
