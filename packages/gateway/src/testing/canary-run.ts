import { encodeDescribe, encodeExecute, encodeSync } from '@taskgate/protocol-postgres';
import {
  createSeededRandom,
  createStatementGenerator,
  openServerOracle,
  SAMPLE_SCHEMA,
  SAMPLE_TABLES,
  type ServerOracle,
  sampleRows,
} from '@taskgate/testkit';
import pg from 'pg';
import { createCanaryMatcher } from './canary-matcher.ts';
import type { MemoryGrant } from './memory-control-plane.ts';
import { openTestDoor, type TestDoor } from './open-test-door.ts';
import { type Answer, bind, parse, RawClient } from './raw-client.ts';

export interface CanaryRun {
  readonly seed: number;
  readonly queries: number;
}

export interface CanaryReport {
  readonly sent: number;
  readonly returned: number;
  readonly refused: number;
  readonly failed: number;
  /** Of {@link sent}, by the way that it was sent. */
  readonly ways: ReadonlyMap<string, number>;
  readonly bytes: number;
  readonly needles: number;
  /** A canary in what a client was sent. */
  readonly leaks: readonly string[];
  /** Compared with a door before the same rows with other canaries, byte by byte. */
  readonly compared: number;
  /** What of the answers told which of the two it was. */
  readonly told: readonly string[];
  /** Reads that use no masked column other than as it is: those that ran, and those refused all the same, by what was said. */
  readonly innocent: number;
  readonly needless: ReadonlyMap<string, { readonly count: number; readonly example: string }>;
}

/** Masks that say nothing of a value but that there is one: two doors with different canaries must answer alike. */
const BLIND_MASKS = `
  - columns: public.people.mail
    as: email
  - columns: [public.people.phone, public.people.ssn, public.people.born, public.people.balance]
    as: redact
  - columns: [public.people.profile, public.people.tags, public.people.token, public.homes.place]
    as: redact
  - columns: [public.orders.note, public.items.serial]
    as: 'null'
  - columns: [public.payments.card, public.animals.chip, public.dogs.vet]
    as: redact`;

/** Masks that tell a little, and what detectors find. */
const TELLING_MASKS = `
  - columns: [public.people.mail, public.people.ssn, public.orders.note, public.payments.card]
    as: hash
  - columns: [public.people.phone, public.animals.chip, public.dogs.vet]
    as: last4
  - columns: [public.people.born, public.people.balance, public.people.profile, public.people.tags]
    as: redact
  - columns: [public.people.token, public.homes.place, public.items.serial]
    as: 'null'
  - kinds: [card-number, email, secret]`;

const task = (name: string, masks: string): string => `
kind: Task
name: ${name}
purpose: Everything but the canaries
resource: demo-shop
who: { groups: [analysts] }
access: { ttl: 24h }
allow:
  - select: '*'
  - insert: '*'
  - update: '*'
  - delete: '*'
  - lock: '*'
mask:${masks}
`;

const MASKED: ReadonlySet<string> = new Set(
  SAMPLE_TABLES.flatMap(({ name, columns }) =>
    columns.filter(({ masked }) => masked).map((column) => `${name}.${column.name}`),
  ),
);

/** Sessions are opened and rows written anew after so many queries: dead rows pile up, and so do bytes. */
const QUERIES_A_SESSION = 300;

interface Side {
  readonly door: TestDoor;
  readonly rows: string;
  readonly blind: MemoryGrant;
  readonly telling: MemoryGrant;
}

async function openSide(salt: string, template: TestDoor | null): Promise<Side> {
  const door = await openTestDoor();
  const { name } = door.database;
  if (template === null) {
    await door.database.query(`drop schema public cascade; create schema public; ${SAMPLE_SCHEMA}`);
  } else {
    // A copy has the same oids.
    const url = new URL(door.database.url);
    url.pathname = '/postgres';
    const admin = new pg.Client({ connectionString: url.href });
    await admin.connect();
    await admin.query(`drop database ${name} with (force)`);
    await admin.query(`create database ${name} template ${template.database.name}`);
    await admin.end();
  }
  for (const setting of ['max_parallel_workers_per_gather = 0', 'jit = off'])
    await door.database.query(`alter database ${name} set ${setting}`);
  const tables = SAMPLE_TABLES.map((table) => table.name).join(', ');
  const grant = (of: string, masks: string) =>
    door.grant('shop-admin', { source: task(of, masks), policies: [], ttlMs: 86_400_000 });
  return {
    door,
    rows: `truncate ${tables}; ${sampleRows(salt).sql}`,
    blind: grant('canaries-blind', BLIND_MASKS),
    telling: grant('canaries-telling', TELLING_MASKS),
  };
}

