import { randomBytes } from 'node:crypto';
import {
  encodeClose,
  encodeCopyData,
  encodeCopyDone,
  encodeCopyFail,
  encodeDescribe,
  encodeExecute,
  encodeFlush,
  encodeFunctionCall,
  encodeGssencRequest,
  encodeQuery,
  encodeSslRequest,
  encodeStartup,
  encodeSync,
} from '@taskgate/protocol-postgres';
import { waitUntil } from '@taskgate/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openThreatDoor, type ThreatDoor } from '../testing/open-threat-door.ts';
import { bind, parse, RawClient } from '../testing/raw-client.ts';

let door: ThreatDoor;
let before: string;
beforeAll(async () => {
  door = await openThreatDoor();
  before = await door.fingerprint();
});
afterAll(async () => {
  expect(await door.fingerprint()).toBe(before);
  await door.close();
});
afterEach(() => door.expectNoLeak());

const reader = (): Promise<RawClient> => door.raw(door.grant('sales-report'));
const MAILS = 'select email from public.customers order by id limit 3';
const MASKED = 'k***@example.com';
/** A frame with a tag and a body of our own making. */
const frame = (tag: string, body: Uint8Array, length = body.length + 4): Uint8Array => {
  const head = Buffer.alloc(5);
  head.write(tag, 0, 'latin1');
  head.writeInt32BE(length | 0, 1);
  return Buffer.concat([head, body]);
};
const text = (value: string): Buffer => Buffer.from(`${value}\0`);

describe('what comes back is masked however it was asked for', () => {
  it('W1 an execute without a describe', async () => {
    const client = await reader();
    const answer = await client.exchange([parse('', MAILS), bind('', ''), encodeExecute('', 0), encodeSync()]);
    expect(answer.letters).toBe('12DDDCZ');
    expect(answer.rows.flat()).toEqual([MASKED, MASKED, MASKED]);
  });

  it('W2 binary, for one column, for all, and for numbers beside it', async () => {
    const client = await reader();
    expect((await client.extended(MAILS, [], 1)).rows.flat()).toEqual([MASKED, MASKED, MASKED]);
    const mixed = await client.exchange([
      parse('', 'select id, email, name from public.customers where id = $1'),
      Buffer.from(
        frame(
          'B',
          Buffer.concat([text(''), text(''), Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 49, 0, 3, 0, 1, 0, 1, 0, 0])]),
        ),
      ),
      encodeExecute('', 0),
      encodeSync(),
    ]);
    expect(mixed.rows[0]).toEqual(['\0\0\0\u0001', MASKED, 'Customer 1']);
  });

  it('W8 in parts, over messages and batches', async () => {
    const client = await reader();
    await client.query('begin');
    const parts = await client.exchange([
      parse('', MAILS),
      bind('p', ''),
      encodeExecute('p', 1),
      encodeFlush(),
      encodeExecute('p', 1),
      encodeSync(),
    ]);
    expect(parts.rows.flat()).toEqual([MASKED, MASKED]);
    expect((await client.exchange([encodeExecute('p', 1), encodeSync()])).rows.flat()).toEqual([MASKED]);
  });

  it('W7 in a batch with errors between, only what runs is answered, and the next batch is its own', async () => {
    const client = await reader();
    const answer = await client.exchange(
      [
        parse('a', MAILS),
        bind('', 'a'),
        encodeExecute('', 0),
        parse('', 'select 1/0'),
        bind('', ''),
        encodeExecute('', 0),
        parse('a2', 'select name from public.customers'),
        bind('', 'a'),
        encodeExecute('', 0),
        encodeSync(),
        bind('', 'a'),
        encodeExecute('', 1),
        encodeSync(),
        bind('', 'a2'),
        encodeExecute('', 1),
        encodeSync(),
      ],
      3,
    );
    expect(answer.rows.flat()).toEqual([MASKED, MASKED, MASKED, MASKED]);
    expect(answer.errors.map(({ code }) => code)).toEqual(['22012', '26000']);
  });

  it('W7 a refused statement in a batch skips to its sync; queries in between are skipped too', async () => {
    const client = await reader();
    client.send(
      parse('', 'select ssn from public.customers'),
      encodeFlush(),
      bind('', ''),
      encodeExecute('', 0),
      encodeQuery('select ssn from public.customers'),
      encodeQuery('select 1'),
      encodeSync(),
    );
    const answer = await client.until('Z');
    expect(answer.letters).toBe('EZ');
    expect((await client.query('select 2')).rows).toEqual([['2']]);
  });

  it('a simple query between a batch and its sync, and a sync alone', async () => {
    const client = await reader();
    const answer = await client.exchange(
      [parse('', MAILS), bind('', ''), encodeExecute('', 0), encodeQuery('select 1'), encodeSync(), encodeSync()],
      3,
    );
    expect(answer.rows.flat()).toEqual([MASKED, MASKED, MASKED, '1']);
    expect((await client.query('select 3')).rows).toEqual([['3']]);
  });
});

