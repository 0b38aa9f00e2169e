import { type AuditRow, contract } from '@taskgate/contracts';
import type { Database, Prisma } from '@taskgate/db';
import type * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { subtreeOf } from '../grants/grant-reach.ts';
import { readCursor, toPage } from '../grants/instant-cursor.ts';
import { loadPeople } from '../grants/person-ref.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';

export type AuditRowView = z.infer<typeof AuditRow>;

/**
 * Changes of the control plane, the newest first. `actor` is an e-mail address or id, `action` the whole of one or its
 * noun (`grant`), `subject` an id (also of a deed: all that it changed), or the name of what has one; the id of a row
 * too, which is the reference that whoever was refused a sign-in has been given.
 */
export async function loadAudit(
  ctx: ServiceContext,
  input: unknown,
): Promise<{ items: AuditRowView[]; nextCursor: string | null }> {
  requireScope(ctx, 'audit:read');
  const { cursor, limit, actor, action, subject, node, from, to } = parseInput(inputOf(contract.audit.list), input);
  const after = readCursor(cursor);
  const { db } = ctx.services;
  const conditions: Prisma.AuditRowWhereInput[] = [];
  if (actor !== undefined) conditions.push({ actorId: { in: await findPersonIds(db, actor) } });
  if (action !== undefined) conditions.push({ OR: [{ action }, { action: { startsWith: `${action}.` } }] });
  if (subject !== undefined)
    conditions.push({
      OR: [{ id: subject }, { subject: { in: await findSubjects(db, subject) } }, { actId: subject }],
    });
  if (node !== undefined) conditions.push(await ofSubtree(db, node));
  if (from !== undefined) conditions.push({ at: { gte: new Date(from) } });
  if (to !== undefined) conditions.push({ at: { lt: new Date(to) } });
  if (after !== null) conditions.push({ OR: [{ at: { lt: after.at } }, { at: after.at, id: { lt: after.id } }] });
  const rows = await db.auditRow.findMany({
    where: { AND: conditions },
    orderBy: [{ at: 'desc' }, { id: 'desc' }],
    take: limit + 1,
  });
  const page = toPage(rows, limit, (row) => ({ at: row.at, id: row.id }));
  const personOf = await loadPeople(
    db,
    page.items.map((row) => row.actorId),
  );
  return {
    nextCursor: page.nextCursor,
    items: page.items.map((row) => ({
      id: row.id,
      at: row.at.toISOString(),
      actor: row.actorId === null ? null : personOf(row.actorId),
      via: row.via,
      action: row.action,
      actId: row.actId,
      subjectKind: row.subjectKind,
      subject: row.subject,
      before: row.before,
      after: row.after,
    })),
  };
}

/** What was done with a grant and every grant below it, their sessions and their holds. */
async function ofSubtree(db: Database, node: string): Promise<Prisma.AuditRowWhereInput> {
  const grants = await db.grant.findMany({
    where: subtreeOf(node),
    select: { id: true, sessions: { select: { id: true } }, holds: { select: { id: true } } },
  });
  const ids = grants.flatMap(({ id, sessions, holds }) => [id, ...[...sessions, ...holds].map((one) => one.id)]);
  return { subject: { in: ids } };
}

async function findPersonIds(db: Database, actor: string): Promise<string[]> {
  const found = await db.identity.findMany({
    where: { OR: [{ id: actor }, { email: actor.toLowerCase() }, { kind: { not: 'person' }, name: actor }] },
    select: { id: true },
  });
  return found.map((person) => person.id);
}

/** The text itself, and the ids of whatever has that name. */
async function findSubjects(db: Database, subject: string): Promise<string[]> {
  const where = { name: subject };
  const select = { id: true } as const;
  const found = await Promise.all([
    db.task.findMany({ where, select }),
    db.policy.findMany({ where, select }),
    db.workflow.findMany({ where, select }),
    db.resource.findMany({ where, select }),
    db.group.findMany({ where, select }),
    db.issuer.findMany({ where, select }),
    db.identity.findMany({
      where: { OR: [{ email: subject.toLowerCase() }, { kind: { not: 'person' }, name: subject }] },
      select,
    }),
  ]);
  return [subject, ...found.flat().map((row) => row.id)];
}
