import {
  BACKEND_TAG,
  encodeAuthentication,
  encodeBackendKeyData,
  encodeBackendMessage,
  encodeCommandComplete,
  encodeCopyResponse,
  encodeDataRow,
  encodeErrorFields,
  encodeParameterStatus,
  encodeReadyForQuery,
  type Frame,
} from '@taskgate/protocol-postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EveryWay, WAYS } from '../testing/every-way.ts';
import { before, type HostileTarget, insteadOf, startHostileTarget } from '../testing/hostile-target.ts';
import { openThreatDoor, type ThreatDoor } from '../testing/open-threat-door.ts';
import { RawClient } from '../testing/raw-client.ts';

let door: ThreatDoor;
let hostile: HostileTarget;
let secret: string;
beforeAll(async () => {
  door = await openThreatDoor();
  const [row] = await door.database.query<{ ssn: string }>('select ssn from public.customers where id = 3');
  secret = row!.ssn;
  const { controlPlane } = door;
  const { leaseCredential } = controlPlane;
  const real = await leaseCredential(door.grant('sales-report').grant.grantId);
  hostile = await startHostileTarget(real);
  controlPlane.leaseCredential = async (grantId) => ({ ...(await leaseCredential(grantId)), port: hostile.port });
});
afterAll(async () => {
  hostile.change = null;
  await door.close();
  await hostile.close();
});

type Change = (frame: Frame) => readonly Uint8Array[];
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const fields = (given: Readonly<Record<string, string>>): ReadonlyMap<string, string> => new Map(Object.entries(given));
const raw = (tag: string, length: number, ...body: readonly number[]): Uint8Array => {
  const frame = Buffer.alloc(5 + body.length);
  frame.write(tag, 0, 'latin1');
  frame.writeInt32BE(length | 0, 1);
  Buffer.from(body).copy(frame, 5);
  return frame;
};

/** What a hostile server answers to `select 'x'`: none of it may bring a client the secret, or harm another session. */
const ANSWERS: Readonly<Record<string, () => Change>> = {
  'an error without a sqlstate': () =>
    insteadOf(BACKEND_TAG.commandComplete, encodeErrorFields('error', fields({ S: 'ERROR', M: secret }))),
  'an error without any field': () => insteadOf(BACKEND_TAG.commandComplete, encodeErrorFields('error', fields({}))),
  'an error with the secret in every field': () =>
    insteadOf(
      BACKEND_TAG.commandComplete,
      encodeErrorFields('error', new Map([...'SVCMDHPpqWstcdnFLRXYZ'].map((letter) => [letter, secret]))),
    ),
  'an error in Postgres’ own words': () =>
    insteadOf(
      BACKEND_TAG.commandComplete,
      encodeErrorFields('error', fields({ S: 'ERROR', C: '42P01', M: `relation "${secret}" does not exist`, P: '3' })),
    ),
  'an error with a field twice': () => insteadOf(BACKEND_TAG.commandComplete, raw('E', 11, 77, 65, 0, 77, 66, 0, 0)),
  'an error that never ends': () => insteadOf(BACKEND_TAG.commandComplete, raw('E', 7, 77, 65, 66)),
  'a fatal error': () =>
    insteadOf(
      BACKEND_TAG.commandComplete,
      encodeErrorFields('error', fields({ S: 'FATAL', V: 'FATAL', C: '57P01', M: secret })),
    ),
  'a notice': () =>
    before(
      BACKEND_TAG.commandComplete,
      encodeErrorFields('notice', fields({ S: 'NOTICE', V: 'NOTICE', C: '00000', M: secret })),
    ),
  'a flood of notices': () =>
    before(
      BACKEND_TAG.commandComplete,
      ...Array.from({ length: 5_000 }, () =>
        encodeErrorFields('notice', fields({ S: 'NOTICE', V: 'NOTICE', C: '00000', M: secret })),
      ),
    ),
  'a notification': () =>
    before(
      BACKEND_TAG.commandComplete,
      encodeBackendMessage({ kind: 'notification', processId: 1, channel: secret, payload: secret }),
    ),
  'settings that hold it': () =>
    before(
      BACKEND_TAG.ready,
      ...['application_name', 'TimeZone', 'DateStyle', 'server_version', 'search_path', 'client_encoding'].map((name) =>
        encodeParameterStatus(name, secret),
      ),
    ),
  'a command tag that holds it': () =>
    insteadOf(BACKEND_TAG.commandComplete, encodeCommandComplete(`SELECT ${secret}`)),
  'another command tag': () => insteadOf(BACKEND_TAG.commandComplete, encodeCommandComplete(secret)),
  'a second result': () => before(BACKEND_TAG.ready, encodeDataRow([text(secret)]), encodeCommandComplete('SELECT 1')),
  'a row in front of its description': () => before(BACKEND_TAG.rowDescription, encodeDataRow([text(secret)])),
  'a row of more columns': () => before(BACKEND_TAG.commandComplete, encodeDataRow([text('x'), text(secret)])),
  'a row of no columns': () => before(BACKEND_TAG.commandComplete, encodeDataRow([])),
  'a copy out': () =>
    before(
      BACKEND_TAG.commandComplete,
      encodeCopyResponse({ kind: 'copy-out', format: 0, columnFormats: [0] }),
      encodeBackendMessage({ kind: 'copy-data', data: text(`${secret}\n`) }),
    ),
  'a copy in': () =>
    insteadOf(BACKEND_TAG.commandComplete, encodeCopyResponse({ kind: 'copy-in', format: 0, columnFormats: [0] })),
  'a copy both ways': () =>
    before(
      BACKEND_TAG.commandComplete,
      encodeCopyResponse({ kind: 'copy-both', format: 0, columnFormats: [0] }),
      encodeBackendMessage({ kind: 'copy-data', data: text(secret) }),
    ),
  'the result of a function call': () =>
    before(BACKEND_TAG.commandComplete, encodeBackendMessage({ kind: 'function-result', value: text(secret) })),
  'a question for the password': () => before(BACKEND_TAG.commandComplete, encodeAuthentication({ kind: 'cleartext' })),
  'another key to cancel with': () => before(BACKEND_TAG.commandComplete, encodeBackendKeyData(7, text(secret))),
  'ready twice': () => before(BACKEND_TAG.ready, encodeReadyForQuery('idle')),
  'ready in an unknown state': () => insteadOf(BACKEND_TAG.ready, raw('Z', 5, 0x51)),
  'a tag that is none': () => before(BACKEND_TAG.commandComplete, raw('!', 4)),
  'a length below four': () => before(BACKEND_TAG.commandComplete, raw('D', 3)),
  'a negative length': () => before(BACKEND_TAG.commandComplete, raw('D', -1)),
  'the largest length': () => before(BACKEND_TAG.commandComplete, raw('D', 0x7fffffff)),
  'a count of columns without columns': () => before(BACKEND_TAG.commandComplete, raw('D', 6, 0xff, 0xff)),
  'a description of more columns than bytes': () => insteadOf(BACKEND_TAG.rowDescription, raw('T', 6, 0x7f, 0xff)),
  'the messages of the handshake again': () =>
    before(
      BACKEND_TAG.commandComplete,
      encodeAuthentication({ kind: 'ok' }),
      encodeParameterStatus('application_name', secret),
      encodeBackendKeyData(1, text('abcd')),
    ),
};

