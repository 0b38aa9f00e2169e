import { createHash, randomUUID } from 'node:crypto';
import type { PostgresCatalog, SqlOperation } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { withoutText } from '@taskgate/policy';
import { createRecordingReader, openEvent, type RecordedEvent } from '@taskgate/recording';
import { sqlAnalyzer } from '@taskgate/sql';
import type { ServiceContext } from '../context.ts';
import { storableJson } from '../gateway/storable-json.ts';
import { createFolderRecordingStore } from '../sessions/recording-store.ts';
import { createSessionOpener } from '../sessions/session-opener.ts';
import { createBreather } from './breathe.ts';
import { groupedBy, type RecordedOperation } from './recorded-operations.ts';

/** Why a recorded operation cannot be decided again. */
export type NotAnalyzed = 'no-recording' | 'too-long';

export interface AnalyzedOperations {
  /** By fingerprint. */
  readonly operations: ReadonlyMap<string, SqlOperation>;
  readonly missing: ReadonlyMap<string, NotAnalyzed>;
}

/** Another build may see more in the same statement: what an earlier one saw is of no use. */
const THIS_PROCESS = randomUUID();
const READ_BYTES = 256 * 1024;
/** Longer ones would hold up the web while they are analysed; the recording may not hold all of one either. */
const MAX_STATEMENT_LENGTH = 65_536;
const READ_ROWS = 1_000;
const WRITE_ROWS = 500;

/**
 * What each recorded statement asks for on the catalog as it is now. Kept in the store without its text; what is not
 * there is read from the recordings, which only the product's own key opens, and analysed once.
 */
export async function analyzeRecorded(
  ctx: ServiceContext,
  resource: { readonly id: string; readonly catalog: PostgresCatalog },
  recorded: readonly RecordedOperation[],
  onProgress: (analyzed: number) => void = () => undefined,
): Promise<AnalyzedOperations> {
  const { db, settings } = ctx.services;
  const analyzer = settings.build ?? THIS_PROCESS;
  const newest = new Map<string, RecordedOperation>();
  for (const operation of recorded)
    if (!newest.has(operation.fingerprint)) newest.set(operation.fingerprint, operation);
  const operations = await loadKept(db, resource, analyzer, [...newest.keys()]);
  onProgress(operations.size);
  const bySession = groupedBy(
    [...newest.values()].filter(({ fingerprint }) => !operations.has(fingerprint)),
    ({ sessionId }) => sessionId,
  );
  const missing = new Map<string, NotAnalyzed>();
  const fresh = new Map<string, SqlOperation>();
  const parser = bySession.size === 0 ? null : await sqlAnalyzer(resource.catalog.serverVersion);
  const breathe = createBreather();
  for (const [sessionId, wanted] of bySession) {
    const statements = await readStatements(ctx, sessionId, new Map(wanted.map((one) => [one.seq, one])));
    for (const { fingerprint } of wanted) {
      const statement = statements.get(fingerprint);
      const analyzed = typeof statement === 'string' ? parser!.analyze(statement, resource.catalog) : [];
      if (analyzed.length === 1) {
        const operation = withoutText(analyzed[0]!);
        fresh.set(fingerprint, operation);
        operations.set(fingerprint, operation);
      } else missing.set(fingerprint, statement === null ? 'too-long' : 'no-recording');
      await breathe();
    }
    onProgress(operations.size + missing.size);
  }
  await keep(db, resource, analyzer, fresh);
  return { operations, missing };
}

async function loadKept(
  db: Transaction,
  resource: { readonly id: string; readonly catalog: PostgresCatalog },
  analyzer: string,
  fingerprints: readonly string[],
): Promise<Map<string, SqlOperation>> {
  const kept = new Map<string, SqlOperation>();
  for (let at = 0; at < fingerprints.length; at += READ_ROWS) {
    const rows = await db.$queryRaw<{ fingerprint: string; operation: SqlOperation }[]>`
      select fingerprint, operation from analyzed_statements
      where "resourceId" = ${resource.id} and "catalogVersion" = ${resource.catalog.version} and analyzer = ${analyzer}
        and fingerprint = any(${fingerprints.slice(at, at + READ_ROWS)}::text[])`;
    for (const { fingerprint, operation } of rows) kept.set(fingerprint, operation);
  }
  return kept;
}

async function keep(
  db: Transaction,
  resource: { readonly id: string; readonly catalog: PostgresCatalog },
  analyzer: string,
  fresh: ReadonlyMap<string, SqlOperation>,
): Promise<void> {
  const rows = [...fresh].map(([fingerprint, operation]) => ({ fingerprint, operation }));
  // What another build or catalog made of a statement is of no use to anybody any more.
  if (rows.length > 0)
    await db.$executeRaw`
      delete from analyzed_statements
      where "resourceId" = ${resource.id}
        and ("catalogVersion" <> ${resource.catalog.version} or analyzer <> ${analyzer})`;
  for (let at = 0; at < rows.length; at += WRITE_ROWS)
    await db.$executeRaw`
      insert into analyzed_statements ("resourceId", fingerprint, "catalogVersion", analyzer, operation)
      select ${resource.id}, x.fingerprint, ${resource.catalog.version}, ${analyzer}, x.operation
      from jsonb_to_recordset(${storableJson(rows.slice(at, at + WRITE_ROWS))}::jsonb)
        as x(fingerprint text, operation jsonb)
      order by x.fingerprint
      on conflict ("resourceId", fingerprint) do update
      set "catalogVersion" = excluded."catalogVersion", analyzer = excluded.analyzer, operation = excluded.operation`;
}

/** By fingerprint, the statements of these operations of one session; `null`: it is too long. */
async function readStatements(
  ctx: ServiceContext,
  sessionId: string,
  wanted: ReadonlyMap<number, RecordedOperation>,
): Promise<ReadonlyMap<string, string | null>> {
  const found = new Map<string, string | null>();
  const { db, vault, settings } = ctx.services;
  try {
    const bytes = await createFolderRecordingStore(settings).read(sessionId);
    const session = await db.session.findUnique({ where: { id: sessionId }, select: { wrappedKey: true } });
    if (bytes === null || session === null) return found;
    const open = createSessionOpener(vault, session.wrappedKey, sessionId);
    const breathe = createBreather();
    for await (const read of eventsOf(bytes, breathe)) {
      if (read.event.kind !== 'operation') continue;
      const operation = wanted.get(read.event.seq);
      if (operation === undefined) continue;
      const event = await openEvent(read, open);
      if (event.kind !== 'operation' || event.secret === undefined) continue;
      const { statement, truncated } = event.secret;
      const fingerprint = createHash('sha256').update(statement).digest('hex');
      if (fingerprint === operation.fingerprint)
        found.set(fingerprint, statement.length > MAX_STATEMENT_LENGTH ? null : statement);
      else if (truncated === true) found.set(operation.fingerprint, null);
      if (found.size === wanted.size) break;
    }
  } catch (error) {
    ctx.services.log.warn('a recording cannot be read for a simulation', { session: sessionId, error: String(error) });
  }
  return found;
}

async function* eventsOf(bytes: Uint8Array, breathe: ReturnType<typeof createBreather>): AsyncGenerator<RecordedEvent> {
  const reader = createRecordingReader();
  for (let at = 0; at < bytes.length; at += READ_BYTES) {
    yield* reader.push(bytes.subarray(at, at + READ_BYTES));
    await breathe();
  }
}
