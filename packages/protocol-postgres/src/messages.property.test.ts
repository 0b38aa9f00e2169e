import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type BackendMessage, decodeBackendMessage, encodeBackendMessage } from './backend-messages.ts';
import { ByteSink } from './byte-sink.ts';
import { dataRowValue, decodeDataRow, encodeDataRow, rewriteDataRow } from './data-row.ts';
import { createFrameDecoder, type Frame } from './frame-decoder.ts';
import { decodeFrontendMessage, encodeFrontendMessage, type FrontendMessage } from './frontend-messages.ts';
import { maxBackendBytes, maxFrontendBytes } from './limits.ts';
import { BACKEND_TAG, FRONTEND_TAG, isBackendTag, isFrontendTag } from './message-tags.ts';
import { ProtocolError } from './protocol-error.ts';
import { decodeStartupPacket, encodeStartup } from './startup.ts';

const text = fc.string({ unit: 'binary', maxLength: 20 }).map((value) => value.replaceAll('\0', ' '));
const name = text.filter((value) => value !== '');
const bytes = fc.uint8Array({ maxLength: 20 });
const values = fc.array(fc.option(bytes), { maxLength: 6 });
const int32 = fc.integer({ min: -2147483648, max: 2147483647 });
const int16 = fc.integer({ min: -32768, max: 32767 });
const oid = fc.nat(0xffffffff);
const format = fc.constantFrom<0 | 1>(0, 1);
const formats = fc.array(format, { maxLength: 4 });
const target = fc.constantFrom<'statement' | 'portal'>('statement', 'portal');
const is = <K extends string>(kind: K) => fc.constant(kind);

/** No formats, one for all, or one a value. */
const formattedValues = values.chain((list) =>
  fc.tuple(
    fc.oneof(fc.constant([]), fc.tuple(format), fc.array(format, { minLength: list.length, maxLength: list.length })),
    fc.constant(list),
  ),
);

const frontendMessage: fc.Arbitrary<FrontendMessage> = fc.oneof(
  fc.record({ kind: is('query'), text }),
  fc.record({ kind: is('parse'), statement: text, text, parameterTypes: fc.array(oid, { maxLength: 4 }) }),
  fc
    .tuple(text, text, formattedValues, formats)
    .map(([portal, statement, [parameterFormats, parameters], resultFormats]) => ({
      kind: 'bind' as const,
      portal,
      statement,
      parameterFormats,
      parameters,
      resultFormats,
    })),
  fc.record({ kind: is('describe'), target, name: text }),
  fc.record({ kind: is('close'), target, name: text }),
  fc.record({ kind: is('execute'), portal: text, maxRows: int32 }),
  fc.record({ kind: is('copy-data'), data: bytes }),
  fc.record({ kind: is('copy-fail'), message: text }),
  fc.record({ kind: is('authentication'), data: bytes }),
  fc.record({ kind: fc.constantFrom('sync' as const, 'flush' as const, 'copy-done' as const, 'terminate' as const) }),
  fc.tuple(oid, formattedValues, format).map(([functionOid, [argumentFormats, list], resultFormat]) => ({
    kind: 'function-call' as const,
    functionOid,
    argumentFormats,
    arguments: list,
    resultFormat,
  })),
) as fc.Arbitrary<FrontendMessage>;

const errorFields = fc
  .array(fc.tuple(fc.constantFrom(...'SVCMDHPpqWstcdnFLR'), text), { maxLength: 6 })
  .map((entries) => new Map(entries));
const field = fc.record({
  name: text,
  tableOid: oid,
  attnum: int16,
  typeOid: oid,
  typeSize: int16,
  typeModifier: int32,
  format,
});

const backendMessage: fc.Arbitrary<BackendMessage> = fc.oneof(
  fc.record({
    kind: is('authentication'),
    request: fc.oneof(
      fc.record({ kind: fc.constantFrom('ok', 'kerberos-v5', 'cleartext', 'gss', 'sspi') }),
      fc.record({ kind: is('md5'), salt: fc.uint8Array({ minLength: 4, maxLength: 4 }) }),
      fc.record({ kind: fc.constantFrom('gss-continue', 'sasl-continue', 'sasl-final'), data: bytes }),
      fc.record({ kind: is('sasl'), mechanisms: fc.array(name, { maxLength: 3 }) }),
    ),
  }),
  fc.record({
    kind: is('backend-key'),
    processId: int32,
    secret: fc.uint8Array({ minLength: 4, maxLength: 256 }),
  }),
  fc.record({ kind: is('parameter-status'), name: text, value: text }),
  fc.record({ kind: is('ready'), status: fc.constantFrom('idle', 'transaction', 'failed') }),
  fc.record({ kind: is('row-description'), fields: fc.array(field, { maxLength: 4 }) }),
  fc.record({ kind: is('parameter-description'), typeOids: fc.array(oid, { maxLength: 4 }) }),
  fc.record({ kind: is('data-row'), values }),
  fc.record({ kind: is('command-complete'), tag: text }),
  fc.record({ kind: fc.constantFrom('error', 'notice'), fields: errorFields }),
  fc.record({ kind: fc.constantFrom('copy-in', 'copy-out', 'copy-both'), format, columnFormats: formats }),
  fc.record({ kind: is('copy-data'), data: bytes }),
  fc.record({ kind: is('notification'), processId: int32, channel: text, payload: text }),
  fc.record({ kind: is('negotiate-version'), minor: fc.nat(0xffff), unsupported: fc.array(text, { maxLength: 3 }) }),
  fc.record({ kind: is('function-result'), value: fc.option(bytes) }),
  fc.record({
    kind: fc.constantFrom(
      'parse-complete',
      'bind-complete',
      'close-complete',
      'no-data',
      'portal-suspended',
      'empty-query',
      'copy-done',
    ),
  }),
) as fc.Arbitrary<BackendMessage>;

