import { TaskgateError } from '@taskgate/core';
import { Prisma, type Transaction } from '@taskgate/db';
import { grantTerms, policyApplies } from '@taskgate/policy';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { toResourceFacts } from '../grants/load-terms.ts';
import { loadPoliciesInForce, type PolicyInForce } from '../policies/load-policies-in-force.ts';
import { readTaskDocument } from '../tasks/task-documents.ts';
import { SESSION_SELECT, type SessionRow, toSessionRow } from './session-row.ts';

/** Whoever audits sessions or may end any connection sees that it is there; what was said in it is another matter. */
const seesAll = (actor: IdentityActor): boolean =>
  actor.scopes.includes('session:read') || actor.scopes.includes('grant:revoke');

export function visibleSessions(actor: IdentityActor): Prisma.SessionWhereInput {
  if (seesAll(actor)) return {};
  return actor.scopes.includes('session:own') ? { grant: { ownerIds: { has: actor.identityId } } } : { id: { in: [] } };
}

export function isVisibleSession(actor: IdentityActor, row: SessionRow): boolean {
  return seesAll(actor) || isOwnSession(actor, row);
}

/** Under a grant of theirs: whoever has it answers for what is done under it. */
export function isOwnSession(actor: IdentityActor, row: SessionRow): boolean {
  return row.grant.ownerIds.includes(actor.identityId) && actor.scopes.includes('session:own');
}

export async function loadVisibleSession(ctx: ServiceContext, actor: IdentityActor, id: string): Promise<SessionRow> {
  const stored = await ctx.services.db.session.findUnique({ where: { id }, select: SESSION_SELECT });
  const row = stored && toSessionRow(stored);
  if (row === null || !isVisibleSession(actor, row))
    throw new TaskgateError('not-found', `there is no session \`${id}\``);
  return row;
}

/**
 * Whether the person may read what was said in each session: their own, and anybody's with `session:read` where the
 * task and the policies on its resource name no readers, or name one of their groups.
 */
export async function loadReplayRights(
  db: Transaction,
  actor: IdentityActor,
  rows: readonly SessionRow[],
): Promise<(row: SessionRow) => boolean> {
  const others = rows.filter((row) => !isOwnSession(actor, row));
  if (others.length === 0 || !actor.scopes.includes('session:read')) return (row) => isOwnSession(actor, row);
  const key = (row: SessionRow): string => `${row.grant.taskId}/${row.grant.taskRevision}`;
  const wanted = new Map(others.map((row) => [key(row), row]));
  // One after the other: `db` may be a transaction, which has one connection.
  const revisions = await db.taskRevision.findMany({
    where: {
      OR: [...wanted.values()].map((row) => ({ taskId: row.grant.taskId, revision: row.grant.taskRevision })),
    },
    select: { taskId: true, revision: true, source: true },
  });
  const policies = await loadPoliciesInForce(db);
  const rights = new Map<string, boolean>();
  for (const { taskId, revision, source } of revisions) {
    const row = wanted.get(`${taskId}/${revision}`)!;
    rights.set(key(row), isReader(actor, source, policies, row.grant.task.resource));
  }
  return (row) => isOwnSession(actor, row) || rights.get(key(row)) === true;
}

export function isReader(
  actor: IdentityActor,
  taskSource: string,
  policies: readonly PolicyInForce[],
  resourceRow: { readonly name: string; readonly labels: unknown },
): boolean {
  const document = readTaskDocument(taskSource);
  const resource = toResourceFacts(resourceRow);
  const applying = policies.map((policy) => policy.document).filter((candidate) => policyApplies(candidate, resource));
  const named = [document, ...applying].some((candidate) => candidate.record.readers !== null);
  const { readers } = grantTerms(document, applying, resource).record;
  return !named || readers.some((group) => actor.groups.includes(group));
}

/**
 * The same right for lists that are filtered in the store, over `sessions s` joined with its `grants g`: whose session
 * it is, and readers of the task revision that it was recorded under.
 */
export async function replayableSessions(db: Transaction, actor: IdentityActor): Promise<Prisma.Sql> {
  const own = actor.scopes.includes('session:own')
    ? Prisma.sql`g."ownerIds" @> array[${actor.identityId}]`
    : Prisma.sql`false`;
  if (!actor.scopes.includes('session:read')) return own;
  const readable = await readableRevisions(db, actor);
  return Prisma.sql`(${own} or (g."taskId", g."taskRevision") in (
    select * from unnest(${readable.map((row) => row.taskId)}::text[], ${readable.map((row) => row.revision)}::int[])))`;
}

/** The same for Prisma: what a search may look into, since what it finds says what is there. */
export async function replayableWhere(db: Transaction, actor: IdentityActor): Promise<Prisma.SessionWhereInput> {
  const or: Prisma.SessionWhereInput[] = [];
  if (actor.scopes.includes('session:own')) or.push({ grant: { identityId: actor.identityId } });
  if (actor.scopes.includes('session:read'))
    for (const { taskId, revision } of await readableRevisions(db, actor))
      or.push({ grant: { taskId, taskRevision: revision } });
  return { OR: or };
}

async function readableRevisions(
  db: Transaction,
  actor: IdentityActor,
): Promise<readonly { readonly taskId: string; readonly revision: number }[]> {
  const revisions = await db.$queryRaw<
    { taskId: string; revision: number; source: string; name: string; labels: unknown }[]
  >`
    select r."taskId", r.revision, r.source, e.name, e.labels
    from task_revisions r join tasks t on t.id = r."taskId" join resources e on e.id = t."resourceId"
    where r."publishedAt" is not null`;
  const policies = await loadPoliciesInForce(db);
  return revisions.filter(({ source, ...resource }) => isReader(actor, source, policies, resource));
}
