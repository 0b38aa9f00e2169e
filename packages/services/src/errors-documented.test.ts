import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CODES } from '@taskgate/core';
import { expect, it } from 'vitest';

it('docs/errors.md says of every error code what it means', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8');
  const documented = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1]!);
  expect(documented.sort()).toEqual([...ERROR_CODES].sort());
});
