import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  type ChainVerdict,
  createRecordingReader,
  createRecordingWriter,
  decodeRecording,
  isSealedRecording,
  type NewRecordingEvent,
  type OperationEvent,
  openEvent,
  type RecordingEventBody,
  type RecordingHead,
  sealChunks,
  sealRecording,
  unsealRecording,
  verifyChain,
} from './index.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const webSha256 = async (bytes: Uint8Array): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));

/** AES-256-GCM: nonce, ciphertext, tag; the session and the event's place are authenticated. */
function sessionCipher(key: Uint8Array, sessionId: string) {
  const aad = (seq: number): Uint8Array => new TextEncoder().encode(`${sessionId}:${seq}`);
  return {
    seal(plaintext: Uint8Array, seq: number): Uint8Array {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad(seq));
      return new Uint8Array(Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
    },
    open(sealed: Uint8Array, seq: number): Uint8Array {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(aad(seq));
      decipher.setAuthTag(sealed.subarray(-16));
      return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]));
    },
  };
}

const key = randomBytes(32);
const cipher = sessionCipher(key, 'ses_1');
const CANARY = 'CANARY-4f1d';

const EVENTS: readonly NewRecordingEvent[] = [
  {
    kind: 'session-start',
    at: 1,
    sessionId: 'ses_1',
    grantId: 'grt_1',
    task: { name: 'sales-report', revision: 3 },
    policies: [],
    identity: { id: 'usr_1', label: 'e@demo.test' },
    resource: { id: 'res_1', name: 'demo-shop' },
    client: { address: '127.0.0.1', application: 'psql' },
    protocol: 'postgres',
    gateway: 'gw-1',
  },
  {
    kind: 'operation',
    at: 2,
    decisionId: 'dec_1',
    statementClass: 'select',
    label: 'SELECT',
    relations: [{ verb: 'select', schema: 'public', name: 'orders', columns: ['id'] }],
    decision: { outcome: 'allow', reasons: [] },
    catalogVersion: 'c',
    fingerprint: 'f',
    via: 'simple',
    secret: { statement: `select '${CANARY}'`, parameters: [CANARY, null] },
  },
  { kind: 'rows', at: 3, decisionId: 'dec_1', count: 1, secret: { rows: [[CANARY, null]] } },
  {
    kind: 'outcome',
    at: 4,
    decisionId: 'dec_1',
    outcome: 'done',
    tag: 'SELECT 1',
    rows: 1,
    bytes: 20,
    maskedCells: 0,
    durationMs: 2,
    sqlstate: null,
    secret: { message: null },
  },
  { kind: 'session-end', at: 5, reason: 'client-closed', detail: null, bytesIn: 1, bytesOut: 2 },
];

function record(events: readonly NewRecordingEvent[]): {
  frames: Uint8Array[];
  bytes: Uint8Array;
  head: RecordingHead;
} {
  const writer = createRecordingWriter({
    header: { sessionId: 'ses_1', createdAt: 1_795_000_000_123, wrappedKey: Uint8Array.of(9, 8, 7) },
    sha256,
    seal: cipher.seal,
  });
  const frames = [writer.headerBytes, ...events.map((event) => writer.append(event))];
  return { frames, bytes: new Uint8Array(Buffer.concat(frames)), head: writer.head };
}

/** Index of the frame that byte `offset` lies in; the header counts to the first. */
function eventAt(frames: readonly Uint8Array[], offset: number): number {
  let end = 0;
  for (const [index, frame] of frames.entries()) {
    end += frame.length;
    if (offset < end) return Math.max(0, index - 1);
  }
  return frames.length;
}

const brokenAt = (verdict: ChainVerdict): number | null => (verdict.ok ? null : verdict.at);

