import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRecordingWriter, decodeRecording, type NewRecordingEvent, openEvent } from './index.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());

/** Any UTF-16, lone surrogates included: what a client sends need not be text. */
const text = fc.string({ unit: 'binary', maxLength: 40 });
const value = fc.option(text);
const count = fc.nat();
const decisionId = text;
const at = fc.nat(4_000_000_000_000);

const event: fc.Arbitrary<NewRecordingEvent> = fc.oneof(
  fc.record({
    kind: fc.constant('operation' as const),
    at,
    decisionId,
    statementClass: fc.constantFrom('select' as const, 'other' as const),
    label: text,
    relations: fc.array(
      fc.record({ verb: fc.constant('select' as const), schema: text, name: text, columns: fc.array(text) }),
    ),
    decision: fc.record({
      outcome: fc.constantFrom('allow' as const, 'deny' as const, 'hold' as const),
      reasons: fc.constant([]),
    }),
    catalogVersion: text,
    fingerprint: text,
    via: fc.constantFrom('simple' as const, 'extended' as const, 'console' as const),
    secret: fc.record({ statement: text, parameters: fc.array(value) }),
  }),
  fc.record({
    kind: fc.constant('outcome' as const),
    at,
    decisionId: fc.oneof(text, fc.constant('dec_1')),
    outcome: fc.constantFrom('done' as const, 'error' as const),
    tag: fc.option(fc.oneof(text, fc.constant('SELECT 1'))),
    rows: count,
    bytes: count,
    maskedCells: count,
    durationMs: fc.nat().map((micros) => micros / 1000),
    sqlstate: fc.option(fc.constant('42501')),
    secret: fc.record({ message: value }),
  }),
  fc.record({
    kind: fc.constant('rows' as const),
    at,
    decisionId,
    count,
    secret: fc.record({ rows: fc.array(fc.array(value)) }),
  }),
  fc.record({
    kind: fc.constant('hold-closed' as const),
    at,
    decisionId,
    holdId: text,
    outcome: fc.constantFrom('approved' as const, 'timed-out' as const),
    by: fc.array(text),
    comment: value,
  }),
  fc.record({
    kind: fc.constant('copy-data' as const),
    at,
    decisionId,
    direction: fc.constantFrom('in' as const, 'out' as const),
    lines: count,
    secret: fc.record({ text }),
  }),
  fc.record({
    kind: fc.constant('session-end' as const),
    at,
    reason: fc.constantFrom('idle' as const, 'limit' as const),
    detail: value,
    bytesIn: count,
    bytesOut: count,
  }),
);

test('whatever events are written are read back as they were', async () => {
  const mirror = (bytes: Uint8Array): Uint8Array => bytes.slice().reverse();
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 8 }), async (events) => {
      const writer = createRecordingWriter({
        header: { sessionId: 'ses_1', createdAt: 0, wrappedKey: new Uint8Array(0) },
        sha256,
        seal: mirror,
      });
      const bytes = new Uint8Array(Buffer.concat([writer.headerBytes, ...events.map((each) => writer.append(each))]));
      const { events: decoded } = decodeRecording(bytes);
      const read = await Promise.all(decoded.map((each) => openEvent(each, mirror)));
      expect(read).toEqual(events.map((each, seq) => ({ ...each, seq })));
    }),
    { numRuns: 200 },
  );
});
