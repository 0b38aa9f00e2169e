import { describe, expect, it } from 'vitest';
import { type Fixture, readFixture, readFixtures } from '../scripts/read-fixture.ts';
import { decodeBackendMessage, encodeBackendMessage, parseCommandTag } from './backend-messages.ts';
import { sqlstateOf } from './error-fields.ts';
import { createFrameDecoder, type Frame } from './frame-decoder.ts';
import { decodeFrontendMessage, encodeBind, encodeFrontendMessage } from './frontend-messages.ts';
import { maxBackendBytes, maxFrontendBytes } from './limits.ts';
import { isBackendTag, isFrontendTag } from './message-tags.ts';
import { ProtocolError } from './protocol-error.ts';
import { encodeCancelRequest, encodeSslRequest, encodeStartup } from './startup.ts';

const clientFrames = (fixture: Fixture) =>
  createFrameDecoder({ maxBytes: maxFrontendBytes, knows: isFrontendTag }).push(fixture.client);
const serverFrames = (fixture: Fixture) =>
  createFrameDecoder({ maxBytes: maxBackendBytes, knows: isBackendTag }).push(fixture.server);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

const clientMessages = (name: string) => clientFrames(readFixture(name)).map(decodeFrontendMessage);
const serverMessages = (name: string) => serverFrames(readFixture(name)).map(decodeBackendMessage);
const kinds = (messages: readonly { readonly kind: string }[]) => [...new Set(messages.map(({ kind }) => kind))].sort();

/** The frame with only `bodyBytes` of its body, and a length that says so. */
function truncate(frame: Frame, bodyBytes: number): Frame {
  const raw = Buffer.from(frame.raw.subarray(0, 5 + bodyBytes));
  raw.writeInt32BE(bodyBytes + 4, 1);
  return { tag: frame.tag, raw };
}

function onlyProtocolErrors(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return false;
  }
}

describe.each(readFixtures())('$name', (fixture) => {
  it('encodes to the bytes that it was decoded from', () => {
    for (const frame of clientFrames(fixture))
      expect(hex(encodeFrontendMessage(decodeFrontendMessage(frame)))).toBe(hex(frame.raw));
    for (const frame of serverFrames(fixture))
      expect(hex(encodeBackendMessage(decodeBackendMessage(frame)))).toBe(hex(frame.raw));
    const startup = fixture.startup.map((packet) => {
      if (packet.kind === 'startup') return encodeStartup(packet.parameters, packet.minor);
      return packet.kind === 'cancel' ? encodeCancelRequest(packet.processId, packet.secret) : encodeSslRequest();
    });
    expect(hex(Buffer.concat(startup))).toBe(hex(fixture.startupBytes));
  });

  it('throws nothing but protocol errors when messages are cut short or have a byte too many', () => {
    const check = (frame: Frame, decode: (frame: Frame) => { kind: string }) => {
      const { kind } = decode(frame);
      const free = ['copy-data', 'authentication', 'backend-key'].includes(kind);
      for (let bytes = 0; bytes < frame.raw.length - 5; bytes++) {
        const accepted = onlyProtocolErrors(() => decode(truncate(frame, bytes)));
        if (accepted && !free) expect.fail(`${kind} with ${bytes} bytes of ${frame.raw.length - 5} was accepted`);
      }
      const longer = Buffer.concat([frame.raw, Buffer.of(0)]);
      longer.writeInt32BE(longer.length - 1, 1);
      if (!free) expect(() => decode({ tag: frame.tag, raw: longer })).toThrow(ProtocolError);
    };
    for (const frame of clientFrames(fixture)) check(frame, decodeFrontendMessage);
    for (const frame of serverFrames(fixture)) check(frame, decodeBackendMessage);
  });
});