describe('a recording', () => {
  test('gives back its header, its events in order and, with the key, what was sealed', async () => {
    const { bytes } = record(EVENTS);
    const { header, events: read, tail } = decodeRecording(bytes);
    expect(header).toEqual({ sessionId: 'ses_1', createdAt: 1_795_000_000_123, wrappedKey: Uint8Array.of(9, 8, 7) });
    expect(tail).toBe('clean');
    const events = await Promise.all(read.map((event) => openEvent(event, cipher.open)));
    expect(events).toEqual(EVENTS.map((event, seq) => ({ ...event, seq })));
  });

  test('shows no statement, parameter, row or error without the key', () => {
    const { bytes } = record(EVENTS);
    expect(Buffer.from(bytes).includes(CANARY)).toBe(false);
    for (const { event } of decodeRecording(bytes).events) expect('secret' in event).toBe(false);
  });

  test('a sealed part does not open under another key or in another place', async () => {
    const event = decodeRecording(record(EVENTS).bytes).events[1]!;
    const other = sessionCipher(randomBytes(32), 'ses_1');
    await expect(openEvent(event, other.open)).rejects.toMatchObject({ code: 'bad-input' });
    await expect(openEvent(event, (sealed) => cipher.open(sealed, 2))).rejects.toMatchObject({ code: 'bad-input' });
  });

  test('a clear part that brings its own secret is refused, it was never sealed', () => {
    const { bytes } = record([EVENTS[4]!]);
    const text = Buffer.from(bytes).toString('latin1').replace('"detail":null', '"secret":null');
    expect(() => decodeRecording(new Uint8Array(Buffer.from(text, 'latin1')))).toThrow(/clear part/);
  });

  test('cut at any byte it keeps every whole frame and says where to cut', () => {
    const { frames, bytes } = record(EVENTS);
    const ends = frames.map((_, index) => frames.slice(0, index + 1).reduce((sum, frame) => sum + frame.length, 0));
    for (let cut = 0; cut <= bytes.length; cut++) {
      if (cut < ends[0]!) {
        expect(() => decodeRecording(bytes.subarray(0, cut))).toThrow('ends within its header');
        continue;
      }
      const whole = ends.filter((end) => end <= cut);
      const decoded = decodeRecording(bytes.subarray(0, cut));
      expect(decoded.events.length).toBe(whole.length - 1);
      expect(decoded.wholeBytes).toBe(whole.at(-1));
      expect(decoded.tail).toBe(whole.at(-1) === cut ? 'clean' : 'torn');
    }
  });

  test('in chunks of any size it reads as it does at once, with true offsets', () => {
    const { bytes } = record(EVENTS);
    const whole = decodeRecording(bytes).events;
    for (const size of [1, 2, 3, 7, 64, 300, 10_000]) {
      const reader = createRecordingReader();
      const events = [];
      for (let at = 0; at < bytes.length; at += size) events.push(...reader.push(bytes.subarray(at, at + size)));
      expect(events).toEqual(whole);
      for (const { frame } of events)
        expect(Buffer.from(bytes.subarray(frame.offset, frame.offset + frame.bytes.length))).toEqual(
          Buffer.from(frame.bytes),
        );
      expect(reader.end().tail).toBe('clean');
    }
  });

  test('zeroes that a crash of the machine left at the end are a torn tail', () => {
    const { bytes } = record(EVENTS);
    const decoded = decodeRecording(new Uint8Array(Buffer.concat([bytes, new Uint8Array(100)])));
    expect(decoded).toMatchObject({ tail: 'torn', wholeBytes: bytes.length });
    expect(decoded.events).toHaveLength(EVENTS.length);
  });

  test('a length over the limit is refused before anything is buffered for it', () => {
    const { frames } = record([]);
    const reader = createRecordingReader();
    reader.push(frames[0]!);
    expect(() => reader.push(Uint8Array.of(0x7f, 0xff, 0xff, 0xff))).toThrow('no possible length');
  });

  test('keeps several events in one frame, each in its place', async () => {
    const writer = createRecordingWriter({
      header: { sessionId: 'ses_1', createdAt: 1, wrappedKey: Uint8Array.of(1) },
      sha256,
      seal: cipher.seal,
    });
    const frames: Uint8Array[] = [writer.headerBytes];
    for (const events of [EVENTS.slice(0, 3), EVENTS.slice(3)]) {
      for (const { at, ...event } of events) writer.add(event as RecordingEventBody, at);
      frames.push(writer.frame()!);
    }
    expect(writer.frame()).toBeNull();
    const bytes = new Uint8Array(Buffer.concat(frames));
    const { events, head } = decodeRecording(bytes);
    expect(await Promise.all(events.map((event) => openEvent(event, cipher.open)))).toEqual(
      EVENTS.map((event, seq) => ({ ...event, seq })),
    );
    expect(head).toEqual(writer.head);
    expect(await verifyChain(bytes, { sha256, expectedHead: head })).toMatchObject({ ok: true, count: EVENTS.length });
    const cut = await verifyChain(bytes.subarray(0, bytes.length - 1), { sha256 });
    expect(cut).toMatchObject({ ok: false, at: 3, reason: 'truncated' });
  });

  test('says what a statement is once; each operation of it is read as a whole', async () => {
    const { kind: _, decisionId: __, via, secret, ...said } = EVENTS[1] as OperationEvent & { at: number };
    const statement: NewRecordingEvent = { kind: 'statement', id: 7, ...said, secret: { statement: secret.statement } };
    const operations = ['dec_1', 'dec_2'].map(
      (decisionId): NewRecordingEvent => ({
        kind: 'operation',
        at: 3,
        decisionId,
        statementId: 7,
        via,
        secret: { parameters: [decisionId] },
      }),
    );
    const { bytes } = record([EVENTS[0]!, statement, ...operations]);
    expect(Buffer.from(bytes).includes(CANARY)).toBe(false);
    const opened = await Promise.all(decodeRecording(bytes).events.map((event) => openEvent(event, cipher.open)));
    expect(opened.slice(2)).toEqual(
      ['dec_1', 'dec_2'].map((decisionId, index) => ({
        ...said,
        id: 7,
        kind: 'operation',
        seq: index + 2,
        at: 3,
        decisionId,
        via,
        secret: { statement: secret.statement, parameters: [decisionId] },
      })),
    );
    const { bytes: orphaned } = record([EVENTS[0]!, operations[0]!]);
    expect(() => decodeRecording(orphaned)).toThrow('statement 7, which is not there');
  });

  test('of format 1 is read and verified', async () => {
    const hex = readFileSync(new URL('./fixtures/format-1.hex', import.meta.url), 'utf8').replaceAll(/\s/g, '');
    const bytes = new Uint8Array(Buffer.from(hex, 'hex'));
    const oldCipher = sessionCipher(new Uint8Array(32).fill(7), 'ses_1');
    const open = (sealed: Uint8Array, seq: number): Uint8Array => {
      const nonce = Buffer.alloc(12);
      nonce.writeBigUInt64BE(BigInt(seq), 4);
      return oldCipher.open(new Uint8Array(Buffer.concat([nonce, sealed])), seq);
    };
    const { events, head } = decodeRecording(bytes);
    const opened = await Promise.all(events.map((event) => openEvent(event, open)));
    expect(opened.map(({ kind }) => kind)).toEqual(['session-start', 'operation', 'rows', 'outcome', 'session-end']);
    expect(opened[1]).toMatchObject({
      statementClass: 'select',
      secret: { statement: 'select id from orders where id = $1', parameters: ['17'] },
    });
    expect(await verifyChain(bytes, { sha256, expectedHead: head })).toMatchObject({ ok: true, count: 5 });
  });

  test('goes on after a crash where its last whole frame ended', async () => {
    const { frames, bytes } = record(EVENTS.slice(0, 4));
    const torn = bytes.subarray(0, bytes.length - 5);
    const decoded = decodeRecording(torn);
    const writer = createRecordingWriter({
      header: decoded.header,
      sha256,
      seal: cipher.seal,
      resumeAt: decoded.head,
    });
    expect(writer.headerBytes).toEqual(frames[0]);
    const last = writer.append({
      kind: 'session-end',
      at: 9,
      reason: 'gateway-crashed',
      detail: null,
      bytesIn: 0,
      bytesOut: 0,
    });
    const repaired = new Uint8Array(Buffer.concat([torn.subarray(0, decoded.wholeBytes), last]));
    expect(await verifyChain(repaired, { sha256, expectedHead: writer.head })).toMatchObject({ ok: true, count: 4 });
  });
});

