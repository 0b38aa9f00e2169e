import { buildCatalog } from '@taskgate/core';
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { catalogVersion, readServerVersion } from './read-catalog.ts';

/** As much of a server as says its version. */
const serverOf = (version: string): Client =>
  ({ query: () => Promise.resolve({ rows: [{ version }] }) }) as unknown as Client;

describe('a server', () => {
  it.each(['150000', '169999', '180004'])('of version %s can be guarded', async (version) => {
    expect(await readServerVersion(serverOf(version))).toBe(Number(version));
  });

  it.each(['90624', '140012', '190000', 'x', ''])('of version %j is refused', async (version) => {
    await expect(readServerVersion(serverOf(version))).rejects.toMatchObject({ code: 'not-supported' });
  });
});

it('the version of a catalog follows from all of its content', () => {
  const { version: _, ...content } = buildCatalog({});
  expect(catalogVersion(content)).toBe(catalogVersion({ ...content }));
  expect(catalogVersion({ ...content, searchPath: ['a'] })).not.toBe(catalogVersion(content));
});