interface Way {
  readonly name: string;
  send(client: RawClient, text: string): Promise<Answer>;
}

const extended = (format: 0 | 1) => (client: RawClient, text: string) =>
  client.exchange([
    parse('', text, [25, 23]),
    bind('', '', ['paid', '2'], format),
    encodeDescribe('portal', ''),
    encodeExecute('', 0),
    encodeSync(),
  ]);

/** The answers in order, as one would see them; the last one says how it went. */
const inTurn =
  (...texts: readonly string[]) =>
  async (client: RawClient, text: string): Promise<Answer> => {
    let worst: Answer | null = null;
    for (const one of texts) {
      const answer = await client.query(one.replace('QUERY', () => text));
      if (worst === null || (answer.errors.length > 0 && worst.errors.length === 0)) worst = answer;
    }
    return worst!;
  };

const SIMPLE: Way = { name: 'simple', send: (client, text) => client.query(text) };
const READ_WAYS: readonly Way[] = [
  SIMPLE,
  { name: 'copy', send: (client, text) => client.query(`copy (${text}) to stdout`) },
  { name: 'copy csv', send: (client, text) => client.query(`copy (${text}) to stdout with (format csv, header)`) },
  {
    name: 'cursor',
    send: inTurn('begin', 'declare c1 cursor for QUERY', 'fetch 2 from c1', 'fetch all c1', 'rollback'),
  },
  { name: 'prepared by name', send: inTurn('prepare p1 as QUERY', 'execute p1', 'deallocate all') },
  { name: 'explained', send: (client, text) => client.query(`explain (costs off, verbose) ${text}`) },
];
const EXTENDED_WAYS: readonly Way[] = [
  { name: 'extended text', send: extended(0) },
  { name: 'extended binary', send: extended(1) },
];
const WRITE_WAYS: readonly Way[] = [{ name: 'write', send: inTurn('begin', 'QUERY', 'rollback') }];

/**
 * Sends generated statements through a real door before a database with a canary in every masked cell, and searches every
 * byte that came back. The same statements go through a second door before the same rows with other canaries: where the
 * masks say nothing of a value, both must answer alike to the byte, whatever form a value could take.
 */
