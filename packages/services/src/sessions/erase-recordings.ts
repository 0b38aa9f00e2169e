import { Prisma, type Transaction } from '@taskgate/db';
import { grantTerms, policyApplies } from '@taskgate/policy';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { toResourceFacts } from '../grants/load-terms.ts';
import { notifyChange } from '../live/notify-change.ts';
import { loadPoliciesInForce, type PolicyInForce } from '../policies/load-policies-in-force.ts';
import { requireSystem } from '../require-scope.ts';
import { readTaskDocument } from '../tasks/task-documents.ts';
import { withTransaction } from '../with-transaction.ts';
import { createFolderRecordingStore } from './recording-store.ts';

/** No document may ask for less. */
const SHORTEST_KEEP_MS = 86_400_000;
const MAX_PER_TURN = 200;
const ERASED = '-- deleted with its recording';

/**
 * Deletes the recordings whose time is over: the file, the key that opens it, the index of what it said, and of its
 * holds the statements, the rows of dry runs and what was signed. The session stays, with what it counted and its signed head. Kept are those that somebody
 * has marked, and those that nobody gave an end. Run by a timer; several may run at once. Gives how many were deleted.
 */
export async function eraseRecordings(ctx: ServiceContext): Promise<number> {
  requireSystem(ctx, 'timer');
  const { db, clock, log } = ctx.services;
  const now = clock.now();
  const revisions = await db.$queryRaw<
    { taskId: string; revision: number; source: string; name: string; labels: unknown }[]
  >`
    select distinct r."taskId", r.revision, r.source, e.name, e.labels
    from sessions s
    join grants g on g.id = s."grantId"
    join task_revisions r on r."taskId" = g."taskId" and r.revision = g."taskRevision"
    join tasks t on t.id = r."taskId" join resources e on e.id = t."resourceId"
    where s."erasedAt" is null and s."keepReason" is null
      and s."endedAt" < ${new Date(now - SHORTEST_KEEP_MS)}`;
  if (revisions.length === 0) return 0;
  const policies = await loadPoliciesInForce(db);
  const publishedAt = await loadPublished(db);
  let erased = 0;
  for (const revision of revisions) {
    let due: Due | null;
    try {
      due = whatIsDue(revision, policies, publishedAt, now);
    } catch (error) {
      // What cannot be read may ask for more.
      log.warn('how long recordings are kept could not be read', { task: revision.taskId, error: String(error) });
      continue;
    }
    if (due === null) continue;
    const over = await db.$queryRaw<{ id: string }[]>`
      select s.id from sessions s join grants g on g.id = s."grantId"
      where g."taskId" = ${revision.taskId} and g."taskRevision" = ${revision.revision} and ${erasable(due, now)}
      limit ${MAX_PER_TURN}`;
    for (const { id } of over) if (await eraseRecording(ctx, id, due)) erased++;
  }
  return erased;
}

interface Due {
  /** Sessions that ended before that are over by now's documents. */
  readonly endedBefore: Date;
  /** When the last policy was published that asks for it. */
  readonly askedSince: Date;
}

/**
 * Over by what is asked for now, and by what was asked for when it began. Where nobody had asked then, the time counts from
 * when somebody did: to publish a short one does not delete at once what was to stay.
 */
const erasable = ({ endedBefore, askedSince }: Due, now: number) => Prisma.sql`
  s."erasedAt" is null and s."keepReason" is null and s."endedAt" < ${endedBefore}
  and case when s."keepMs" is null then ${askedSince}::timestamptz < ${endedBefore}
    else s."endedAt" < ${new Date(now)}::timestamptz - s."keepMs" * interval '1 millisecond' end`;

/** The longest counts that the task or a policy on its resource asks for. `null`: none does. */
function whatIsDue(
  revision: { readonly source: string; readonly name: string; readonly labels: unknown },
  policies: readonly PolicyInForce[],
  publishedAt: ReadonlyMap<string, Date>,
  now: number,
): Due | null {
  const resource = toResourceFacts(revision);
  const { keepMs } = grantTerms(
    readTaskDocument(revision.source),
    policies.map((policy) => policy.document),
    resource,
  ).record;
  if (keepMs === null) return null;
  const asking = policies.filter(
    ({ document }) => document.record.keepMs !== null && policyApplies(document, resource),
  );
  const since = Math.max(0, ...asking.map(({ name }) => publishedAt.get(name)?.getTime() ?? now));
  return { endedBefore: new Date(now - keepMs), askedSince: new Date(since) };
}

async function loadPublished(db: Transaction): Promise<ReadonlyMap<string, Date>> {
  const rows = await db.$queryRaw<{ name: string; publishedAt: Date }[]>`
    select p.name, r."publishedAt"
    from policies p
    join policy_revisions r on r."policyId" = p.id and r.revision = p."publishedRevision"`;
  return new Map(rows.map((row) => [row.name, row.publishedAt]));
}

async function eraseRecording(ctx: ServiceContext, id: string, due: Due): Promise<boolean> {
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const at = new Date(now);
    // Asked again under the row's lock: somebody may have marked it since. Without its key no copy can be read.
    const count = await tx.$executeRaw`
      update sessions s set "erasedAt" = ${at}, "wrappedKey" = '' where s.id = ${id} and ${erasable(due, now)}`;
    if (count === 0) return false;
    const { grant } = await tx.session.findUniqueOrThrow({
      where: { id },
      select: { grant: { select: { identityId: true } } },
    });
    await eraseHolds(tx, id);
    const operations = await tx.operationRecord.deleteMany({ where: { sessionId: id } });
    await createFolderRecordingStore(ctx.services.settings).erase(id);
    await emitAudit(tx, ctx, {
      action: 'recording.erase',
      subjectKind: 'recording',
      subject: id,
      before: { operations: operations.count },
      after: { erasedAt: at, endedBefore: due.endedBefore },
    });
    await notifyChange(tx, { topic: 'sessions', id, userId: grant.identityId });
    return true;
  });
}

/** That there was a hold and who approved it stays; of what was signed, its hash, which the passkey's answer holds. */
async function eraseHolds(tx: Transaction, sessionId: string): Promise<void> {
  await tx.$executeRaw`
    update holds set statement = ${ERASED}, parameters = '[]', relations = '[]', reasons = '[]', "dryRun" = "dryRun" - 'sample'
    where "sessionId" = ${sessionId}`;
  await tx.approvalSignature.updateMany({ where: { approval: { hold: { sessionId } } }, data: { signed: null } });
  // Questions that nobody answered stand here until the next one is asked.
  await tx.$executeRaw`
    delete from passkey_challenges
    where purpose = 'approve-hold' and subject in (select id from holds where "sessionId" = ${sessionId})`;
}