describe('the chain of a recording', () => {
  test('verifies with WebCrypto as it was written, against the head that was committed to', async () => {
    const { bytes, head } = record(EVENTS);
    const verdict = await verifyChain(bytes, { sha256: webSha256, expectedHead: head });
    expect(verdict).toEqual({ ok: true, count: EVENTS.length, head: head.hash });
  });

  test('a flipped byte, any one of them, is found and the first bad event is named', async () => {
    const { frames, bytes } = record(EVENTS);
    for (let offset = 0; offset < bytes.length; offset++) {
      for (const flip of [0x01, 0x80]) {
        const changed = bytes.slice();
        changed[offset]! ^= flip;
        const verdict = await verifyChain(changed, { sha256 });
        expect(brokenAt(verdict), `byte ${offset}`).toBe(eventAt(frames, offset));
      }
    }
  });

  test('a dropped event is named', async () => {
    const { frames } = record(EVENTS);
    for (let dropped = 1; dropped < frames.length - 1; dropped++) {
      const bytes = new Uint8Array(Buffer.concat(frames.filter((_, index) => index !== dropped)));
      expect(await verifyChain(bytes, { sha256 })).toMatchObject({ ok: false, at: dropped - 1, reason: 'order' });
    }
  });

  test('two swapped events, a repeated one and one of another session are named', async () => {
    const { frames } = record(EVENTS);
    const [header, a, b, c] = frames as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const swapped = new Uint8Array(Buffer.concat([header, a, c, b]));
    expect(await verifyChain(swapped, { sha256 })).toMatchObject({ ok: false, at: 1, reason: 'order' });
    const repeated = new Uint8Array(Buffer.concat([header, a, a]));
    expect(await verifyChain(repeated, { sha256 })).toMatchObject({ ok: false, at: 1, reason: 'order' });
    const foreign = record([{ ...EVENTS[0]!, at: 77 }, EVENTS[1]!]).frames[2]!;
    const mixed = new Uint8Array(Buffer.concat([header, a, foreign, c]));
    expect(await verifyChain(mixed, { sha256 })).toMatchObject({ ok: false, at: 1, reason: 'hash' });
  });

  test('a tail cut within an event is named, and one cut between events where the head is known', async () => {
    const { frames, bytes, head } = record(EVENTS);
    for (let left = 1; left < frames.length; left++) {
      const cut = new Uint8Array(Buffer.concat(frames.slice(0, left)));
      expect(await verifyChain(cut, { sha256 })).toMatchObject({ ok: true, count: left - 1 });
      expect(await verifyChain(cut, { sha256, expectedHead: head })).toMatchObject({
        ok: false,
        at: left - 1,
        reason: 'truncated',
      });
    }
    const within = bytes.subarray(0, bytes.length - 1);
    expect(await verifyChain(within, { sha256 })).toMatchObject({ ok: false, at: 4, reason: 'truncated' });
  });

  test('a recording that was chained anew, or goes on behind the head, is not the one committed to', async () => {
    const { head, bytes } = record(EVENTS);
    const forged = record([...EVENTS.slice(0, 4), { ...EVENTS[4]!, at: 6 }]);
    expect(await verifyChain(forged.bytes, { sha256 })).toMatchObject({ ok: true });
    expect(await verifyChain(forged.bytes, { sha256, expectedHead: head })).toMatchObject({
      ok: false,
      reason: 'head',
    });
    const { head: earlier } = record(EVENTS.slice(0, 4));
    expect(await verifyChain(bytes, { sha256, expectedHead: earlier })).toMatchObject({
      ok: false,
      at: 4,
      reason: 'head',
    });
  });

  test('holds over more events than one batch', async () => {
    const many = Array.from({ length: 1500 }, (_, at): NewRecordingEvent => ({ ...EVENTS[4]!, at }));
    const { frames, bytes, head } = record(many);
    expect(await verifyChain(bytes, { sha256: webSha256, expectedHead: head })).toMatchObject({
      ok: true,
      count: 1500,
    });
    const dropped = new Uint8Array(Buffer.concat(frames.filter((_, index) => index !== 1024)));
    expect(await verifyChain(dropped, { sha256 })).toMatchObject({ ok: false, at: 1023 });
  });
});

