import fs from 'node:fs';
import type net from 'node:net';
import path from 'node:path';
import {
  encodeBackendMessage,
  encodeBodyless,
  encodeCancelRequest,
  encodeCommandComplete,
  encodeCopyData,
  encodeDataRow,
  encodeErrorFields,
  encodeNotice,
  encodeParameterStatus,
  encodeQuery,
  encodeReadyForQuery,
  encodeRowDescription,
  FRONTEND_TAG,
} from '@taskgate/protocol-postgres';
import { waitUntil } from '@taskgate/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CANARY, HonestServer, KNOWN } from '../testing/honest-server.ts';
import { openScriptedDoor, type ScriptedDoor } from '../testing/open-scripted-door.ts';
import { RawClient } from '../testing/raw-client.ts';
import { archived, timelineOf } from '../testing/read-archived.ts';
import { WELCOME } from '../testing/scripted-target.ts';

let door: ScriptedDoor;
beforeAll(async () => {
  door = await openScriptedDoor();
});
afterEach(() => {
  door.target.script = {};
  // An internal error is a hole in the gate, whatever the target did.
  expect(door.logLines.filter((line) => line.startsWith('session failed'))).toEqual([]);
});
afterAll(async () => {
  await door.close();
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const SELECT = 'select id, email from public.customers';
const COPY = 'copy (select id, email from public.customers) to stdout';
const { fields } = KNOWN[SELECT]!;
const description = encodeRowDescription(fields!);
const row = encodeDataRow([bytes('1'), bytes(`${CANARY}@example.com`)]);
const done = encodeCommandComplete('SELECT 1');
const ready = encodeReadyForQuery('idle');
/** A message whose length says that it has so many bytes, and a body of fewer. */
const claiming = (tag: string, length: number, body = new Uint8Array(0)): Uint8Array =>
  Buffer.concat([
    bytes(tag),
    Uint8Array.of(length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255),
    body,
  ]);

/** What a client gets that asks `text`, where the target answers a query with `messages`. */
async function answered(messages: readonly Uint8Array[], text = SELECT) {
  door.target.script = {
    onFrame: (frame, peer) => {
      if (frame.tag === FRONTEND_TAG.query) peer.send(...messages);
    },
  };
  const client = await RawClient.open(door, door.grant('sales-report', { policies: [] }));
  client.takeReceived();
  const answer = await client.query(text);
  const received = client.takeReceived().toString('latin1');
  await waitUntil(() => client.closed || answer.status !== null);
  client.close();
  return { ...answer, received, closed: answer.status === null };
}

describe('W20: a hostile target', () => {
  it.each<[string, Uint8Array[]]>([
    ['rows without a description', [row, done, ready]],
    ['a description of fewer columns', [encodeRowDescription(fields!.slice(0, 1)), row, done, ready]],
    [
      'a description that changes between rows',
      [description, row, encodeRowDescription(fields!.toReversed()), row, done, ready],
    ],
    [
      'a row with a column too many',
      [description, encodeDataRow([bytes('1'), bytes('x'), bytes(`${CANARY}`)]), done, ready],
    ],
    ['a row with a column too few', [description, encodeDataRow([bytes(CANARY)]), done, ready]],
    [
      'a row whose value is longer than its message',
      [description, claiming('D', 14, Uint8Array.of(0, 2, 0, 0, 0, 99, 65, 66, 67, 68)), done, ready],
    ],
    [
      'a row with a negative length',
      [description, claiming('D', 14, Uint8Array.of(0, 2, 255, 255, 255, 254, 65, 66, 67, 68)), done, ready],
    ],
    ['rows of a copy that was not asked for', [encodeCopyData(bytes(`1\t${CANARY}\n`)), done, ready]],
    [
      'a request for data that was not asked for',
      [encodeBackendMessage({ kind: 'copy-in', format: 0, columnFormats: [0] })],
    ],
    ['a copy in both directions', [encodeBackendMessage({ kind: 'copy-both', format: 0, columnFormats: [0] })]],
    ['the end in front of the result', [ready]],
    ['two ends of one statement', [description, done, done, ready]],
    ['an answer to the extended protocol', [encodeBodyless('parse-complete'), ready]],
    ['a suspended portal', [description, encodeBodyless('portal-suspended'), ready, ready]],
    ['a function’s result', [encodeBackendMessage({ kind: 'function-result', value: bytes(CANARY) }), ready]],
    ['a message of a type that does not exist', [claiming('!', 4), ready]],
    ['a length that wraps', [description, claiming('D', -1), ready]],
    ['a length of 2 GiB', [description, claiming('D', 0x7fffffff), ready]],
    ['a description of 2,000 columns', [encodeRowDescription(Array.from({ length: 2_000 }, () => fields![0]!)), ready]],
    [
      'an authentication request in the middle',
      [encodeBackendMessage({ kind: 'authentication', request: { kind: 'cleartext' } }), ready],
    ],
    [
      'a new cancel key in the middle',
      [encodeBackendMessage({ kind: 'backend-key', processId: 1, secret: new Uint8Array(4) }), ready],
    ],
  ])(
    'that sends %s ends the session with an error, and nothing of a masked column goes out',
    async (_name, messages) => {
      const answer = await answered(messages);
      expect(answer.closed).toBe(true);
      expect(answer.errors).toHaveLength(1);
      expect(answer.errors[0]!.code).toMatch(/^(08P01|42501)$/);
      expect(answer.received).not.toContain(CANARY);
    },
  );

  it.each<[string, Uint8Array[]]>([
    [
      'copy rows in front of the copy',
      [encodeCopyData(bytes(`1\t${CANARY}@example.com\n`)), encodeCommandComplete('COPY 1'), ready],
    ],
    ['the end of a copy that was not begun', [encodeBodyless('copy-done'), encodeCommandComplete('COPY 0'), ready]],
    [
      'a copy that begins twice, the second time without columns',
      [
        encodeBackendMessage({ kind: 'copy-out', format: 0, columnFormats: [0, 0] }),
        encodeBackendMessage({ kind: 'copy-out', format: 0, columnFormats: [] }),
        encodeCopyData(bytes(`1\t${CANARY}@example.com\n`)),
        ready,
      ],
    ],
    ['a binary copy', [encodeBackendMessage({ kind: 'copy-out', format: 1, columnFormats: [1, 1] }), ready]],
    ['rows for a copy', [description, row, encodeCommandComplete('COPY 1'), ready]],
  ])('that sends %s ends the session of a masked copy', async (_name, messages) => {
    const answer = await answered(messages, COPY);
    expect(answer.closed).toBe(true);
    expect(answer.errors[0]!.code).toMatch(/^(08P01|42501)$/);
    expect(answer.received).not.toContain(CANARY);
  });

  describe('before a task that masks nothing', () => {
    const text = 'select id, status from public.orders';
    const source = `kind: Task
name: sales-report
purpose: orders
resource: demo-shop
who: { groups: [support] }
allow:
  - select: public.orders
`;
    /** The rows that its client got, and those that are recorded. */
    async function rowsOf(...rows: readonly Uint8Array[]) {
      door.target.script = {
        onFrame: (frame, peer) => {
          if (frame.tag === FRONTEND_TAG.query)
            peer.send(encodeRowDescription(KNOWN[text]!.fields!), ...rows, done, ready);
        },
      };
      const client = await RawClient.open(door, door.grant('sales-report', { policies: [], source }));
      const { rows: sent, errors } = await client.query(text);
      await waitUntil(() => client.closed);
      const { sessionId } = door.controlPlane.sessions.at(-1)!;
      const { operations } = await timelineOf(door, sessionId, await archived(door, sessionId));
      return { sent, recorded: operations[0]!.rows, error: errors[0]!.code };
    }

    it('that sends half a row leaves none of it in the recording, and what came before it is there', async () => {
      const half = claiming('D', 21, Uint8Array.of(0, 2, 0, 0, 0, 1, 49, 0, 0, 0, 99, 65, 66, 67, 68, 69, 70));
      const { recorded, error } = await rowsOf(
        encodeDataRow([bytes('7'), bytes('a "b"\\\n')]),
        encodeDataRow([null, bytes('é')]),
        half,
      );
      expect(recorded).toEqual([
        ['7', 'a "b"\\\n'],
        [null, 'é'],
      ]);
      expect(error).toBe('08P01');
    });

    it('that sends a row of other columns behind all that is recorded ends the session in front of it', async () => {
      const good = Array.from({ length: 1_500 }, (_, i) => encodeDataRow([bytes(String(i)), bytes('open')]));
      const { sent, recorded, error } = await rowsOf(...good, encodeDataRow([bytes('1'), bytes('2'), bytes(CANARY)]));
      expect(sent).toHaveLength(1_500);
      expect(recorded).toHaveLength(1_000);
      expect(error).toBe('42501');
    });
  });

  it('whose error has no code, or no text at all, is passed on as an error, and the session goes on', async () => {
    for (const error of [new Map([['M', 'it failed']]), new Map<string, string>()]) {
      const answer = await answered([encodeErrorFields('error', error), ready]);
      expect(answer).toMatchObject({ closed: false, status: 'I' });
      expect(answer.errors).toHaveLength(1);
    }
  });

  it('whose error has megabytes costs the recording a bounded part of them', async () => {
    const long = 'x'.repeat(8_000_000);
    const failed = await answered([
      encodeErrorFields(
        'error',
        new Map([
          ['C', '22000'],
          ['M', long],
        ]),
      ),
      ready,
    ]);
    expect(failed).toMatchObject({ closed: false, status: 'I' });
    const tagged = await answered([description, encodeCommandComplete(`SELECT ${'9'.repeat(900_000)}`), ready]);
    expect(tagged.errors).toMatchObject([{ code: '08P01' }]);
    const { sessionId } = door.controlPlane.sessions.at(-2)!;
    await waitUntil(() => fs.existsSync(path.join(door.archiveDirectory, `${sessionId}.tgs`)));
    const recording = fs.readFileSync(path.join(door.archiveDirectory, `${sessionId}.tgs`));
    expect(recording.length).toBeLessThan(100_000);
  });

  it('that sends what nobody asked for between statements is dropped or passed on, and means nothing', async () => {
    const server = new HonestServer();
    let unsolicited: readonly Uint8Array[] = [];
    door.target.script = {
      onFrame: (frame, peer) => peer.send(...unsolicited, ...server.answer(frame), ...unsolicited),
    };
    const client = await RawClient.open(door, door.grant('sales-report', { policies: [] }));
    unsolicited = [
      encodeNotice({ message: 'hello', severity: 'NOTICE' }),
      encodeParameterStatus('search_path', CANARY),
      encodeParameterStatus('TimeZone', 'UTC'),
      encodeBackendMessage({ kind: 'notification', processId: 1, channel: 'c', payload: CANARY }),
    ];
    for (let round = 0; round < 3; round++) expect((await client.query(SELECT)).rows).toHaveLength(3);
    const seen = client.takeReceived().toString('latin1');
    expect(seen).not.toContain(CANARY);
    client.close();
  });

  it('that sends rows when nothing was asked ends the session', async () => {
    door.target.script = { onConnection: (peer) => peer.send(description, row) };
    const client = new RawClient(door.port);
    await client.signIn(door, door.grant('sales-report', { policies: [] }));
    await waitUntil(() => client.closed);
    expect(client.takeReceived().toString('latin1')).not.toContain(CANARY);
  });

  it.each<[string, (socket: net.Socket) => void]>([
    [
      'never ends its settings',
      (socket) => flood(socket, encodeParameterStatus('x'.repeat(1_000), 'y'.repeat(10_000)), true),
    ],
    [
      'never ends its notices',
      (socket) => flood(socket, encodeNotice({ message: 'z'.repeat(10_000), severity: 'NOTICE' })),
    ],
    [
      'sends a setting of a gigabyte',
      (socket) => {
        socket.write(claiming('S', 0x3fffffff));
        flood(socket, new Uint8Array(65_536));
      },
    ],
    [
      'sends an error of 60 MB',
      (socket) => {
        socket.write(claiming('E', 60_000_000));
        flood(socket, new Uint8Array(65_536).fill(65));
      },
    ],
    ['sends a row', (socket) => void socket.write(row)],
    [
      'asks for a proof in an exchange that was not begun',
      (socket) =>
        void socket.write(
          encodeBackendMessage({
            kind: 'authentication',
            request: { kind: 'sasl-continue', data: bytes('r=x,s=eA==,i=4096') },
          }),
        ),
    ],
    ['answers with another nonce', (socket) => scramTo(socket, () => 'r=another-nonce,s=c2FsdHNhbHQ=,i=4096')],
    [
      'wants a hundred million rounds of key derivation',
      (socket) => scramTo(socket, (nonce) => `r=${nonce}more,s=c2FsdHNhbHQ=,i=100000000`),
    ],
    ['wants one round of key derivation', (socket) => scramTo(socket, (nonce) => `r=${nonce}more,s=c2FsdHNhbHQ=,i=1`)],
    [
      'skips its own proof',
      (socket) =>
        scramTo(
          socket,
          (nonce) => `r=${nonce}more,s=c2FsdHNhbHQ=,i=4096`,
          encodeBackendMessage({ kind: 'authentication', request: { kind: 'ok' } }),
        ),
    ],
    [
      'gives a wrong proof',
      (socket) =>
        scramTo(
          socket,
          (nonce) => `r=${nonce}more,s=c2FsdHNhbHQ=,i=4096`,
          encodeBackendMessage({
            kind: 'authentication',
            request: { kind: 'sasl-final', data: bytes('v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=') },
          }),
        ),
    ],
    [
      'asks for Kerberos',
      (socket) => void socket.write(encodeBackendMessage({ kind: 'authentication', request: { kind: 'kerberos-v5' } })),
    ],
    ['gives no key to cancel with', (socket) => void socket.write(Buffer.concat([WELCOME[0]!, ready]))],
    ['hangs up', (socket) => void socket.end()],
    ['resets', (socket) => void socket.resetAndDestroy()],
  ])('that %s while it is signed in to is told of as unreachable or refusing', async (_name, welcome) => {
    door.target.script = { welcome };
    const before = process.memoryUsage().arrayBuffers;
    const client = new RawClient(door.port);
    const answer = await client.signIn(door, door.grant('sales-report', { policies: [] }));
    expect(answer.errors).toMatchObject([{ code: '08001' }]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32_000_000);
    client.close();
  });
});

/** As fast as the other side takes it. */
function flood(socket: net.Socket, message: Uint8Array, welcomed = false): void {
  if (welcomed) socket.write(WELCOME[0]!);
  const more = (): void => {
    while (!socket.destroyed && socket.write(message));
  };
  socket.on('drain', more);
  more();
}

/** Offers SCRAM, answers the first message by `first` (given the client's nonce), and the second by `final`. */
function scramTo(socket: net.Socket, first: (nonce: string) => string, final?: Uint8Array): void {
  socket.write(
    encodeBackendMessage({ kind: 'authentication', request: { kind: 'sasl', mechanisms: ['SCRAM-SHA-256'] } }),
  );
  let step = 0;
  socket.removeAllListeners('data');
  socket.on('data', (chunk: Buffer) => {
    step += 1;
    if (step === 1) {
      const nonce = /r=([^,]+)$/.exec(chunk.toString('latin1'))![1]!;
      socket.write(
        encodeBackendMessage({ kind: 'authentication', request: { kind: 'sasl-continue', data: bytes(first(nonce)) } }),
      );
    } else if (final !== undefined) socket.write(Buffer.concat([final, ...WELCOME.slice(1)]));
  });
}

describe('a target that goes away', () => {
  it.each<[string, (peer: { socket: net.Socket }) => void]>([
    ['resets', ({ socket }) => void socket.resetAndDestroy()],
    ['hangs up', ({ socket }) => void socket.end()],
  ])(
    'and %s in the middle of a row is told of, the whole rows in front of it are there, and the outcome is unknown',
    async (_name, leave) => {
      door.target.script = {
        onFrame: (frame, peer) => {
          if (frame.tag !== FRONTEND_TAG.query) return;
          peer.socket.write(Buffer.concat([description, row, row.subarray(0, 9)]), () => leave(peer));
        },
      };
      const grant = door.grant('sales-report', { policies: [] });
      const client = await RawClient.open(door, grant);
      const { sessionId } = door.controlPlane.sessions.find((session) => session.grantId === grant.grant.grantId)!;
      const answer = await client.query(SELECT);
      expect(answer.letters).toMatch(/^T?D?E$/);
      expect(answer.errors).toMatchObject([{ code: '08006' }]);
      const batches = () =>
        door.controlPlane.batches.filter((one) => one.sessionId === sessionId).map(({ batch }) => batch);
      await waitUntil(() => batches().at(-1)?.end);
      expect(batches().at(-1)!.end).toMatchObject({ reason: 'target-closed' });
      expect(batches().flatMap(({ outcomes }) => outcomes.map(({ outcome }) => outcome))).toEqual(['unknown']);
    },
  );

  it('in its answers only can be cancelled, once at a time, and its client can leave', async () => {
    door.target.script = { onFrame: () => undefined };
    const client = await RawClient.open(door, door.grant('sales-report', { policies: [] }));
    client.send(encodeQuery(SELECT));
    await waitUntil(() => door.target.peers.at(-1)!.frames.length > 0);
    const before = door.target.cancels;
    const key = client.key!;
    const floods = Array.from({ length: 30 }, async () => {
      const cancel = new RawClient(door.port);
      cancel.send(encodeCancelRequest(key.processId, key.secret));
      await waitUntil(() => cancel.closed);
    });
    await Promise.all(floods);
    await waitUntil(() => door.target.cancels > before);
    // Each goes out when the one before is over: a flood of them is not a flood at the target.
    expect(door.target.cancels - before).toBeLessThan(30);
    client.close();
    await waitUntil(() => door.ports.live.count === 0);
  });
});
