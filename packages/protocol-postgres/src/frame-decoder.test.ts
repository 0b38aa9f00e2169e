import { describe, expect, it } from 'vitest';
import { readFixtures } from '../scripts/read-fixture.ts';
import { createFrameDecoder, type Frame } from './frame-decoder.ts';
import { maxBackendBytes, maxFrontendBytes, PROTOCOL_LIMITS } from './limits.ts';
import { FRONTEND_TAG, isBackendTag, isFrontendTag } from './message-tags.ts';
import { ProtocolError } from './protocol-error.ts';

const frontend = () => createFrameDecoder({ maxBytes: maxFrontendBytes, knows: isFrontendTag });
const backend = () => createFrameDecoder({ maxBytes: maxBackendBytes, knows: isBackendTag });
const streams = readFixtures().flatMap((fixture) => [
  { name: `${fixture.name}, client`, bytes: fixture.client, decoder: frontend },
  { name: `${fixture.name}, server`, bytes: fixture.server, decoder: backend },
]);

const hexOf = (frames: readonly Frame[]) => frames.map((frame) => Buffer.from(frame.raw).toString('hex')).join(' ');

function message(tag: number, bodyBytes: number, declared = bodyBytes + 4): Buffer {
  const raw = Buffer.alloc(5 + bodyBytes, 0x61);
  raw[0] = tag;
  raw.writeInt32BE(declared | 0, 1);
  return raw;
}

describe.each(streams)('$name', ({ bytes, decoder }) => {
  const whole = decoder().push(bytes);

  it('comes out as the bytes that went in', () => {
    expect(Buffer.concat(whole.map((frame) => frame.raw)).equals(bytes)).toBe(true);
    expect(whole.every((frame) => frame.tag === frame.raw[0])).toBe(true);
  });

  it('gives the same messages when it is cut at any byte', () => {
    const expected = hexOf(whole);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const decode = decoder();
      const frames = [...decode.push(bytes.subarray(0, cut)), ...decode.push(bytes.subarray(cut))];
      if (hexOf(frames) !== expected || decode.bufferedBytes !== 0) expect.fail(`differs when cut at ${cut}`);
    }
  });

  it('gives the same messages byte by byte', () => {
    const decode = decoder();
    const frames = Array.from(bytes, (byte) => decode.push(Uint8Array.of(byte))).flat();
    expect(hexOf(frames)).toBe(hexOf(whole));
  });
});

describe('a frame decoder', () => {
  it('does not copy what lies whole in a chunk, and copies what straddles', () => {
    const sync = message(FRONTEND_TAG.sync, 0);
    const query = message(FRONTEND_TAG.query, 10);
    const decoder = frontend();
    const first = Buffer.concat([sync, query.subarray(0, 7)]);
    const [frame] = decoder.push(first);
    expect(frame!.raw.buffer).toBe(first.buffer);
    expect(decoder.bufferedBytes).toBe(7);
    // Whoever owns the chunk may use its memory again.
    first.fill(0);
    expect(Buffer.from(decoder.push(query.subarray(7))[0]!.raw).equals(query)).toBe(true);
    expect(decoder.bufferedBytes).toBe(0);
  });

  it('keeps apart straddling messages of five bytes', () => {
    const decoder = frontend();
    const bytes = Buffer.concat([message(FRONTEND_TAG.sync, 0), message(FRONTEND_TAG.flush, 0)]);
    const frames = Array.from(bytes, (byte) => decoder.push(Uint8Array.of(byte))).flat();
    expect(hexOf(frames)).toBe('5300000004 4800000004');
  });

  it('puts together a large message from chunks of any size', () => {
    const large = message(FRONTEND_TAG.copyData, 500_000);
    for (let i = 5; i < large.length; i++) large[i] = i % 251;
    for (const size of [1, 1000, 65_536, 499_999]) {
      const decoder = frontend();
      const frames: Frame[] = [];
      for (let at = 0; at < large.length; at += size) frames.push(...decoder.push(large.subarray(at, at + size)));
      expect(frames.length).toBe(1);
      expect(Buffer.from(frames[0]!.raw).equals(large)).toBe(true);
    }
  });

  it.each([0, 3, -1, -2147483648])('refuses the length %i', (length) => {
    const bytes = message(FRONTEND_TAG.query, 100, length);
    expect(() => frontend().push(bytes)).toThrow(ProtocolError);
    expect(() => frontend().push(bytes.subarray(0, 5))).toThrow('impossible length');
  });

  it('refuses what is too long as soon as the header is there', () => {
    const most = PROTOCOL_LIMITS.maxStatementBytes;
    const header = (declared: number) => message(FRONTEND_TAG.query, 0, declared);
    expect(frontend().push(header(most - 1))).toEqual([]);
    expect(() => frontend().push(header(most))).toThrow(`more than the ${most} allowed`);
    const bytewise = frontend();
    for (const byte of header(most).subarray(0, 4)) bytewise.push(Uint8Array.of(byte));
    expect(() => bytewise.push(header(most).subarray(4))).toThrow(ProtocolError);
  });

  it('refuses an unknown type at its first byte, and everything after it', () => {
    const decoder = frontend();
    expect(() => decoder.push(Uint8Array.of(0x7a))).toThrow('unknown message type `z`');
    expect(() => decoder.push(message(FRONTEND_TAG.sync, 0))).toThrow('unknown message type `z`');
    expect(decoder.bufferedBytes).toBe(0);
    expect(() => frontend().push(Buffer.of(0x53, 0, 0, 0, 4, 0))).toThrow('unknown message type 0x00');
  });

  it('takes nothing for nothing', () => {
    const decoder = frontend();
    expect(decoder.push(new Uint8Array())).toEqual([]);
    decoder.push(Uint8Array.of(0x53));
    expect(decoder.push(new Uint8Array())).toEqual([]);
    expect(decoder.bufferedBytes).toBe(1);
  });
});
