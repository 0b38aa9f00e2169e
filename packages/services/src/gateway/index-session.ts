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
    const added =
      batch.operations.length > 0
        ? await addOperations(tx, sessionId, batch.operations, outcomesOf(batch.outcomes))
        : NONE_ADDED;
    // Those of operations that are new were written with them.
    const ownRows = new Set(added.operations === batch.operations.length ? batch.operations.map(idOf) : []);
    const later = batch.outcomes.filter((outcome) => !ownRows.has(idOf(outcome)));
    const changed = later.length > 0 ? await addOutcomes(tx, sessionId, later) : NONE_CHANGED;
    await count(tx, sessionId, batch.upTo, added, changed);
    if (batch.end !== null && !session.ended) await endSessionRow(tx, ctx, sessionId, batch.end);
    await notifyChange(tx, { topic: 'sessions', id: sessionId, userId: session.identityId });
  });
}

type Operations = SessionIndexBatch['operations'];
type Outcomes = SessionIndexBatch['outcomes'];
interface AddedOperations {
  readonly operations: number;
  readonly denied: number;
  readonly held: number;
  readonly rows: bigint;
  readonly masked: bigint;
}
interface ChangedOutcomes {
  readonly rows: bigint;
  readonly masked: bigint;
}
const NONE_CHANGED: ChangedOutcomes = { rows: 0n, masked: 0n };
const NONE_ADDED: AddedOperations = { operations: 0, denied: 0, held: 0, ...NONE_CHANGED };

const idOf = ({ decisionId }: { readonly decisionId: string }): string => decisionId;
const outcomesOf = (outcomes: Outcomes): ReadonlyMap<string, Outcomes[number]> =>
  new Map(outcomes.map((outcome) => [outcome.decisionId, outcome]));

/** New rows, each with its outcome where that came along: to change a row that was just written costs as much again. */
async function addOperations(
  tx: Transaction,
  sessionId: string,
  operations: Operations,
  outcomes: ReadonlyMap<string, Outcomes[number]>,
): Promise<AddedOperations> {
  const reaches = await addReaches(tx, operations);
  const { statements, numbers } = toStatements(operations);
  const said = storableJson(
    statements.map((operation, n) => ({
      n,
      outcome: operation.outcome,
      statementClass: operation.statementClass,
      label: operation.label,
      fingerprint: operation.fingerprint,
      catalogVersion: operation.catalogVersion,
      relations: operation.relations,
      relationNames: [...new Set(operation.relations.map((relation) => `${relation.schema}.${relation.name}`))],
      reachId: reaches.get(operation.relations)!,
      reasons: operation.reasons,
    })),
  );
  const rows = storableJson(
    operations.map(({ seq, at, decisionId }, index) => {
      const outcome = outcomes.get(decisionId);
      const n = numbers[index]!;
      if (outcome === undefined) return { n, seq, at, id: decisionId };
      const { outcome: result, tag, rows: sent, bytes, maskedCells: masked, durationMs: ms, sqlstate: code } = outcome;
      return { n, seq, at, id: decisionId, result, tag, sent, bytes, masked, ms, code };
    }),
  );
  const [added] = await tx.$queryRaw<AddedOperations[]>`
    with said as materialized (
      select s.*, array(select jsonb_array_elements_text(s."relationNames")) as names
      from jsonb_to_recordset(${said}::jsonb) as s(n int, outcome text, "statementClass" text, label text,
        fingerprint text, "catalogVersion" text, "reachId" text, relations jsonb, "relationNames" jsonb, reasons jsonb)
    ), added as (
    insert into operations ("sessionId", seq, "decisionId", at, outcome, "statementClass", label, fingerprint,
      "catalogVersion", "reachId", relations, "relationNames", reasons, result, tag, rows, bytes, "maskedCells",
      "durationMs", sqlstate)
    select ${sessionId}, x.seq, x.id, timestamptz 'epoch' + x.at * interval '1 ms', said.outcome,
      said."statementClass", said.label, said.fingerprint, said."catalogVersion", said."reachId", said.relations,
      said.names, said.reasons, x.result, x.tag, x.sent, coalesce(x.bytes, 0), coalesce(x.masked, 0), x.ms, x.code
    from jsonb_to_recordset(${rows}::jsonb) as x(n int, seq int, at bigint, id text, result text, tag text, sent bigint,
      bytes bigint, masked int, ms float8, code text)
    join said on said.n = x.n
    on conflict ("sessionId", seq) do nothing
    returning outcome, rows, "maskedCells")
    select count(*)::int as operations, (count(*) filter (where outcome = 'deny'))::int as denied,
      (count(*) filter (where outcome = 'hold'))::int as held, coalesce(sum(rows), 0)::bigint as rows,
      coalesce(sum("maskedCells"), 0)::bigint as masked
    from added`;
  return added!;
}

/** Most operations repeat a statement: what it says goes to the store once. `numbers`: which one each operation is of. */
function toStatements(operations: Operations): {
  readonly statements: Operations;
  readonly numbers: readonly number[];
} {
  const statements: Operations[number][] = [];
  const byText = new Map<string, number>();
  const numbers = operations.map((operation) => {
    const number = byText.get(operation.fingerprint);
    const known = number === undefined ? undefined : statements[number];
    if (
      known !== undefined &&
      known.relations === operation.relations &&
      known.reasons === operation.reasons &&
      known.outcome === operation.outcome &&
      known.label === operation.label &&
      known.statementClass === operation.statementClass &&
      known.catalogVersion === operation.catalogVersion
    )
      return number!;
    byText.set(operation.fingerprint, statements.length);
    return statements.push(operation) - 1;
  });
  return { statements, numbers };
}

/**
 * Few statements reach different things: what they reach is kept once, column by column, and each operation points to
 * it. Gives the id of each list of relations.
 */
async function addReaches(
  tx: Transaction,
  operations: Operations,
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

async function addOutcomes(tx: Transaction, sessionId: string, outcomes: Outcomes): Promise<ChangedOutcomes> {
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
      "rowCount" = "rowCount" + ${added.rows + changed.rows}::bigint,
      "maskedCells" = "maskedCells" + ${added.masked + changed.masked}::bigint
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