function throwsOnlyProtocolErrors(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}

function frameOf(tag: number, body: Uint8Array): Frame {
  const raw = Buffer.concat([Buffer.of(tag, 0, 0, 0, 0), body]);
  raw.writeInt32BE(raw.length - 1, 1);
  return { tag, raw };
}

it('every message of a client comes back from its bytes', () => {
  fc.assert(
    fc.property(frontendMessage, (message) => {
      const raw = encodeFrontendMessage(message);
      const frames = createFrameDecoder({ maxBytes: maxFrontendBytes, knows: isFrontendTag }).push(raw);
      expect(frames.map(decodeFrontendMessage)).toEqual([message]);
    }),
  );
});

it('every message of a server comes back from its bytes', () => {
  fc.assert(
    fc.property(backendMessage, (message) => {
      const raw = encodeBackendMessage(message);
      const frames = createFrameDecoder({ maxBytes: maxBackendBytes, knows: isBackendTag }).push(raw);
      expect(frames.map(decodeBackendMessage)).toEqual([message]);
    }),
  );
});

it('a changed byte in a message makes another message or a protocol error, nothing else', () => {
  fc.assert(
    fc.property(frontendMessage, backendMessage, fc.nat(), fc.nat(255), (client, server, at, byte) => {
      const change = (raw: Uint8Array): Frame => {
        const body = raw.slice(5);
        if (body.length > 0) body[at % body.length] = byte;
        return frameOf(raw[0]!, body);
      };
      throwsOnlyProtocolErrors(() => decodeFrontendMessage(change(encodeFrontendMessage(client))));
      throwsOnlyProtocolErrors(() => decodeBackendMessage(change(encodeBackendMessage(server))));
    }),
  );
});

it('whatever decodes encodes to the very bytes that came in', () => {
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    // Mostly small numbers, so that counts and lengths are often true.
    fc.array(fc.constantFrom(0, 0, 0, 1, 2, 4, 65, 83, 255), { maxLength: 40 }).map((list) => Uint8Array.from(list)),
  );
  fc.assert(
    fc.property(fc.constantFrom(...Object.values(FRONTEND_TAG)), body, (tag, content) => {
      const frame = frameOf(tag, content);
      throwsOnlyProtocolErrors(() => {
        const again = encodeFrontendMessage(decodeFrontendMessage(frame));
        expect(Buffer.from(again).equals(frame.raw)).toBe(true);
      });
    }),
    { numRuns: 2000 },
  );
  const lossy: readonly number[] = [BACKEND_TAG.error, BACKEND_TAG.notice];
  fc.assert(
    fc.property(fc.constantFrom(...Object.values(BACKEND_TAG)), body, (tag, content) => {
      const frame = frameOf(tag, content);
      throwsOnlyProtocolErrors(() => {
        const again = encodeBackendMessage(decodeBackendMessage(frame));
        if (!lossy.includes(tag)) expect(Buffer.from(again).equals(frame.raw)).toBe(true);
      });
    }),
    { numRuns: 2000 },
  );
});

it('random bytes throw nothing but protocol errors', () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 5 });
  fc.assert(
    fc.property(chunks, (list) => {
      throwsOnlyProtocolErrors(() => decodeStartupPacket(Buffer.concat(list)));
      const decoder = createFrameDecoder({ maxBytes: maxBackendBytes, knows: () => true });
      throwsOnlyProtocolErrors(() => {
        for (const chunk of list) for (const frame of decoder.push(chunk)) decodeBackendMessage(frame);
      });
    }),
    { numRuns: 500 },
  );
});

it('startup parameters come back from their bytes', () => {
  const parameters = fc.array(fc.tuple(name, text), { maxLength: 5 }).map((entries) => new Map(entries));
  fc.assert(
    fc.property(parameters, fc.nat(0xffff), (map, minor) => {
      const raw = encodeStartup(map, minor);
      expect(decodeStartupPacket(raw)).toEqual({
        kind: 'startup',
        major: 3,
        minor,
        parameters: map,
        bytes: raw.length,
      });
    }),
  );
});

it('a rewritten data row is the row encoded anew', () => {
  const replacement = fc.array(fc.oneof(fc.constant(undefined), fc.constant(null), bytes), {
    minLength: 6,
    maxLength: 6,
  });
  fc.assert(
    fc.property(values, replacement, (row, others) => {
      const raw = encodeDataRow(row);
      const sink = new ByteSink(8);
      rewriteDataRow(raw, 0, sink, new Uint8Array(row.length).fill(1), (column) => others[column]);
      const masked = sink.bytes.slice(0, sink.length);
      const expected = row.map((value, i) => (value === null || others[i] === undefined ? value : others[i]!));
      expect(Buffer.from(masked).equals(encodeDataRow(expected))).toBe(true);
      const decoded = decodeDataRow(raw);
      expect(row.map((_, i) => dataRowValue(decoded, i))).toEqual(row);
    }),
  );
});
