import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { endGrant, type OpenGrant, openGrant } from '../api.ts';
import {
  answerTo,
  cancelRequest,
  errorFields,
  message,
  query,
  SignInRefused,
  startup,
  sync,
  WireClient,
  type WireMessage,
} from '../wire-client.ts';

const MAX_RSS_KB = 400_000;

let sales: OpenGrant;
beforeAll(async () => {
  sales = await openGrant('sales-report');
});
afterAll(() => endGrant(sales.id));

const connect = (parameters: Readonly<Record<string, string>> = {}): Promise<WireClient> => {
  const { port, user, database } = sales.connect;
  return WireClient.connect({ port, user, database, token: sales.token, parameters });
};
const errorOf = (messages: readonly WireMessage[]) => {
  const error = messages.find(({ tag }) => tag === 'E');
  return error ? errorFields(error) : null;
};

/** The gateway still serves, and holds no more memory than it should, whatever was done to it. */
afterEach(async () => {
  const client = await connect();
  const answer = await client.ask(query('select 1'));
  client.close();
  expect(answer.map(({ tag }) => tag).join('')).toBe('TDCZ');
  const register = JSON.parse(readFileSync(join(inject('system').home, 'run/processes.json'), 'utf8')) as {
    name: string;
    pid: number;
  }[];
  const gateway = register.find(({ name }) => name === 'gateway')!;
  const pid = String(gateway.pid);
  const ofEach = execFileSync('ps', ['-o', 'rss=', '-p', pid, '--ppid', pid], { encoding: 'utf8' });
  expect(Math.max(...ofEach.trim().split('\n').map(Number))).toBeLessThan(MAX_RSS_KB);
});

describe('before anybody has signed in', () => {
  test('garbage on the Postgres port ends its connection with a protocol error', async () => {
    for (const bytes of [
      randomBytes(64),
      Buffer.from('\u0001\u0002\u0003 hello'),
      Buffer.alloc(4096, 0xff),
      Buffer.concat([Buffer.from([0x16, 3, 1]), randomBytes(200)]),
      Buffer.from([0, 0, 0, 8, 0, 0, 0, 0]),
    ])
      expect(await answerTo(sales.connect.port, bytes)).not.toContain('at file://');
  });

  test('garbage on the port of the console and of the web is refused as HTTP has it', async () => {
    const { consolePort, webUrl } = inject('system');
    for (const port of [consolePort, Number(new URL(webUrl).port)]) {
      const answer = await answerTo(port, Buffer.concat([randomBytes(64), Buffer.from('\r\n\r\n')]));
      expect(answer).toMatch(/^(HTTP\/1\.1 400|$)/);
    }
  });

  test('HTTP on the Postgres port is told what speaks there', async () => {
    const answer = await answerTo(sales.connect.port, Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    expect(answer).toContain('this port speaks the Postgres protocol, not HTTP');
  });

  test('a startup packet that says it has a gigabyte is refused at once', async () => {
    const bytes = Buffer.from([0x40, 0, 0, 0, 0, 3, 0, 0]);
    expect(await answerTo(sales.connect.port, bytes)).toContain('08P01');
    expect(await answerTo(sales.connect.port, Buffer.from([0x00, 0xff, 0xff, 0xff, 0, 3, 0, 0]))).toContain('08P01');
  });

  test('a password message that says it has a gigabyte is refused', async () => {
    const client = await WireClient.open(sales.connect.port);
    client.send(startup({ user: 'sales-report', database: 'shop' }));
    expect((await client.read())?.tag).toBe('R');
    client.send(Buffer.from([0x70, 0x40, 0, 0, 0]));
    expect(errorOf(await client.readUntil('E'))?.C).toBe('08P01');
  });

  test('replication is refused before sign-in, with what to do', async () => {
    for (const [parameters, word] of [
      [{ replication: 'database' }, 'replication'],
      [{ replication: 'true' }, 'replication'],
    ] as const) {
      const client = await WireClient.open(sales.connect.port);
      client.send(startup({ user: 'sales-report', database: 'shop', ...parameters }));
      const error = errorOf(await client.readUntil('E'));
      expect(error?.C, word).toBe('0A000');
      expect(error?.M).toContain(word);
      expect(error?.H).toBeTruthy();
    }
  });

  test('clear text behind an SSLRequest is not taken for what came through TLS', async () => {
    const answer = await answerTo(
      sales.connect.port,
      Buffer.concat([Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]), startup({ user: 'sales-report', database: 'shop' })]),
    );
    expect(answer).toContain('TLS');
    expect(answer).not.toContain('SCRAM');
  });

  test('connections that say nothing, stall in TLS, or stop half-way are ended by the deadline', {
    timeout: 40_000,
  }, async () => {
    const { port } = sales.connect;
    const begun = startup({ user: 'sales-report', database: 'shop' });
    await Promise.all([
      answerTo(port, Buffer.alloc(0), 25_000),
      answerTo(port, Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]), 25_000),
      answerTo(port, begun.subarray(0, 12), 25_000),
      answerTo(port, begun, 25_000).then((answer) => expect(answer).toContain('57014')),
    ]);
  });

  test('many connections that never sign in do not keep others out', { timeout: 40_000 }, async () => {
    const crowd = await Promise.all(Array.from({ length: 40 }, () => WireClient.open(sales.connect.port)));
    try {
      const client = await connect();
      expect(errorOf(await client.ask(query('select 1')))).toBeNull();
      client.close();
    } finally {
      for (const one of crowd) one.socket.destroy();
    }
  });
});

