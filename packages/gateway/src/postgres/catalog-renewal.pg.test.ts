import { waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectThrough } from '../testing/door-clients.ts';
import { openTestDoor, type TestDoor } from '../testing/open-test-door.ts';

let door: TestDoor;
beforeAll(async () => {
  door = await openTestDoor({ renewCatalogMs: 50 });
});
afterAll(async () => {
  await door.close();
});

const mails = 'select email from public.customer_mail order by id limit 1';

describe('what changes outside the gate', () => {
  it('reaches a session that sat idle: what it was allowed is decided anew', async () => {
    const client = await connectThrough(door, door.grant('sales-report'));
    expect((await client.query(mails)).rows).toEqual([{ email: 'c***@example.com' }]);
    const before = (await door.controlPlane.loadCatalog('res_test', { refresh: false })).version;
    await door.database.query(
      'create or replace view public.customer_mail as select id, ssn as email from public.customers',
    );
    await waitUntil(
      async () => (await door.controlPlane.loadCatalog('res_test', { refresh: false })).version !== before,
      10_000,
      'the reading of the catalog while nobody says anything',
    );
    await expect(client.query(mails)).rejects.toMatchObject({ code: '42501' });
    await client.end();
  });
});