describe('messages that the door never forwards', () => {
  it('W6 a function call by number', async () => {
    const client = await reader();
    const call = encodeFunctionCall({
      functionOid: 3826,
      argumentFormats: [],
      arguments: [Buffer.from('PG_VERSION')],
      resultFormat: 0,
    });
    const answer = await client.exchange([call]);
    expect(answer.letters).toBe('EZ');
    expect(answer.letters).not.toContain('V');
    expect((await client.exchange([parse('', 'select 1'), call])).letters).toContain('E');
  });

  it.each([
    ['replication', { replication: 'database' }],
    ['replication', { replication: 'true' }],
    ['options', { options: '-c search_path=pg_temp' }],
    ['role', { role: 'postgres' }],
    ['session_authorization', { session_authorization: 'postgres' }],
    ['search_path', { search_path: 'pg_temp' }],
    ['row_security', { row_security: 'off' }],
    ['standard_conforming_strings', { standard_conforming_strings: 'off' }],
    ['session_replication_role', { session_replication_role: 'replica' }],
  ])('W9 the startup parameter %s', async (_name, startup) => {
    const client = new RawClient(door.port);
    const answer = await client.signIn(door, door.grant('sales-report'), startup as unknown as Record<string, string>);
    if (!client.closed) {
      // Let in: then it is as if it had not been said.
      const shown = await client.query(
        "select current_setting('search_path'), current_user, current_setting('row_security'), current_setting('standard_conforming_strings')",
      );
      expect(shown.rows[0]?.slice(2)).toEqual(['on', 'on']);
      expect(shown.rows[0]?.[0]).toMatch(/^"?public"?, pg_temp$/);
      expect((await client.query('IDENTIFY_SYSTEM')).errors).toHaveLength(1);
    } else expect(answer.errors).toHaveLength(1);
    client.close();
  });

  it('W14 another client encoding is not what the session gets', async () => {
    const client = await door.raw(door.grant('sales-report'), { client_encoding: 'SJIS' });
    expect((await client.query('show client_encoding')).rows).toEqual([['UTF8']]);
    const invalid = await client.exchange([
      frame('Q', Buffer.concat([Buffer.from("select '\x95'", 'latin1'), Buffer.from([0])])),
    ]);
    expect(invalid.errors[0]?.code).toBe('22021');
  });

  it('W12 a nul in the text, and the statement behind it', async () => {
    const client = await reader();
    for (const message of [
      frame('Q', Buffer.from('select 1\0; delete from public.orders\0')),
      frame('P', Buffer.from('\0select 1\0; delete from public.orders\0\0\0')),
    ]) {
      const attempt = await reader();
      attempt.send(message, encodeSync());
      await attempt.until('EZ');
      attempt.close();
    }
    expect((await client.query('select 1')).rows).toEqual([['1']]);
  });
});

describe('W15 copy', () => {
  it('data of a copy where none runs is dropped, and does not become a statement', async () => {
    const client = await reader();
    const answer = await client.exchange([
      encodeCopyData(text('delete from public.orders')),
      encodeCopyDone(),
      encodeCopyFail('no'),
      encodeQuery('select 1'),
    ]);
    expect(answer.rows).toEqual([['1']]);
  });

  it('a query while data is copied in ends the session, and nothing of either stays', async () => {
    const client = await door.raw(door.grant('shop-admin'));
    client.send(encodeQuery('copy public.order_items from stdin'));
    await client.until('G');
    client.send(encodeCopyData(Buffer.from('1\t1\tx\t1\t1\n')), encodeQuery('select ssn from public.customers'));
    await waitUntil(() => client.closed);
    await waitUntil(async () => (await door.fingerprint()) === before);
  });

  it('a copy that fails at the target, with data and a query behind it', async () => {
    const client = await door.raw(door.grant('shop-admin'));
    client.send(encodeQuery('copy public.order_items from stdin'));
    await client.until('G');
    client.send(
      encodeCopyData(Buffer.from('not a row\n')),
      encodeCopyData(Buffer.from('1\t1\tx\t1\t1\n')),
      encodeCopyDone(),
    );
    expect((await client.until('Z')).errors).toHaveLength(1);
    client.send(encodeCopyData(Buffer.from('late\n')), encodeCopyDone());
    expect((await client.query('select 1')).rows).toEqual([['1']]);
    client.close();
  });

  it('a copy by the extended protocol with everything in one write', async () => {
    const client = await reader();
    const answer = await client.exchange([
      parse('', 'copy (select id, email from public.customers order by id limit 2) to stdout'),
      bind('', ''),
      encodeExecute('', 0),
      encodeSync(),
    ]);
    expect(answer.copied).toBe(`1\t${MASKED}\n2\t${MASKED}\n`);
    const refused = await client.exchange([
      parse('', 'copy public.orders from stdin'),
      bind('', ''),
      encodeExecute('', 0),
      encodeCopyData(Buffer.from('999\n')),
      encodeCopyDone(),
      encodeSync(),
    ]);
    expect(refused.errors).toHaveLength(1);
    expect((await client.query('select 1')).rows).toEqual([['1']]);
  });
});