describe('from somebody who has signed in', () => {
  test('`options` and settings in the startup packet are refused with what to do', async () => {
    for (const [parameters, word] of [
      [{ options: '-c search_path=pg_temp' }, 'options'],
      [{ search_path: 'pg_temp' }, 'search_path'],
      [{ role: 'postgres' }, 'role'],
    ] as const) {
      const refusal = await connect(parameters).then(
        () => null,
        (error: unknown) => (error instanceof SignInRefused ? error.fields : Promise.reject(error)),
      );
      expect(refusal?.C, word).toBe('0A000');
      expect(refusal?.M).toContain(word);
      expect(refusal?.H).toBeTruthy();
    }
  });

  test('a message that says it has a gigabyte ends the connection with a reason', async () => {
    for (const tag of ['Q', 'P', 'B', 'd', 'X']) {
      const client = await connect();
      client.send(Buffer.from([tag.charCodeAt(0), 0x40, 0, 0, 0]));
      const error = errorOf(await client.readUntil('never'));
      expect(error, tag).toMatchObject({ S: 'FATAL' });
      expect(error?.C, tag).toMatch(/^(08P01|54000)$/);
    }
  });

  test('an unknown message, and a length of nothing, end the connection with a reason', async () => {
    for (const bytes of [
      Buffer.from([0x7e, 0, 0, 0, 4]),
      Buffer.from([0x51, 0, 0, 0, 0]),
      Buffer.from([0x51, 0xff, 0xff, 0xff, 0xff]),
    ]) {
      const client = await connect();
      client.send(bytes);
      expect(errorOf(await client.readUntil('never'))?.C).toBe('08P01');
    }
  });

  test('a function call by number is refused, and the session goes on or ends with a reason', async () => {
    const client = await connect();
    client.send(message('F', Buffer.from([0, 0, 0, 99, 0, 0, 0, 0, 0, 0])), sync());
    const error = errorOf(await client.readUntil('E'));
    expect(error?.C).toMatch(/^(42501|0A000|08P01)$/);
    client.close();
  });

  test('a NUL within a query, and bytes that are no UTF-8, are refused', async () => {
    for (const body of [Buffer.from('select 1\0select ssn from customers\0'), Buffer.from([0x73, 0xff, 0xfe, 0x00])]) {
      const client = await connect();
      client.send(message('Q', body));
      expect(errorOf(await client.readUntil('E'))?.C).toMatch(/^(08P01|22021|42601|42501)$/);
      client.close();
    }
  });

  test('a list of a million elements is too long and says so; one of fifty thousand is answered or refused', {
    timeout: 60_000,
  }, async () => {
    const list = (count: number): string => Array.from({ length: count }, (_, i) => i).join(',');
    const huge = await connect();
    const error = errorOf(await huge.ask(query(`select id from orders where id in (${list(1_000_000)})`)));
    expect(error).toMatchObject({ C: '42501', M: expect.stringContaining('longer than') });
    expect(errorOf(await huge.ask(query('select 1')))).toBeNull();
    huge.close();
    const large = await connect();
    const answer = await large.ask(query(`select count(*) from orders where id in (${list(50_000)})`));
    const refused = errorOf(answer);
    if (refused) expect(refused.C).toMatch(/^(42501|54000|54001)$/);
    expect(errorOf(await large.ask(query('select 1')))).toBeNull();
    large.close();
  });

  test('nesting without end is refused, not followed', async () => {
    const client = await connect();
    for (const statement of [
      `select ${'('.repeat(5000)}1${')'.repeat(5000)}`,
      `select ${'-'.repeat(1)}${'- '.repeat(3000)}1`,
      `${'select * from ('.repeat(500)}select 1${') x'.repeat(500)}`,
      `select ${'1+'.repeat(20_000)}1`,
    ]) {
      const answer = await client.ask(query(statement));
      expect(answer.at(-1)?.tag, statement.slice(0, 30)).toBe('Z');
    }
    client.close();
  });

  test('a cancel request with a wrong key cancels nothing, one with the right key does', async () => {
    const client = await connect();
    client.send(query('select count(*) from generate_series(1, 100000000000)'));
    const wrong = Buffer.from(client.secret.map((byte) => byte ^ 1));
    expect(await answerTo(sales.connect.port, cancelRequest(client.processId, wrong))).toBe('');
    await expect(client.read(700)).rejects.toThrow('no message');
    expect(await answerTo(sales.connect.port, cancelRequest(client.processId, client.secret))).toBe('');
    expect(errorOf(await client.readUntil('Z'))?.C).toBe('57014');
    expect(errorOf(await client.ask(query('select 1')))).toBeNull();
    client.close();
  });

  test('a client that leaves in the middle of a message leaves nothing behind', async () => {
    for (let i = 0; i < 20; i++) {
      const client = await connect();
      client.send(query('select * from orders').subarray(0, 3 + i));
      client.socket.destroy();
    }
  });
});

describe('the web', () => {
  test.each([
    ['/api/v1/tasks', 401],
    ['/scim/v2/Users', 401],
    ['/api/v1/login', 413],
    ['/api/auth/callback/credentials', 413],
  ])('answers who is nobody before the end of what they send, and so keeps none of it: %s', async (path, status) => {
    const { webUrl } = inject('system');
    const sending = request(`${webUrl}${path}`, {
      method: 'POST',
      headers: { origin: webUrl, 'content-type': 'application/json' },
    });
    // In chunks, without a length, and without an end.
    sending.write(Buffer.alloc(262_144, 'a'));
    const [answer] = (await once(sending, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(status);
    sending.destroy();
  });
});
