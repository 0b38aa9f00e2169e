import { createHash } from 'node:crypto';
import { type Reason, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { cancelHolds } from '../holds/cancel-holds.ts';
import { notifyChange } from '../live/notify-change.ts';
import { requireSystem } from '../require-scope.ts';
import { encodeSessionHead } from '../sessions/session-head.ts';
import { withTransaction } from '../with-transaction.ts';
import { storableJson, storableText } from './storable-json.ts';

export interface IndexedRelation {
  readonly verb: string;
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
  /** Columns by their class, as of the decision. */
  readonly classes?: Readonly<Record<string, readonly string[]>>;
}

export interface SessionIndexBatch {
  readonly operations: readonly {
    readonly seq: number;
    readonly at: number;
    readonly decisionId: string;
    readonly outcome: 'allow' | 'deny' | 'hold';
    readonly statementClass: string;
    readonly label: string;
    readonly fingerprint: string;
    readonly catalogVersion: string;
    readonly relations: readonly IndexedRelation[];
    readonly reasons: readonly Reason[];
  }[];
  readonly outcomes: readonly {
    readonly decisionId: string;
    readonly outcome: 'done' | 'error' | 'refused' | 'cancelled' | 'skipped' | 'withheld' | 'unknown';
    readonly tag: string | null;
    readonly rows: number | null;
    readonly bytes: number;
    readonly maskedCells: number;
    readonly durationMs: number | null;
    readonly sqlstate: string | null;
  }[];
  readonly end: {
    readonly at: number;
    readonly reason: string;
    readonly detail: string | null;
    readonly interrupted: boolean;
    readonly head: { readonly count: number; readonly hash: string };
    readonly bytesIn: number;
    readonly bytesOut: number;
  } | null;
  readonly upTo: number;
}

/**
 * Writes what a recording says into the index. A batch may come again, whole or in other pieces, after a crash or a
 * lost answer: rows are by (session, sequence), counters count what is new among them, and an end is written once.
 */
export async function indexSession(ctx: ServiceContext, sessionId: string, batch: SessionIndexBatch): Promise<void> {
  requireSystem(ctx, 'gateway');
  await withTransaction(ctx, async (tx) => {
    const [session] = await tx.$queryRaw<{ ended: boolean; identityId: string }[]>`
      select s."endedAt" is not null as ended, g."identityId"
      from sessions s join grants g on g.id = s."grantId"
      where s.id = ${sessionId} for update of s`;
    if (session === undefined) throw new TaskgateError('not-found', `there is no session \`${sessionId}\``);
    const added = batch.operations.length > 0 ? await addOperations(tx, sessionId, batch.operations) : NONE_ADDED;
    const changed = batch.outcomes.length > 0 ? await addOutcomes(tx, sessionId, batch.outcomes) : NONE_CHANGED;
    await count(tx, sessionId, batch.upTo, added, changed);
    if (batch.end !== null && !session.ended) await endSessionRow(tx, ctx, sessionId, batch.end);
    await notifyChange(tx, { topic: 'sessions', id: sessionId, userId: session.identityId });
  });
}

interface AddedOperations {
  readonly operations: number;
  readonly denied: number;
  readonly held: number;
}
interface ChangedOutcomes {
  readonly rows: bigint;
  readonly masked: bigint;
}
const NONE_ADDED: AddedOperations = { operations: 0, denied: 0, held: 0 };
const NONE_CHANGED: ChangedOutcomes = { rows: 0n, masked: 0n };

async function addOperations(
  tx: Transaction,
  sessionId: string,
  operations: SessionIndexBatch['operations'],
): Promise<AddedOperations> {
  const reaches = await addReaches(tx, operations);
  const rows = storableJson(
    operations.map((operation) => ({
      ...operation,
      at: new Date(operation.at).toISOString(),
      relationNames: [...new Set(operation.relations.map((relation) => `${relation.schema}.${relation.name}`))],
      reachId: reaches.get(operation.relations)!,
    })),
  );
  const [added] = await tx.$queryRaw<AddedOperations[]>`
    with added as (
    insert into operations ("sessionId", seq, "decisionId", at, outcome, "statementClass", label, fingerprint,
      "catalogVersion", "reachId", relations, "relationNames", reasons)
    select ${sessionId}, x.seq, x."decisionId", x.at, x.outcome, x."statementClass", x.label, x.fingerprint,
      x."catalogVersion", x."reachId", x.relations, array(select jsonb_array_elements_text(x."relationNames")), x.reasons
    from jsonb_to_recordset(${rows}::jsonb) as x(seq int, "decisionId" text, at timestamptz, outcome text,
      "statementClass" text, label text, fingerprint text, "catalogVersion" text, "reachId" text, relations jsonb,
      "relationNames" jsonb, reasons jsonb)
    on conflict ("sessionId", seq) do nothing
    returning outcome)
    select count(*)::int as operations, (count(*) filter (where outcome = 'deny'))::int as denied,
      (count(*) filter (where outcome = 'hold'))::int as held
    from added`;
  return added!;
}

/**
 * Few statements reach different things: what they reach is kept once, column by column, and each operation points to
 * it. Gives the id of each list of relations.
 */
async function addReaches(
  tx: Transaction,
  operations: SessionIndexBatch['operations'],
): Promise<ReadonlyMap<readonly IndexedRelation[], string>> {
  const ids = new Map<readonly IndexedRelation[], string>();
  const reaches = new Map<string, readonly IndexedRelation[]>();
  for (const { relations } of operations) {
    if (ids.has(relations)) continue;
    const id = createHash('sha256').update(JSON.stringify(relations)).digest('hex').slice(0, 32);
    ids.set(relations, id);
    reaches.set(id, relations);
  }
  // In one order everywhere, so that two batches never wait for each other.
  const ordered = [...reaches].sort(([a], [b]) => (a < b ? -1 : 1));
  const fresh = await tx.$queryRaw<{ id: string }[]>`
    insert into reaches (id) select unnest(${ordered.map(([id]) => id)}::text[])
    on conflict (id) do nothing returning id`;
  const columns = fresh.flatMap(({ id }) =>
    reaches.get(id)!.flatMap(({ verb, schema, name, columns: names, classes }) =>
      // A relation of which no column is read, as in `select count(*)`, is reached all the same.
      (names.length === 0 ? [''] : names).map((column) => ({
        reachId: id,
        verb,
        relation: `${schema}.${name}`,
        column,
        classes: Object.keys(classes ?? {}).filter((label) => classes![label]!.includes(column)),
      })),
    ),
  );
  if (columns.length > 0)
    await tx.$executeRaw`
      insert into reached_columns ("reachId", verb, relation, "column", classes)
      select x."reachId", x.verb, x.relation, x."column", array(select jsonb_array_elements_text(x.classes))
      from jsonb_to_recordset(${storableJson(columns)}::jsonb) as x("reachId" text, verb text, relation text,
        "column" text, classes jsonb)
      on conflict do nothing`;
  return ids;
}

async function addOutcomes(
  tx: Transaction,
  sessionId: string,
  outcomes: SessionIndexBatch['outcomes'],
): Promise<ChangedOutcomes> {
  // What is known is never made unknown again. The session's row is locked: nobody else changes these meanwhile.
  const [changed] = await tx.$queryRaw<ChangedOutcomes[]>`
    with x as (
      select * from jsonb_to_recordset(${storableJson(outcomes)}::jsonb) as x("decisionId" text, outcome text, tag text,
        rows bigint, bytes bigint, "maskedCells" int, "durationMs" float8, sqlstate text)
    ), before as (
      select o.seq, o.rows, o."maskedCells", x."decisionId" from operations o join x on o."decisionId" = x."decisionId"
      where o."sessionId" = ${sessionId} and (o.result is null or x.outcome <> 'unknown')
    ), changed as (
      update operations o
      set result = x.outcome, tag = x.tag, rows = x.rows, bytes = x.bytes, "maskedCells" = x."maskedCells",
        "durationMs" = x."durationMs", sqlstate = x.sqlstate
      from x join before on before."decisionId" = x."decisionId"
      where o."sessionId" = ${sessionId} and o.seq = before.seq
      returning coalesce(o.rows, 0) - coalesce(before.rows, 0) as rows, o."maskedCells" - before."maskedCells" as masked
    )
    select coalesce(sum(rows), 0)::bigint as rows, coalesce(sum(masked), 0)::bigint as masked from changed`;
  return changed!;
}

async function count(
  tx: Transaction,
  sessionId: string,
  upTo: number,
  added: AddedOperations,
  changed: ChangedOutcomes,
): Promise<void> {
  await tx.$executeRaw`
    update sessions
    set "indexedUpTo" = greatest("indexedUpTo", ${upTo}::int), "operationCount" = "operationCount" + ${added.operations}::int,
      "deniedCount" = "deniedCount" + ${added.denied}::int, "heldCount" = "heldCount" + ${added.held}::int,
      "rowCount" = "rowCount" + ${changed.rows}::bigint, "maskedCells" = "maskedCells" + ${changed.masked}::bigint
    where id = ${sessionId}`;
}

async function endSessionRow(
  tx: Transaction,
  ctx: ServiceContext,
  sessionId: string,
  end: NonNullable<SessionIndexBatch['end']>,
): Promise<void> {
  const { signer, clock } = ctx.services;
  const signature = signer.signHead(encodeSessionHead(sessionId, end.head));
  const ended = {
    endedAt: new Date(end.at),
    endReason: storableText(end.reason),
    interrupted: end.interrupted,
    headCount: end.head.count,
    headHash: end.head.hash,
    headSignature: Buffer.from(signature).toString('base64'),
    headKeyId: signer.keyId,
  };
  await tx.session.update({
    where: { id: sessionId },
    data: {
      ...ended,
      endDetail: end.detail === null ? null : storableText(end.detail),
      bytesIn: BigInt(end.bytesIn),
      bytesOut: BigInt(end.bytesOut),
    },
  });
  await cancelHolds(tx, ctx, { sessionId }, clock.now());
  await emitAudit(tx, ctx, {
    action: 'session.ended',
    subjectKind: 'session',
    subject: sessionId,
    before: { endedAt: null },
    after: ended,
  });
}