describe('W16 W19 framing', () => {
  it('W16 bytes between the request for TLS and its handshake end the connection', async () => {
    const client = new RawClient(door.port);
    client.unframed = true;
    client.socket.write(Buffer.concat([encodeSslRequest(), encodeStartup([['user', 'sales-report']])]));
    await waitUntil(() => client.closed);
  });

  it('W16 encryption asked for again and again', async () => {
    const client = new RawClient(door.port);
    client.unframed = true;
    client.socket.write(Buffer.concat([encodeGssencRequest(), encodeGssencRequest(), encodeGssencRequest()]));
    await waitUntil(() => client.closed).catch(() => undefined);
    client.close();
  });

  it.each([
    ['a length below four', frame('Q', new Uint8Array(0), 3)],
    ['a negative length', frame('Q', new Uint8Array(0), -1)],
    ['the largest length', frame('Q', new Uint8Array(0), 0x7fffffff)],
    ['a length that wraps', frame('Q', new Uint8Array(0), 0x80000004)],
    ['an unknown tag', frame('!', new Uint8Array(0))],
    ['a tag of the server', frame('T', new Uint8Array(2))],
    ['an authentication message', frame('p', text('again'))],
    [
      'a bind with more values than bytes',
      frame('B', Buffer.concat([text(''), text(''), Buffer.from([0, 0, 0xff, 0xff])])),
    ],
    [
      'a bind with a negative length',
      frame('B', Buffer.concat([text(''), text(''), Buffer.from([0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe, 0, 0])])),
    ],
    ['a format that is none', frame('B', Buffer.concat([text(''), text(''), Buffer.from([0, 0, 0, 0, 0, 1, 0, 7])]))],
    [
      'a parse with types that are not there',
      frame('P', Buffer.concat([text(''), text('select 1'), Buffer.from([0, 9])])),
    ],
    ['bytes behind a message', frame('S', Buffer.from([1]))],
    ['a describe of neither', frame('D', Buffer.concat([Buffer.from('X'), text('')]))],
    ['a query without its end', frame('Q', Buffer.from('select 1'))],
    ['random bytes', randomBytes(300)],
  ])('W19 %s does not get through, and harms nobody else', async (_what, bytes) => {
    const [attacker, other] = [await reader(), await reader()];
    attacker.send(bytes, encodeSync());
    expect((await other.query(MAILS)).rows.flat()).toEqual([MASKED, MASKED, MASKED]);
    attacker.close();
    other.close();
  });
});

describe('wrong tokens', () => {
  it('are slowed down, and a good one of the same address is told to wait as well', async () => {
    const closed = await openThreatDoor();
    const grant = closed.grant('sales-report');
    const codes: string[] = [];
    for (let attempt = 0; attempt < 12; attempt++) {
      const client = new RawClient(closed.port);
      const answer = await client.signIn(closed, grant, {}, `tgt_${attempt}`);
      codes.push(answer.errors[0]?.code ?? 'in');
      client.close();
    }
    expect(codes.slice(0, 10)).toEqual(Array(10).fill('28P01'));
    expect(codes.slice(10)).toEqual(['53300', '53300']);
    await closed.close();
  });
});

describe('names, closes and describes of what is not there', () => {
  it('answer as the server does', async () => {
    const client = await reader();
    const answer = await client.exchange([
      encodeClose('statement', 'none'),
      encodeClose('portal', 'none'),
      encodeSync(),
    ]);
    expect(answer.letters).toBe('33Z');
    for (const message of [
      encodeDescribe('statement', 'none'),
      encodeDescribe('portal', 'none'),
      encodeExecute('none', 0),
    ])
      expect((await client.exchange([message, encodeSync()])).letters).toBe('EZ');
  });
});
