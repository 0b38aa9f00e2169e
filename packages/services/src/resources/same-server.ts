import { lookup } from 'node:dns/promises';
import type { Client } from 'pg';
import { connectStored, type StoredTarget } from '../catalog/stored-catalog.ts';
import type { ServiceContext } from '../context.ts';

const DEADLINE_MS = 5_000;

/**
 * Those of `others` that lead to the server of `own`, or to a replica of it, under whatever name: a role there is one role.
 * What the servers say counts, each over its own connection: an advisory lock that we hold at the one is seen at the other,
 * or a server in recovery has the same system identifier (one that is not is a copy, with roles of its own). Where one
 * cannot be reached, its port and the addresses of its name say it.
 */
export async function findOnSameServer(
  ctx: ServiceContext,
  own: StoredTarget,
  others: readonly StoredTarget[],
): Promise<readonly StoredTarget[]> {
  const client = await connectStored(ctx, own, { deadlineMs: DEADLINE_MS }).catch(() => null);
  try {
    const mark = client === null ? null : await leaveMark(ctx, client).catch(() => null);
    const same = await Promise.all(
      others.map(async (other) => (await saysSame(ctx, other, mark)) ?? (await isSameAddress(own, other))),
    );
    return others.filter((_, n) => same[n]);
  } finally {
    await client?.end().catch(() => {});
  }
}

interface Mark {
  /** Keys of the lock: two numbers that nobody else holds. */
  readonly keys: readonly [number, number];
  /** `null`: the credential may not ask. */
  readonly systemId: string | null;
}

async function leaveMark(ctx: ServiceContext, client: Client): Promise<Mark> {
  const bytes = Buffer.from(ctx.services.randomBytes(8));
  const keys = [bytes.readUInt32BE(0) >>> 1, bytes.readUInt32BE(4) >>> 1] as const;
  const systemId = await readSystemId(client);
  // Until the transaction ends, behind a pooler too.
  await client.query('BEGIN');
  await client.query('SELECT pg_catalog.pg_advisory_xact_lock($1::int, $2::int)', [...keys]);
  return { keys, systemId };
}

/** `null`: it cannot be asked. */
async function saysSame(ctx: ServiceContext, other: StoredTarget, mark: Mark | null): Promise<boolean | null> {
  if (mark === null) return null;
  const client = await connectStored(ctx, other, { deadlineMs: DEADLINE_MS }).catch(() => null);
  if (client === null) return null;
  try {
    const { rows } = await client.query<{ marked: boolean; replica: boolean }>(
      `SELECT pg_catalog.pg_is_in_recovery() AS replica, EXISTS (
         SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND objsubid = 2
           AND classid = $1::pg_catalog.int8::pg_catalog.oid AND objid = $2::pg_catalog.int8::pg_catalog.oid) AS marked`,
      [...mark.keys],
    );
    const { marked, replica } = rows[0]!;
    if (marked || !replica) return marked;
    return mark.systemId === null ? null : (await readSystemId(client)) === mark.systemId;
  } catch {
    return null;
  } finally {
    await client.end().catch(() => {});
  }
}

async function readSystemId(client: Client): Promise<string | null> {
  try {
    const { rows } = await client.query<{ id: string }>(
      'SELECT system_identifier::text AS id FROM pg_catalog.pg_control_system()',
    );
    return rows[0]?.id ?? null;
  } catch {
    return null;
  }
}

async function isSameAddress({ target: a }: StoredTarget, { target: b }: StoredTarget): Promise<boolean> {
  if (a.port !== b.port) return false;
  const [ours, theirs] = await Promise.all([addressesOf(a.host), addressesOf(b.host)]);
  return ours.some((address) => theirs.includes(address));
}

/** With the name itself, which one that resolves to nothing at this moment still has. */
async function addressesOf(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true }).catch(() => []);
  return [host.toLowerCase(), ...found.map(({ address }) => address)];
}
