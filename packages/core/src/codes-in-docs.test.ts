import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { REASON_CODES } from './decision.ts';
import { SIGN_IN_REFUSALS } from './identity.ts';
import { ERROR_CODES } from './taskgate-error.ts';

it.each([
  ['reasons.md', REASON_CODES],
  ['errors.md', ERROR_CODES],
  ['sign-in.md', SIGN_IN_REFUSALS],
] as const)('docs/%s says of every code what it means, and of no other', (page, codes) => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs', page), 'utf8');
  const documented = [...text.matchAll(/^(?:#+ `([a-z0-9-]+)`$|\| `([a-z0-9-]+)` \|)/gm)].map(
    ([, heading, cell]) => heading ?? cell,
  );
  expect(documented.sort()).toEqual([...codes].sort());
});