export async function runCanaries(run: CanaryRun): Promise<CanaryReport> {
  const one = await openSide('one', null);
  const other = await openSide('other', one.door);
  const sides = [one, other];
  const oracleClient = new pg.Client({ connectionString: one.door.database.url });
  await oracleClient.connect();
  const oracle = await openServerOracle(oracleClient);
  const canaries = ['one', 'other'].flatMap((salt) => sampleRows(salt).canaries.flatMap(({ texts }) => texts));
  const matcher = createCanaryMatcher(canaries);
  const random = createSeededRandom(run.seed);
  const serverMajor = Number.parseInt((await oracleClient.query('show server_version')).rows[0].server_version, 10);
  const generate = (maskedOneIn: number, errors: boolean, parameters: boolean, index: number) =>
    createStatementGenerator({
      seed: run.seed * 16 + index,
      serverMajor,
      maskedOneIn,
      errors,
      parameters,
      writesOneIn: parameters ? 0 : 12,
    });
  const generators = [generate(1, false, false, 0), generate(12, false, false, 1), generate(12, true, false, 2)];
  const withParameters = [generate(1, true, true, 3), generate(12, false, true, 4)];

  const report = {
    sent: 0,
    returned: 0,
    refused: 0,
    failed: 0,
    ways: new Map<string, number>(),
    bytes: 0,
    needles: matcher.needles,
    leaks: [] as string[],
    compared: 0,
    told: [] as string[],
    innocent: 0,
    needless: new Map<string, { count: number; example: string }>(),
  };
  const isDone = (): boolean => report.sent >= run.queries;

  const send = async (clients: readonly RawClient[], telling: boolean): Promise<void> => {
    const isExtended = random.oneIn(3);
    const statement = random.pick(isExtended ? withParameters : generators)();
    const way = statement.writes ? random.pick(WRITE_WAYS) : random.pick(isExtended ? EXTENDED_WAYS : READ_WAYS);
    const seen: { answer: Answer; bytes: Buffer }[] = [];
    for (const client of clients) {
      client.forget();
      const answer = await way.send(client, statement.text);
      const bytes = client.takeReceived();
      report.bytes += bytes.length;
      for (const leak of matcher.find(bytes)) report.leaks.push(`${leak} by ${way.name}: ${statement.text}`);
      if (client.closed) report.told.push(`the connection ended by ${way.name}: ${statement.text}`);
      seen.push({ answer, bytes });
    }
    report.sent += 1;
    report.ways.set(way.name, (report.ways.get(way.name) ?? 0) + 1);
    const [first, second] = seen;
    const error = first!.answer.errors[0];
    const isRefused = error?.code === '42501' && error.message.startsWith('taskgate');
    if (isRefused) report.refused += 1;
    else if (error !== undefined) report.failed += 1;
    else report.returned += 1;
    if (
      second !== undefined &&
      !telling &&
      !seen.some(({ answer }) => answer.errors.some(({ code }) => code === '57014'))
    ) {
      report.compared += 1;
      const difference = firstDifference(first!.bytes, second.bytes);
      if (difference !== null) report.told.push(`${difference} by ${way.name}: ${statement.text}`);
    }
    if (statement.writes || way.name === 'explained') return;
    if (!isRefused) report.innocent += error === undefined ? 1 : 0;
    else if (await isInnocent(oracle, statement.text)) {
      report.innocent += 1;
      const why = error.message.replaceAll(/`[^`]*`/g, '`…`');
      const known = report.needless.get(why);
      const example =
        known === undefined || statement.text.length < known.example.length ? statement.text : known.example;
      report.needless.set(why, { count: (known?.count ?? 0) + 1, example });
    }
  };

  // A search that finds nothing where everything is shown would find nothing anywhere.
  await one.door.database.query(one.rows);
  const { rows: open } = await oracleClient.query<{ all: string }>(
    'select p::text || encode(i.serial, $1) as all from people p, items i',
    ['base64'],
  );
  if (matcher.find(Buffer.from(JSON.stringify(open))).length < 20) throw new Error('the search finds no canary');

  while (!isDone()) {
    for (const { door, rows } of sides) await door.database.query(rows);
    const telling = random.oneIn(5);
    const used = telling ? [one] : sides;
    const clients: RawClient[] = [];
    for (const { door, blind, telling: tells } of used) {
      const client = await RawClient.open(door, telling ? tells : blind);
      await client.query(`set statement_timeout = '700ms'`);
      clients.push(client);
    }
    for (let index = 0; index < QUERIES_A_SESSION && !isDone(); index += 1) {
      if (clients.some((client) => client.closed)) break;
      await send(clients, telling);
    }
    for (const client of clients) client.close();
  }
  await oracleClient.end();
  for (const { door } of sides) await door.close();
  return report;
}

/** Whether a read uses masked columns as they are, or not at all, as the server itself resolves it. */
async function isInnocent(oracle: ServerOracle, text: string): Promise<boolean> {
  const answer = await oracle.ask(text);
  if (answer === null) return false;
  if ([...answer.uses].some((column) => MASKED.has(column))) return false;
  return (answer.outputs ?? []).every(
    ({ sources, plain }) => plain || ![...sources].some((source) => MASKED.has(source)),
  );
}

/** The first message in which two answers differ, but for the names of decisions. */
function firstDifference(one: Buffer, other: Buffer): string | null {
  const [left, right] = [messagesOf(one), messagesOf(other)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    if (left[index] !== right[index]) {
      const show = (message: string | undefined): string => JSON.stringify(message?.slice(0, 200));
      return `message ${index}: ${show(left[index])} and ${show(right[index])}`;
    }
  }
  return null;
}

function messagesOf(bytes: Buffer): readonly string[] {
  const messages: string[] = [];
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 1 + bytes.readUInt32BE(at + 1);
    messages.push(
      bytes.toString('latin1', at, at + 1) + bytes.toString('latin1', at + 5, end).replaceAll(/dec_\w+/g, 'dec_'),
    );
    at = end;
  }
  return messages;
}

export function printCanaryReport(report: CanaryReport): string {
  const needless = [...report.needless.values()].reduce((sum, { count }) => sum + count, 0);
  return [
    `${report.sent} queries sent (${[...report.ways].map(([way, count]) => `${way} ${count}`).join(', ')})`,
    `${report.returned} ran, ${report.refused} refused, ${report.failed} failed at the target`,
    `${report.bytes} bytes searched for ${report.needles} needles: ${report.leaks.length} canaries found`,
    ...report.leaks.slice(0, 10).map((leak) => `  ${leak}`),
    `${report.compared} answers compared with those before other canaries: ${report.told.length} differ`,
    ...report.told.slice(0, 10).map((told) => `  ${told}`),
    `${report.innocent} reads use masked columns as they are or not at all: ${needless} of them refused`,
    ...[...report.needless]
      .sort(([, a], [, b]) => b.count - a.count)
      .map(([why, { count, example }]) => `  ${count} times: ${why}\n    ${example.slice(0, 400)}`),
  ].join('\n');
}