describe('what real clients and servers say', () => {
  it('a copy in both directions', () => {
    expect(kinds(clientMessages('psql-copy'))).toEqual(
      expect.arrayContaining(['copy-data', 'copy-done', 'query', 'terminate']),
    );
    expect(kinds(serverMessages('psql-copy'))).toEqual(
      expect.arrayContaining(['copy-in', 'copy-out', 'copy-data', 'copy-done', 'error']),
    );
  });

  it('the extended protocol of pgbench and node-postgres', () => {
    const extended = ['bind', 'describe', 'execute', 'parse', 'sync'];
    for (const name of ['pgbench-extended', 'pgbench-prepared', 'node-postgres'])
      expect(kinds(clientMessages(name))).toEqual(expect.arrayContaining(extended));
    expect(kinds(serverMessages('node-postgres'))).toEqual(
      expect.arrayContaining(['portal-suspended', 'no-data', 'notification', 'row-description', 'empty-query']),
    );
    const bind = clientMessages('node-postgres').find((message) => message.kind === 'bind');
    expect(bind).toMatchObject({ statement: 'insert', parameterFormats: [0, 0, 1], resultFormats: [0] });
    expect(bind?.parameters.map((value) => value && Buffer.from(value).toString('latin1'))).toEqual([
      '1',
      Buffer.from('Zoë').toString('latin1'),
      '\0\u0001\u00ff',
    ]);
  });

  it('function calls, when psql imports a large object', () => {
    expect(kinds(clientMessages('psql-large-object'))).toContain('function-call');
    expect(kinds(serverMessages('psql-large-object'))).toContain('function-result');
  });

  it('a cancel request with the key that the server gave', () => {
    const key = serverMessages('psql-cancel').find((message) => message.kind === 'backend-key')!;
    expect(readFixture('psql-cancel-2').startup).toMatchObject([
      { kind: 'cancel', processId: key.processId, secret: key.secret },
    ]);
  });

  it('errors and notices, and a statement that always fails', () => {
    const messages = serverMessages('psql-simple');
    const errors = messages.filter((message) => message.kind === 'error');
    expect(errors.map(({ fields }) => sqlstateOf(fields))).toEqual(['22012', '42601']);
    expect(errors[1]!.fields.get('M')).toBe('syntax error at or near "taskgate_refused_this_statement"');
    const notices = messages.filter((message) => message.kind === 'notice');
    expect(notices[0]!.fields.get('D')).toBe('its detail');
    expect(kinds(messages)).toEqual(expect.arrayContaining(['parameter-status', 'ready', 'data-row']));
  });

  it('rows with the columns that were described', () => {
    const messages = serverMessages('psql-simple');
    const described = messages.findIndex((message) => message.kind === 'row-description');
    expect(messages[described]).toMatchObject({
      fields: [
        { name: 'id', attnum: 1, typeOid: 23, format: 0 },
        { name: 'name', attnum: 2, typeOid: 25, typeSize: -1 },
      ],
    });
    const row = messages[described + 3]!;
    expect(row.kind === 'data-row' && row.values.map((value) => value && Buffer.from(value).toString())).toEqual([
      '3',
      'Zoë',
    ]);
    expect(messages.filter((message) => message.kind === 'command-complete').map(({ tag }) => tag)).toEqual(
      expect.arrayContaining(['CREATE TABLE', 'INSERT 0 3', 'SELECT 3', 'BEGIN', 'ROLLBACK', 'DO']),
    );
  });
});

describe('a hostile message', () => {
  const client = (tag: string, body: Buffer) => {
    const raw = Buffer.concat([Buffer.from(`${tag}____`), body]);
    raw.writeInt32BE(raw.length - 1, 1);
    return decodeFrontendMessage({ tag: raw[0]!, raw });
  };

  it('cannot hide a second statement behind a nul', () => {
    expect(() => client('Q', Buffer.from('select 1\0; drop table t\0'))).toThrow('nul');
    expect(() => client('P', Buffer.from('\0select 1\0; drop table t\0\0\0'))).toThrow(ProtocolError);
  });

  it('cannot hold text that is not utf-8', () => {
    for (const [tag, body] of [
      ['Q', 'a\u00ff\0'],
      ['P', '\0a\u00ff\0\0\0'],
      ['E', '\u00ff\0\0\0\0\0'],
      ['D', 'S\u00ff\0'],
      ['f', '\u00ff\0'],
    ] as const)
      expect(() => client(tag, Buffer.from(body, 'latin1'))).toThrow(expect.objectContaining({ sqlstate: '22021' }));
  });

  it('cannot claim more values, formats or bytes than there are', () => {
    const bind = encodeBind({
      portal: '',
      statement: '',
      parameterFormats: [],
      parameters: [Buffer.from('ab')],
      resultFormats: [],
    }).slice();
    for (const [at, value] of [
      [8, 255],
      [10, 255],
      [11, 0x7f],
      [11, 0x80],
      [14, 3],
      [18, 3],
    ] as const) {
      const raw = bind.slice();
      raw[at] = value;
      expect(() => decodeFrontendMessage({ tag: raw[0]!, raw })).toThrow(ProtocolError);
    }
    expect(() => client('B', Buffer.from('\0\0\0\x02\0\0\0\0\0\0\0\0'))).toThrow('2 formats for 0 values');
    expect(() => client('B', Buffer.from('\0\0\0\x01\0\x02\0\0\0\0'))).toThrow('unknown format code 2');
  });

  it('may hold as many parameters as the protocol counts', () => {
    const raw = encodeBind({
      portal: '',
      statement: 's',
      parameterFormats: [1],
      parameters: new Array<null>(65_535).fill(null),
      resultFormats: [],
    });
    const message = decodeFrontendMessage({ tag: raw[0]!, raw });
    expect(message.kind === 'bind' && message.parameters.length).toBe(65_535);
  });

  it('may come from a server that gives no sqlstate', () => {
    const raw = Buffer.from('E\0\0\0\x0cMoops\0\0');
    const message = decodeBackendMessage({ tag: raw[0]!, raw });
    expect(message.kind === 'error' && sqlstateOf(message.fields)).toBe('XX000');
  });
});

it.each([
  ['SELECT 5', 'SELECT', 5],
  ['INSERT 0 3', 'INSERT', 3],
  ['COPY 0', 'COPY', 0],
  ['CREATE TABLE', 'CREATE TABLE', null],
  ['REFRESH MATERIALIZED VIEW', 'REFRESH MATERIALIZED VIEW', null],
  ['SELECT 99999999999999999999', 'SELECT', Number.MAX_SAFE_INTEGER],
  ['', '', null],
  ['5', '5', null],
])('the command tag `%s` counts', (tag, command, rows) => {
  expect(parseCommandTag(tag)).toEqual({ command, rows });
});
