import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectThrough } from '../testing/door-clients.ts';
import { openTestDoor, type TestDoor } from '../testing/open-test-door.ts';

let door: TestDoor;
beforeAll(async () => {
  door = await openTestDoor();
});
afterAll(async () => {
  await door.close();
});

describe('a store that hangs', () => {
  it('holds up a statement of an open session now and then, not each of them', async () => {
    const client = await connectThrough(door, door.grant('sales-report'));
    await client.query('select 1');
    const { openGrant } = door.controlPlane;
    let asked = 0;
    Object.assign(door.controlPlane, {
      openGrant: () => {
        asked += 1;
        return new Promise(() => undefined);
      },
    });
    door.controlPlane.emit({ kind: 'policy-changed' });
    await client.query('select 1');
    expect(asked).toBe(1);
    for (let n = 0; n < 20; n++) await client.query('select 1');
    // As many as a second holds may be more than twenty, and on a slow machine fewer.
    expect(asked).toBeLessThan(5);
    Object.assign(door.controlPlane, { openGrant });
    await client.end();
  });
});
