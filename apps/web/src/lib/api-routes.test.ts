import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderApiRoutes } from '../../scripts/write-api-routes.ts';

test('the browser knows the routes of the contract as it is (else run `node scripts/write-api-routes.ts`)', () => {
  const written: unknown = JSON.parse(readFileSync(new URL('./api-routes.json', import.meta.url), 'utf8'));
  expect(written).toEqual(JSON.parse(renderApiRoutes()));
});