describe('a sealed recording', () => {
  const compress = (bytes: Uint8Array): Uint8Array => new Uint8Array(gzipSync(bytes));
  const decompress = (bytes: Uint8Array, plainLength: number): Uint8Array =>
    new Uint8Array(gunzipSync(bytes, { maxOutputLength: plainLength }));

  test('gives back the exact plain bytes, of none, some and many blocks of events', async () => {
    const large: NewRecordingEvent = {
      kind: 'copy-data',
      at: 1,
      decisionId: 'd',
      direction: 'out',
      lines: 1,
      secret: { text: 'x'.repeat(700_000) },
    };
    for (const events of [[], EVENTS, [large, large, ...EVENTS, large]]) {
      const { bytes } = record(events);
      const sealed = await sealRecording(bytes, { compress });
      expect(isSealedRecording(sealed)).toBe(true);
      expect(isSealedRecording(bytes)).toBe(false);
      const plain = await unsealRecording(sealed, { decompress, maxBytes: bytes.length });
      expect(Buffer.from(plain).equals(bytes)).toBe(true);
    }
  });

  test('is the same for a recording that comes in pieces, cut anywhere', async () => {
    const { bytes } = record(EVENTS);
    const whole = Buffer.from(await sealRecording(bytes, { compress }));
    const inPieces = async (pieces: Iterable<Uint8Array>): Promise<Buffer> => {
      const parts: Uint8Array[] = [];
      for await (const part of sealChunks(pieces, { compress })) parts.push(part.slice());
      return Buffer.concat(parts);
    };
    for (let cut = 0; cut <= bytes.length; cut++)
      expect((await inPieces([bytes.subarray(0, cut), bytes.subarray(cut)])).equals(whole), `cut at ${cut}`).toBe(true);
    const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
    expect((await inPieces(single)).equals(whole)).toBe(true);
    await expect(inPieces(single.slice(0, -1))).rejects.toMatchObject({ code: 'bad-input' });
  });

  test('does not unseal to more than is let in', async () => {
    const { bytes } = record(EVENTS);
    const sealed = await sealRecording(bytes, { compress });
    await expect(unsealRecording(sealed, { decompress, maxBytes: bytes.length - 1 })).rejects.toMatchObject({
      code: 'too-large',
    });
  });

  test('cut anywhere, or with more behind it, does not unseal', async () => {
    const sealed = await sealRecording(record(EVENTS).bytes, { compress });
    for (let cut = 0; cut < sealed.length; cut++)
      await expect(unsealRecording(sealed.subarray(0, cut), { decompress, maxBytes: 1e6 })).rejects.toThrow();
    const longer = new Uint8Array([...sealed, 0]);
    await expect(unsealRecording(longer, { decompress, maxBytes: 1e6 })).rejects.toThrow('goes on after its end');
  });

  test('a torn recording is not sealed, and a sealed one is not read as a plain one', async () => {
    const { bytes } = record(EVENTS);
    await expect(sealRecording(bytes.subarray(0, -1), { compress })).rejects.toThrow('torn tail');
    const sealed = await sealRecording(bytes, { compress });
    expect(() => decodeRecording(sealed)).toThrow('unseal it first');
  });
});
