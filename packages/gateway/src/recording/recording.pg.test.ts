import fs from 'node:fs';
import path from 'node:path';
import { TaskgateError } from '@taskgate/core';
import { decodeRecording, verifyChain } from '@taskgate/recording';
import { waitUntil } from '@taskgate/testkit';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectThrough, psqlThrough } from '../testing/door-clients.ts';
import { createMemoryControlPlane } from '../testing/memory-control-plane.ts';
import { openTestDoor, type TestDoor } from '../testing/open-test-door.ts';
import { archived, timelineOf } from '../testing/read-archived.ts';
import { createFolderArchive } from './recording-archive.ts';
import { recoverSpool } from './recover-spool.ts';
import { sha256 } from './session-cipher.ts';
import { createSpool } from './spool.ts';
import { createSpoolIndexer } from './spool-indexer.ts';

let door: TestDoor;
beforeAll(async () => {
  door = await openTestDoor();
});
afterAll(async () => {
  await door.close();
});

describe('a recording', () => {
  it('holds statements, parameters, decisions and results as the client was sent them, and verifies', async () => {
    const grant = door.grant('sales-report');
    const client = await connectThrough(door, grant);
    await client.query('select id, email from public.customers where id = $1', [7]);
    await client.query('select ssn from public.customers').catch(() => undefined);
    await client.end();
    const { sessionId } = door.controlPlane.sessions.find((session) => session.grantId === grant.grant.grantId)!;
    const bytes = await archived(door, sessionId);
    expect(await verifyChain(bytes, { sha256 })).toMatchObject({ ok: true });
    const { operations, end } = await timelineOf(door, sessionId, bytes);
    expect(operations.map((entry) => entry.status)).toEqual(['done', 'refused']);
    expect(operations[0]!.operation.secret).toMatchObject({
      statement: 'select id, email from public.customers where id = $1',
      parameters: ['7'],
    });
    expect(operations[0]!.rows).toEqual([['7', 'c***@example.com']]);
    expect(operations[1]!.operation.decision.reasons[0]!.code).toBe('column-not-allowed');
    expect(end?.reason).toBe('client-closed');
    expect(Buffer.from(bytes).includes('customer7@example.com')).toBe(false);
  });

  it('holds binary values as hex, nulls as such, and as many rows as were sent', async () => {
    const grant = door.grant('sales-report');
    const client = await connectThrough(door, grant);
    const query = { text: 'select id, null from public.customers order by id limit $1', binary: true, values: [3] };
    await client.query(query as pg.QueryConfig);
    await client.end();
    const { sessionId } = door.controlPlane.sessions.find((session) => session.grantId === grant.grant.grantId)!;
    const { operations } = await timelineOf(door, sessionId, await archived(door, sessionId));
    expect(operations[0]!.rows).toEqual([
      ['\\x00000001', null],
      ['\\x00000002', null],
      ['\\x00000003', null],
    ]);
  });

  it('is indexed once for each operation, with its end and head', async () => {
    const grant = door.grant('sales-report');
    await psqlThrough(door, grant, 'select 1', 'select 2');
    const { sessionId } = door.controlPlane.sessions.find((session) => session.grantId === grant.grant.grantId)!;
    const bytes = await archived(door, sessionId);
    const batches = door.controlPlane.batches
      .filter((entry) => entry.sessionId === sessionId)
      .map(({ batch }) => batch);
    expect(batches.flatMap(({ operations }) => operations)).toHaveLength(2);
    expect(batches.flatMap(({ outcomes }) => outcomes.map(({ outcome }) => outcome))).toEqual(['done', 'done']);
    const verdict = await verifyChain(bytes, { sha256 });
    const { head } = batches.at(-1)!.end!;
    expect(verdict).toMatchObject({ ok: true, count: head.count });
  });

  it('that a killed gateway left is cut at its torn frame, ended, and names what has no outcome unknown', async () => {
    const grant = door.grant('shop-admin', { policies: [] });
    const client = await connectThrough(door, grant);
    await client.query('select 1');
    const { sessionId } = door.controlPlane.sessions.find((session) => session.grantId === grant.grant.grantId)!;
    const live = path.join(door.spoolDirectory, `${sessionId}.tgr`);
    // Its outcome is in the recording; the next operation will be in the journal alone.
    await waitUntil(() => decodeRecording(fs.readFileSync(live)).events.some(({ event }) => event.kind === 'outcome'));
    const recorded = fs.readFileSync(live);
    const running = client.query('select count(*) from generate_series(1, 100000000000)').catch(() => undefined);
    await waitUntil(
      async () =>
        (
          await door.database.query(
            "select 1 from pg_stat_activity where query like '%100000000000%' and pid <> pg_backend_pid()",
          )
        ).length > 0,
    );
    // What is in the kernel at this moment is what a kill -9 would leave; half a frame more is a write cut short.
    const left = path.join(path.dirname(door.spoolDirectory), 'left');
    const spool = createSpool(left);
    fs.writeFileSync(path.join(left, `${sessionId}.tgr`), Buffer.concat([recorded, Buffer.from([0, 0, 1])]));
    for (const name of fs.readdirSync(door.spoolDirectory).filter((file) => file.endsWith('.tgj')))
      fs.copyFileSync(path.join(door.spoolDirectory, name), path.join(left, name));
    door.controlPlane.endGrant(grant, 'revoked');
    await running;

    const controlPlane = {
      ...createMemoryControlPlane({
        credential: undefined as never,
        readCatalog: () => Promise.reject(new Error('not asked')),
      }),
      openSessionKey: door.controlPlane.openSessionKey,
    };
    const journalKey = await door.controlPlane.journalKey();
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const archive = createFolderArchive(path.join(left, 'archive'));
    const indexer = createSpoolIndexer({ spool, archive, controlPlane, log });
    controlPlane.unfinished.push({ sessionId }, { sessionId: 'ses_0000000000000000000000000a' });
    await recoverSpool({
      spool,
      journalKey,
      indexer,
      controlPlane,
      gatewayName: 'test-gateway',
      now: () => Date.now(),
      log,
    });
    await indexer.drain(AbortSignal.timeout(10_000));
    const outcomes = controlPlane.batches.flatMap(({ batch }) => batch.outcomes.map(({ outcome }) => outcome));
    expect(outcomes.sort()).toEqual(['done', 'unknown']);
    expect(
      controlPlane.batches
        .filter(({ batch }) => batch.end !== null)
        .map((entry) => entry.sessionId)
        .sort(),
    ).toEqual(['ses_0000000000000000000000000a', sessionId]);
    for (const { batch } of controlPlane.batches)
      if (batch.end !== null) expect(batch.end).toMatchObject({ reason: 'gateway-crashed', interrupted: true });
    expect(spool.list()).toEqual([]);
  });
});

