import { createDecipheriv, createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { decodeRecording, isSealedRecording, openEvent, unsealRecording } from '@taskgate/recording';
import { waitUntil } from '@taskgate/testkit';
import { expect } from 'vitest';
import { listenConsole } from '../console/listen-console.ts';
import { ConsoleProbe } from './console-probe.ts';
import type { MemoryGrant } from './memory-control-plane.ts';
import { openTestDoor, type TestDoor } from './open-test-door.ts';
import { RawClient } from './raw-client.ts';

export interface RecordedOperation {
  readonly statement: string;
  readonly via: string;
  readonly decision: string;
  readonly outcome: string;
  /** All that the target said, where it said something. */
  readonly message: string | null;
}

/** A policy for a task that allows everything: then every canary is masked. */
export const EVERY_CANARY_MASKED = `kind: Policy
name: hidden
purpose: Every canary is masked
applies: { resources: { labels: { env: production } } }
classify:
  - columns: [public.customers.ssn, public.customers.email, public.customers.phone, public.payments.card_number]
    as: pii
mask:
  - class: pii
    as: redact
`;

export const CONSOLE_ORIGIN = 'http://127.0.0.1:3000';

export interface ThreatDoor extends TestDoor {
  /** A client whose every received byte is searched by {@link ThreatDoor.expectNoLeak}. */
  raw(grant: MemoryGrant, startup?: Readonly<Record<string, string>>): Promise<RawClient>;
  /** A browser's console, likewise. */
  console(grant: MemoryGrant): Promise<ConsoleProbe>;
  readonly consolePort: number;
  /** Canaries, in any disguise, that came to this client since it was last asked. */
  leaksTo(client: RawClient | ConsoleProbe): string[];
  /** No canary, in any disguise, in a byte of any client of this door so far. */
  expectNoLeak(): void;
  /** Of everything in the target that a client could change. */
  fingerprint(): Promise<string>;
  /** The statements in the recordings of all sessions so far, with their outcome. */
  recorded(): Promise<readonly RecordedOperation[]>;
  approve(matching: string, parameters?: readonly (string | null)[]): Promise<void>;
}

const inflate = promisify(zlib.gunzip);
const digits = (seed: string, length: number): string =>
  BigInt(`0x${createHash('sha256').update(seed).digest('hex')}`)
    .toString()
    .slice(-length);

/** The door with a unique value in every cell that no client may see: wherever one turns up, it leaked. */
export async function openThreatDoor(): Promise<ThreatDoor> {
  const door = await openTestDoor();
  const canaries: string[] = [];
  for (let id = 1; id <= 20; id++) {
    const mail = `k${createHash('sha256').update(`mail${id}`).digest('hex').slice(0, 14)}`;
    const raw = digits(`ssn${id}`, 9);
    const ssn = `${raw.slice(0, 3)}-${raw.slice(3, 5)}-${raw.slice(5)}`;
    const phone = `+31${digits(`phone${id}`, 10)}`;
    const card = `5${digits(`card${id}`, 15)}`;
    canaries.push(mail, ssn, phone, card);
    await door.database.query('update public.customers set email = $2, ssn = $3, phone = $4 where id = $1', [
      id,
      `${mail}@example.com`,
      ssn,
      phone,
    ]);
    await door.database.query('insert into public.payments values ($1, $1, $2, 100, now())', [id, card]);
  }
  await door.database.query(`
    create function public.peek() returns text language sql volatile as 'select ssn from public.customers limit 1';
    create function public.peeks() returns setof text language sql stable as 'select ssn from public.customers';
    create function public.row_peek(public.customers) returns text language sql as 'select $1.ssn';
    create function public.wipe() returns int language sql volatile as 'delete from public.order_items; select 1';
    create view public.whole_customers as select * from public.customers;
    create function public.peek_table() returns table (x text) language sql stable as 'select ssn from public.customers';
    create view public.nested_customers as select id, ssn as number from public.whole_customers;
    create materialized view public.kept_customers as select * from public.customers;
    create table public.vip_customers () inherits (public.customers);
    insert into public.vip_customers select 1000 + id, name, email, phone, ssn, country from only public.customers where id <= 2;
    create table public.cards (id int, card_number text) partition by range (id);
    create table public.old_cards partition of public.cards for values from (0) to (1000);
    insert into public.cards select id, card_number from public.payments;
    create table public.ruled (id int, name text);
    create function public.rule_reads(public.ruled) returns text language sql stable as 'select ssn from public.customers limit 1';
    create type public.mood as enum ('good', 'bad');
    create domain public.short as text check (length(value) < 3);
    create unique index on public.customers (ssn);
    alter table public.orders add constraint known_status check (status <> 'forbidden');`);
  const needles = canaries.flatMap((canary) => {
    const bytes = Buffer.from(canary);
    // Base64 of a text somewhere inside another depends on where it starts: the middle of each of the three.
    const base64 = [0, 1, 2].map((shift) =>
      Buffer.concat([Buffer.alloc(shift), bytes])
        .toString('base64')
        .replaceAll('=', '')
        .slice(shift + 2, -2),
    );
    const plainDigits = /^[\d+-]+$/.test(canary) ? [canary.replace(/\D/g, '')] : [];
    return [
      canary,
      canary.toUpperCase(),
      bytes.toString('hex'),
      bytes.toString('hex').toUpperCase(),
      [...canary].reverse().join(''),
      ...base64,
      ...plainDigits,
    ].map((needle) => Buffer.from(needle));
  });
  const clients: (RawClient | ConsoleProbe)[] = [];
  const consoles = await listenConsole({
    host: '127.0.0.1',
    port: 0,
    allowedOrigins: [CONSOLE_ORIGIN],
    ports: door.ports,
  });

  const leaksTo = (client: RawClient | ConsoleProbe): string[] => {
    const received = client.takeReceived();
    return needles.filter((needle) => received.includes(needle)).map(String);
  };
  const openRecording = async (sessionId: string) => {
    const spooled = path.join(door.spoolDirectory, `${sessionId}.tgr`);
    const file = fs.existsSync(spooled)
      ? spooled
      : fs
          .readdirSync(door.archiveDirectory, { recursive: true, encoding: 'utf8' })
          .filter((name) => name.includes(sessionId))
          .map((name) => path.join(door.archiveDirectory, name))[0]!;
    const kept = new Uint8Array(fs.readFileSync(file));
    const bytes = isSealedRecording(kept)
      ? await unsealRecording(kept, { decompress: (block) => inflate(block), maxBytes: 64 * 1024 * 1024 })
      : kept;
    const decoded = decodeRecording(bytes);
    const key = door.controlPlane.keys.get(sessionId)!;
    return Promise.all(
      decoded.events.map((event) =>
        openEvent(event, (ciphertext, seq) =>
          key.reveal((base64) => {
            const nonce = Buffer.alloc(12);
            nonce.writeBigUInt64BE(BigInt(seq), 4);
            const decipher = createDecipheriv('aes-256-gcm', Buffer.from(base64, 'base64'), nonce);
            decipher.setAAD(Buffer.from(`${sessionId}:${seq}`));
            decipher.setAuthTag(ciphertext.subarray(-16));
            return Buffer.concat([decipher.update(ciphertext.subarray(0, -16)), decipher.final()]);
          }),
        ),
      ),
    );
  };

  return {
    ...door,
    async raw(grant, startup = {}) {
      const client = await RawClient.open(door, grant, startup);
      clients.push(client);
      return client;
    },
    consolePort: consoles.port,
    async console(grant) {
      const ticket = randomBytes(12).toString('hex');
      door.controlPlane.tickets.set(ticket, grant.grant.grantId);
      const client = await ConsoleProbe.open(consoles.port, CONSOLE_ORIGIN, ticket);
      clients.push(client);
      return client;
    },
    leaksTo,
    expectNoLeak() {
      for (const client of clients) expect(leaksTo(client)).toEqual([]);
    },
    async fingerprint() {
      const [row] = await door.database.query<{ all: string }>(`select md5(
        (select string_agg(t::text, '|' order by id) from public.customers t) ||
        (select string_agg(t::text, '|' order by id) from public.orders t) ||
        coalesce((select string_agg(t::text, '|' order by id) from public.order_items t), '') ||
        (select string_agg(t::text, '|' order by id) from public.payments t) ||
        (select string_agg(relname, '|' order by relname) from pg_class where relnamespace = 'public'::regnamespace) ||
        (select string_agg(prosrc, '|' order by proname) from pg_proc where pronamespace = 'public'::regnamespace)) as all`);
      return row!.all;
    },
    async recorded() {
      const found: (RecordedOperation & { id: string; outcome: string; message: string | null })[] = [];
      for (const { sessionId } of door.controlPlane.sessions)
        for (const event of await openRecording(sessionId)) {
          if (event.kind === 'operation')
            found.push({
              id: event.decisionId,
              statement: event.secret?.statement ?? '',
              via: event.via,
              decision: event.decision.outcome,
              outcome: 'unknown',
              message: null,
            });
          if (event.kind === 'outcome') {
            const of = found.find(({ id }) => id === event.decisionId);
            if (of !== undefined) {
              of.outcome = event.outcome;
              of.message = event.secret?.message ?? null;
            }
          }
        }
      return found;
    },
    async approve(matching) {
      const hold = await waitUntil(
        () =>
          door.controlPlane.holds.find(
            ({ statement, state }) => statement.includes(matching) && state.state === 'waiting',
          ) ?? null,
      );
      door.controlPlane.decideHold(hold.holdId, { state: 'approved', by: ['reviewer@demo.test'], comment: null });
    },
    async close() {
      for (const client of clients) client.close();
      await consoles.close();
      await door.close();
    },
  };
}
