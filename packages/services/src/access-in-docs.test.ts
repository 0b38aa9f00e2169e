import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ACCESS_PAGE, renderAccess } from './testing/render-access.ts';

it('docs/access.md has the tables as they are (else run `node packages/services/src/testing/render-access.ts`)', () => {
  const page = readFileSync(ACCESS_PAGE, 'utf8');
  expect(page).toBe(renderAccess(page));
  expect(page).toContain('| `POST /people/{id}/offboard` | `people:write` |');
});