describe('where the store is away', () => {
  it('no new session opens, a live one goes on, and what it did is indexed later', async () => {
    const grant = door.grant('sales-report');
    const client = await connectThrough(door, grant);
    door.controlPlane.down = true;
    try {
      expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
      await expect(connectThrough(door, grant)).rejects.toMatchObject({ code: '57P03' });
    } finally {
      door.controlPlane.down = false;
    }
    await client.end();
    const { sessionId } = door.controlPlane.sessions.find((session) => session.grantId === grant.grant.grantId)!;
    await archived(door, sessionId);
    expect(
      door.controlPlane.batches
        .filter((entry) => entry.sessionId === sessionId)
        .flatMap(({ batch }) => batch.operations),
    ).toHaveLength(1);
  });
});

describe('where the recording cannot be written', () => {
  it('nothing is forwarded, and the client is told why', async () => {
    const grant = door.grant('shop-admin', { policies: [] });
    const client = await connectThrough(door, grant);
    const { journal } = door.ports;
    const write = journal.write;
    (journal as { write: typeof write }).write = (_session, _clear, _secret, done) =>
      done(new TaskgateError('record-unavailable', 'the recording cannot be written'));
    const refused = await client
      .query("update public.orders set status = 'unrecorded' where id = 99")
      .catch((error: pg.DatabaseError) => error);
    (journal as { write: typeof write }).write = write;
    expect(refused).toMatchObject({ code: '57P03', message: expect.stringContaining('recording cannot be written') });
    expect(await door.database.query("select 1 from public.orders where status = 'unrecorded'")).toEqual([]);
  });
});

describe('limits of a grant', () => {
  it('end a result at its rows, and refuse the next statement', async () => {
    const grant = door.grant('sales-report', { limits: { rows: 10 } });
    const first = await psqlThrough(door, grant, 'select id from public.orders');
    expect(first.stderr).toMatch(/53400.*used its 10 rows/);
    const next = await psqlThrough(door, grant, 'select 1');
    expect(next.stderr).toMatch(/42501.*used its 10 rows/);
  });

  it('count statements', async () => {
    const grant = door.grant('sales-report', { limits: { statements: 2 } });
    const result = await psqlThrough(door, grant, 'select 1', 'select 2', 'select 3');
    expect(result.stdout.trim().split('\n')).toEqual(['1', '2']);
    expect(result.stderr).toMatch(/used its 2 statements/);
  });

  it('end an idle connection', async () => {
    const client = await connectThrough(door, door.grant('sales-report', { limits: { idleMs: 50 } }));
    const ended = new Promise<Error>((resolve) => client.once('error', resolve));
    expect(String(await ended)).toMatch(/idle/);
  });
});
