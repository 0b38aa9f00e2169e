import { fakeClock, waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createStoreLease } from './store-lease.ts';
import { connectThrough } from './testing/door-clients.ts';
import { openTestDoor, type TestDoor } from './testing/open-test-door.ts';

let door: TestDoor;
beforeAll(async () => {
  door = await openTestDoor();
});
afterAll(async () => {
  await door.close();
});

it('a session goes on for the lease while the store is away, and ends with the reason when it has run out', async () => {
  const clock = fakeClock();
  const lease = createStoreLease({ live: door.ports.live, clock, log: door.ports.log, leaseMs: 600 });
  const grant = door.grant('sales-report');
  const client = await connectThrough(door, grant);
  const ended = new Promise<Error>((resolve) => client.once('error', resolve));
  const { sessionId } = door.controlPlane.sessions.find((session) => session.grantId === grant.grant.grantId)!;
  door.controlPlane.down = true;
  try {
    clock.advance(600);
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    // The store was there for a moment: the lease begins anew.
    lease.renew();
    clock.advance(600);
    expect((await client.query('select 2 as two')).rows).toEqual([{ two: 2 }]);
    clock.advance(1);
    expect(await ended).toMatchObject({
      code: '57P03',
      message: expect.stringContaining('could not ask its store for 600ms'),
    });
  } finally {
    door.controlPlane.down = false;
    lease.stop();
  }
  const ends = () =>
    door.controlPlane.batches.filter((entry) => entry.sessionId === sessionId && entry.batch.end !== null);
  await waitUntil(() => ends().length > 0);
  expect(ends()).toMatchObject([{ batch: { end: { reason: 'store-away', interrupted: false } } }]);
  await (await connectThrough(door, grant)).end();
});
