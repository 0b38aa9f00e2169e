import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDoor, type TestDoor } from '../testing/open-test-door.ts';
import { RawClient } from '../testing/raw-client.ts';

/** A real file system that can be filled: root may mount one; elsewhere this is skipped. */
const mayMount = process.getuid?.() === 0 && process.platform === 'linux';

describe.skipIf(!mayMount)('a full disk under the spool (root alone can mount one)', () => {
  let door: TestDoor;
  let disk: string;
  beforeAll(async () => {
    disk = fs.mkdtempSync(path.join(os.tmpdir(), 'taskgate-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', disk]);
    door = await openTestDoor({ spoolDirectory: path.join(disk, 'spool') });
  });
  afterAll(async () => {
    await door.close();
    execFileSync('umount', [disk]);
    fs.rmdirSync(disk);
  });

  function fill(): void {
    const filler = fs.openSync(path.join(disk, 'filler'), 'w');
    for (const size of [65_536, 4_096, 1])
      try {
        for (;;) fs.writeSync(filler, Buffer.alloc(size));
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' });
      }
    fs.closeSync(filler);
  }
  const batchesOf = (sessionId: string) =>
    door.controlPlane.batches.filter((one) => one.sessionId === sessionId).map(({ batch }) => batch);
  const sessionOf = (application: string): string =>
    door.controlPlane.sessions.findLast((session) => session.application === application)!.sessionId;
  const update = (id: number): string => `update public.orders set status = 'full-${id}' where id = ${id}`;
  const updated = async (): Promise<number[]> =>
    (
      await door.database.query<{ id: number }>(`select id from public.orders where status like 'full-%' order by id`)
    ).map(({ id }) => id);

  it('refuses what it cannot record, with the reason, and goes on by itself when there is room again', async () => {
    const grant = door.grant('shop-admin', { policies: [] });
    const open = (application: string) => RawClient.open(door, grant, { application_name: application });
    const [busy, reading] = [await open('busy'), await open('reading')];
    expect((await reading.query('select 1')).rows).toEqual([['1']]);
    fill();

    // The last page of a file may have room for a few more: whatever ran was recorded.
    const ran: number[] = [];
    let refusal: Awaited<ReturnType<typeof busy.query>> | null = null;
    for (let id = 1; id <= 100 && refusal === null; id++) {
      const answer = await busy.query(update(id));
      if (answer.errors.length === 0) ran.push(id);
      else refusal = answer;
    }
    expect(refusal!.errors).toMatchObject([{ code: '57P03', message: expect.stringContaining('recording') }]);
    await waitUntil(() => busy.closed, 5_000, 'the end of the session that cannot be recorded');
    expect(await updated()).toEqual(ran);

    // New sessions are refused, and one that was idle cannot begin anything.
    const late = new RawClient(door.port);
    const refused = await late.signIn(door, grant, { application_name: 'late' });
    expect(refused.errors).toMatchObject([{ code: '57P03', message: expect.stringContaining('recording') }]);
    for (let round = 0; round < 30; round++) {
      const big = await reading.query(`select '${'x'.repeat(8_000)}' || ${round}`);
      if (big.errors.length > 0) {
        expect(big.errors).toMatchObject([{ code: '57P03' }]);
        break;
      }
      expect(round).toBeLessThan(29);
    }
    expect(await updated()).toEqual(ran);

    fs.rmSync(path.join(disk, 'filler'));
    const after = await open('after');
    expect((await after.query(update(99))).commands).toEqual(['UPDATE 1']);
    after.close();

    // Nothing that ran is missing, and every session has its end, also that which could not begin.
    for (const name of ['busy', 'reading', 'after', 'late']) {
      await waitUntil(() => batchesOf(sessionOf(name)).at(-1)?.end, 15_000, `the end of the session ${name}`);
      await waitUntil(() => fs.existsSync(path.join(door.archiveDirectory, `${sessionOf(name)}.tgs`)));
    }
    const done = batchesOf(sessionOf('busy'))
      .flatMap(({ outcomes }) => outcomes)
      .filter(({ outcome }) => outcome === 'done');
    expect(done.length).toBe(ran.length);
    await waitUntil(() => door.ports.spool.list().length === 0);
    // Attempts that failed leave no files and no descriptors behind.
    const open_ = fs.readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return [fs.readlinkSync(`/proc/self/fd/${fd}`)].filter((file) => file.startsWith(disk));
      } catch {
        return [];
      }
    });
    expect(open_.length).toBeLessThanOrEqual(1);
  });
});
