import { once } from 'node:events';
import { encodeGssencRequest, encodeSslRequest, encodeStartup } from '@taskgate/protocol-postgres';
import { waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleProbe } from '../testing/console-probe.ts';
import { CONSOLE_ORIGIN, openThreatDoor, type ThreatDoor } from '../testing/open-threat-door.ts';
import { RawClient } from '../testing/raw-client.ts';

describe('W17 whoever comes and says nothing', () => {
  let door: ThreatDoor;
  beforeAll(async () => {
    door = await openThreatDoor();
  });
  afterAll(async () => {
    await door.close();
  });

  it('W16 W17 is cut off in time, at each step of a handshake and by the browser’s way, while others are served', async () => {
    const stalls = [
      [],
      [encodeStartup([['user', 'sales-report']]).subarray(0, 6)],
      [
        encodeStartup([
          ['user', 'sales-report'],
          ['database', door.database.name],
        ]),
      ],
      [encodeSslRequest()],
      [encodeGssencRequest()],
      [encodeSslRequest(), encodeGssencRequest()],
      [Uint8Array.of(0x16, 0x03, 0x01)],
    ].map((bytes) => {
      const client = new RawClient(door.port);
      client.unframed = true;
      for (const part of bytes) client.send(part);
      return client;
    });
    const silent = new ConsoleProbe(door.consolePort, CONSOLE_ORIGIN);
    await once(silent.socket, 'open');
    const client = await door.console(door.grant('sales-report'));
    expect((await client.query('select 1')).rows).toEqual([['1']]);
    await waitUntil(() => silent.closed && stalls.every(({ closed }) => closed), 25_000);
  });
});
