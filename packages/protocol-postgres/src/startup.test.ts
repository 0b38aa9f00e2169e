import { describe, expect, it } from 'vitest';
import { readFixture } from '../scripts/read-fixture.ts';
import { ProtocolError } from './protocol-error.ts';
import {
  checkStartupParameters,
  decodeStartupPacket,
  detectFirstBytes,
  encodeCancelRequest,
  encodeGssencRequest,
  encodeNegotiateProtocolVersion,
  encodeSslRequest,
  encodeStartup,
} from './startup.ts';

const packet = (code: number, rest: string, length?: number): Buffer => {
  const raw = Buffer.concat([Buffer.alloc(8), Buffer.from(rest, 'latin1')]);
  raw.writeInt32BE(length ?? raw.length, 0);
  raw.writeInt32BE(code, 4);
  return raw;
};
const V3 = 3 << 16;
const check = (parameters: Record<string, string>) => checkStartupParameters(new Map(Object.entries(parameters)));

describe('the first packet', () => {
  it('is read from psql, whatever comes behind it', () => {
    const { startupBytes } = readFixture('psql-simple');
    const ssl = decodeStartupPacket(startupBytes);
    expect(ssl).toEqual({ kind: 'ssl-request', bytes: 8 });
    const startup = decodeStartupPacket(Buffer.concat([startupBytes.subarray(8), Buffer.from('behind')]));
    expect(startup).toMatchObject({ kind: 'startup', major: 3, minor: 0, bytes: startupBytes.length - 8 });
    if (startup.kind !== 'startup') return;
    expect(Object.fromEntries(startup.parameters)).toEqual({
      user: 'postgres',
      database: 'postgres',
      application_name: 'psql',
    });
    expect(checkStartupParameters(startup.parameters)).toMatchObject({ ok: true, encodingOverridden: false });
  });

  it('is incomplete at every byte before its last', () => {
    const whole = encodeStartup([['user', 'me']]);
    for (let cut = 0; cut < whole.length; cut++)
      expect(decodeStartupPacket(whole.subarray(0, cut))).toEqual({ kind: 'incomplete' });
  });

  it('may be a cancel request with a short or a long key', () => {
    for (const length of [4, 32, 256]) {
      const secret = new Uint8Array(length).fill(7);
      const decoded = decodeStartupPacket(encodeCancelRequest(-5, secret));
      expect(decoded).toMatchObject({ kind: 'cancel', processId: -5, bytes: 12 + length });
      expect(decoded.kind === 'cancel' && [...decoded.secret]).toEqual([...secret]);
    }
    expect(() => encodeCancelRequest(1, new Uint8Array(3))).toThrow(ProtocolError);
    expect(() => decodeStartupPacket(packet(80877102, '\0\0\0\x01abc'))).toThrow('cancel key');
    expect(() => decodeStartupPacket(packet(80877102, `\0\0\0\x01${'a'.repeat(257)}`))).toThrow('cancel key');
  });

  it('may ask for encryption', () => {
    expect(decodeStartupPacket(encodeSslRequest())).toEqual({ kind: 'ssl-request', bytes: 8 });
    expect(decodeStartupPacket(encodeGssencRequest())).toEqual({ kind: 'gssenc-request', bytes: 8 });
    expect(() => decodeStartupPacket(packet(80877103, 'x'))).toThrow(ProtocolError);
  });

  it.each([
    ['a length below 8', Buffer.of(0, 0, 0, 7)],
    ['a negative length', Buffer.of(0xff, 0xff, 0xff, 0xff)],
    ['more than 10,000 bytes', Buffer.of(0, 0, 0x27, 0x11)],
    ['http', Buffer.from('GET / HTTP/1.1\r\n')],
    ['no terminator', packet(V3, 'user\0me\0')],
    ['a value without its end', packet(V3, 'user\0me')],
    ['bytes behind the terminator', packet(V3, 'user\0me\0\0x')],
    ['a parameter twice', packet(V3, 'user\0me\0user\0you\0\0')],
    ['text that is not utf-8', packet(V3, 'user\0\xff\0\0')],
    ['version 2', packet(2 << 16, 'user\0me\0\0')],
  ])('is refused with %s', (_, bytes) => {
    expect(() => decodeStartupPacket(bytes)).toThrow(ProtocolError);
  });

  it('says what speaks', () => {
    expect(detectFirstBytes(new Uint8Array())).toBe('incomplete');
    expect(detectFirstBytes(encodeSslRequest())).toBe('postgres');
    expect(detectFirstBytes(Buffer.of(0x16, 3, 1))).toBe('direct-tls');
    expect(detectFirstBytes(Buffer.from('GET / HTTP/1.1'))).toBe('http');
    expect(detectFirstBytes(Buffer.from('SSH-2.0-'))).toBe('unknown');
  });
});

describe('startup parameters', () => {
  it('go on under their own names, without case, with utf-8 whatever was asked for', () => {
    const result = check({ user: 'u', DATESTYLE: 'ISO', timezone: 'UTC', extra_float_digits: '2', intervalstyle: 'x' });
    expect(result.ok && Object.fromEntries(result.forward)).toEqual({
      user: 'u',
      DateStyle: 'ISO',
      TimeZone: 'UTC',
      extra_float_digits: '2',
      IntervalStyle: 'x',
      client_encoding: 'UTF8',
    });
    expect(result.ok && result.database).toBe(null);
  });

  it.each(['UTF8', "'utf-8'", 'unicode', 'SQL_ASCII', 'auto', ''])('the encoding `%s` is what they get', (encoding) => {
    expect(check({ user: 'u', client_encoding: encoding })).toMatchObject({ ok: true, encodingOverridden: false });
  });

  it.each(['latin1', 'SJIS', 'BIG5'])('the encoding `%s` is overridden, and they can be told', (encoding) => {
    const result = check({ user: 'u', client_encoding: encoding });
    expect(result).toMatchObject({ ok: true, encodingOverridden: true });
    expect(result.ok && result.forward.get('client_encoding')).toBe('UTF8');
  });

  it.each([
    'options',
    'OPTIONS',
    'replication',
    'Replication',
    'search_path',
    'role',
    'session_authorization',
    ' user',
  ])('the parameter `%s` is refused', (name) => {
    expect(check({ user: 'u', [name]: 'x' })).toMatchObject({ ok: false, sqlstate: '0A000' });
  });

  it('are refused when two spellings say two things', () => {
    expect(check({ user: 'u', TimeZone: 'a', timezone: 'b' })).toMatchObject({ ok: false });
    expect(check({ user: 'u', USER: 'v' })).toMatchObject({ ok: false });
  });

  it('need a user', () => {
    expect(check({ database: 'd' })).toMatchObject({ ok: false, sqlstate: '28000' });
    expect(check({ user: '' })).toMatchObject({ ok: false, sqlstate: '28000' });
  });

  it('of the protocol are collected, to be said that we know none', () => {
    const result = check({ user: 'u', '_pq_.one': '1', '_pq_.two': '2' });
    expect(result.ok && result.unsupportedOptions).toEqual(['_pq_.one', '_pq_.two']);
    expect(Buffer.from(encodeNegotiateProtocolVersion(0, ['_pq_.one'])).toString('latin1')).toBe(
      'v\0\0\0\x15\0\x03\0\0\0\0\0\x01_pq_.one\0',
    );
  });
});