describe('W20 a hostile target', () => {
  it.each(Object.keys(ANSWERS))('W20 %s', async (name) => {
    const other = await door.raw(door.grant('sales-report'));
    const ways = await EveryWay.open(door, door.grant('sales-report'));
    hostile.change = ANSWERS[name]!();
    const answers = await Promise.all(WAYS.map((way) => ways.send(way, "select 'x'")));
    hostile.change = null;
    for (const answer of answers) expect(JSON.stringify(answer)).not.toContain(secret);
    door.expectNoLeak();
    expect((await other.query('select 1')).rows).toEqual([['1']]);
    other.close();
    ways.close();
  });

  it.each([
    [
      'an error',
      (frame: Frame) =>
        frame.tag === BACKEND_TAG.ready
          ? [encodeErrorFields('error', fields({ S: 'FATAL', C: '28P01', M: secret, D: secret }))]
          : [frame.raw],
    ],
    [
      'an error by a code of its own',
      (frame: Frame) =>
        frame.tag === BACKEND_TAG.ready
          ? [encodeErrorFields('error', fields({ S: 'FATAL', C: secret.replaceAll('-', '').slice(0, 5), M: secret }))]
          : [frame.raw],
    ],
    [
      'notices',
      (frame: Frame) =>
        frame.tag === BACKEND_TAG.ready
          ? [encodeErrorFields('notice', fields({ S: 'NOTICE', C: '00000', M: secret })), frame.raw]
          : [frame.raw],
    ],
    [
      'settings that it makes up',
      (frame: Frame) =>
        frame.tag === BACKEND_TAG.ready ? [encodeParameterStatus('search_path', secret), frame.raw] : [frame.raw],
    ],
    [
      'a notification',
      (frame: Frame) =>
        frame.tag === BACKEND_TAG.ready
          ? [encodeBackendMessage({ kind: 'notification', processId: 1, channel: 'c', payload: secret }), frame.raw]
          : [frame.raw],
    ],
    [
      'a nonce that is not the gate’s own',
      (frame: Frame) =>
        frame.tag === BACKEND_TAG.authentication && frame.raw[8] === 11
          ? [encodeAuthentication({ kind: 'sasl-continue', data: text('r=evil,s=c2FsdA==,i=4096') })]
          : [frame.raw],
    ],
    [
      'a count of iterations that takes for ever',
      (frame: Frame) =>
        frame.tag === BACKEND_TAG.authentication && frame.raw[8] === 11
          ? [
              encodeAuthentication({
                kind: 'sasl-continue',
                data: text(Buffer.from(frame.raw.subarray(9)).toString().replace(/i=\d+/, 'i=2000000000')),
              }),
            ]
          : [frame.raw],
    ],
    [
      'no proof that it knows the password',
      (frame: Frame) => (frame.tag === BACKEND_TAG.authentication && frame.raw[8] === 12 ? [] : [frame.raw]),
    ],
    [
      'another proof',
      (frame: Frame) =>
        frame.tag === BACKEND_TAG.authentication && frame.raw[8] === 12
          ? [encodeAuthentication({ kind: 'sasl-final', data: text('v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=') })]
          : [frame.raw],
    ],
  ] as const)('W20 while it is connected to: %s', async (name, change) => {
    hostile.change = change;
    const client = new RawClient(door.port);
    const answer = await client.signIn(door, door.grant('sales-report'));
    hostile.change = null;
    expect(client.takeReceived().includes(secret)).toBe(false);
    expect(client.takeReceived().includes(secret.replaceAll('-', '').slice(0, 5))).toBe(false);
    if (/error|proof|nonce|count/.test(name)) expect(answer.errors[0]?.code).toBe('08001');
    client.close();
  });
});
