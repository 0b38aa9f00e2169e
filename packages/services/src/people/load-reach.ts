import { contract, type Reach } from '@taskgate/contracts';
import { type Scope, TaskgateError } from '@taskgate/core';
import type { Prisma, Transaction } from '@taskgate/db';
import { buildPrincipal } from '@taskgate/identity';
import { mayActivate } from '@taskgate/policy';
import type * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { nameOf, requireTaskGrant } from '../grants/grant-row.ts';
import { PERSON_SELECT, toPerson } from '../grants/person-ref.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { readTaskDocument } from '../tasks/task-documents.ts';
import { toActivator, toActor } from './to-actor.ts';
import { groupsOf, USER_SELECT, type UserRow } from './user-view.ts';
import { standingWebSessions } from './web-session-life.ts';
import { whyNotOffboard } from './why-not-offboard.ts';

export type ReachView = z.infer<typeof Reach>;

/** Of one list; what is ended is ended whole. */
const MAX_LISTED = 500;

/** What a person, machine or agent can reach, and what of it (and of the agents that act for it) is alive now. */
export async function loadReach(ctx: ServiceContext, input: unknown): Promise<ReachView> {
  requireScope(ctx, 'people:read');
  const mayChange = ctx.actor.kind === 'system' || ctx.actor.scopes.includes('people:write');
  const { id } = parseInput(inputOf(contract.people.reach), input);
  const { db, clock } = ctx.services;
  const now = clock.now();
  const row = await db.identity.findUnique({
    where: { id },
    select: USER_SELECT,
  });
  if (row === null) throw new TaskgateError('not-found', `there is nobody \`${id}\``);
  const agents = await db.identity.findMany({
    where: { actsForId: id },
    select: PERSON_SELECT,
    orderBy: { name: 'asc' },
  });
  const owned = { identityId: { in: [id, ...agents.map((agent) => agent.id)] } };
  const { groups, roles, scopes } = toActor(row, { via: 'session', viaId: '', limitedTo: null });
  const enabled = row.disabledAt === null;
  const standing = { grant: owned, endedAt: null };
  const [tasks, apiTokens, scimTokens, webSessions, grants, sessions, holds, asked] = await Promise.all([
    enabled ? reachableTasks(db, row, scopes, now) : [],
    db.apiToken.findMany({
      where: { ...owned, revokedAt: null, expiresAt: { gt: new Date(now) } },
      select: { id: true, name: true, scopes: true, expiresAt: true, identity: { select: PERSON_SELECT } },
      orderBy: { createdAt: 'desc' },
      take: MAX_LISTED,
    }),
    db.scimToken.findMany({
      where: { createdById: id, revokedAt: null, expiresAt: { gt: new Date(now) } },
      select: { id: true, name: true, adopts: true, expiresAt: true },
      orderBy: { createdAt: 'desc' },
      take: MAX_LISTED,
    }),
    db.webSession.findMany({
      where: { userId: id, ...standingWebSessions(now) },
      select: { id: true, lastSeenAt: true, userAgent: true },
      orderBy: { lastSeenAt: 'desc' },
      take: MAX_LISTED,
    }),
    db.grant.findMany({
      where: { ...owned, state: { not: 'ended' } },
      select: {
        id: true,
        state: true,
        expiresAt: true,
        task: { select: { name: true } },
        workflow: { select: { name: true } },
        identity: { select: PERSON_SELECT },
      },
      orderBy: { requestedAt: 'desc' },
      take: MAX_LISTED,
    }),
    db.session.findMany({
      where: standing,
      select: { id: true, startedAt: true, grant: { select: OWNED_SELECT } },
      orderBy: { startedAt: 'desc' },
      take: MAX_LISTED,
    }),
    db.hold.findMany({
      where: { grant: owned, state: 'waiting' },
      select: { id: true, createdAt: true, grant: { select: OWNED_SELECT } },
      orderBy: { createdAt: 'desc' },
      take: MAX_LISTED,
    }),
    enabled && scopes.includes('grant:review') ? loadAsked(db, id, groups, now) : [],
  ]);
  return {
    identity: {
      ...toPerson(row),
      disabledAt: row.disabledAt?.toISOString() ?? null,
      actsFor: row.actsFor === null ? null : toPerson({ ...row.actsFor, actsFor: null }),
    },
    whyNotOffboard: whyNotOffboard(ctx, row)?.message ?? null,
    groups: [...groups],
    roles: [...roles],
    scopes: [...scopes],
    tasks,
    resources: [...new Set(tasks.map((task) => task.resource))].sort(),
    agents: agents.map(toPerson),
    apiTokens: mayChange
      ? apiTokens.map((token) => ({
          id: token.id,
          name: token.name,
          owner: toPerson(token.identity),
          scopes: token.scopes as Scope[],
          expiresAt: token.expiresAt.toISOString(),
        }))
      : null,
    scimTokens: mayChange ? scimTokens.map((one) => ({ ...one, expiresAt: one.expiresAt.toISOString() })) : null,
    webSessions: mayChange ? webSessions.map((one) => ({ ...one, lastSeenAt: one.lastSeenAt.toISOString() })) : null,
    grants: grants.map((grant) => ({
      id: grant.id,
      task: nameOf(grant),
      owner: toPerson(grant.identity),
      state: grant.state as ReachView['grants'][number]['state'],
      expiresAt: grant.expiresAt?.toISOString() ?? null,
    })),
    sessions: sessions.map(({ id: sessionId, startedAt, grant }) => ({
      id: sessionId,
      task: requireTaskGrant(grant).task.name,
      resource: requireTaskGrant(grant).task.resource.name,
      owner: toPerson(grant.identity),
      startedAt: startedAt.toISOString(),
    })),
    holds: holds.map(({ id: holdId, createdAt, grant }) => ({
      id: holdId,
      task: requireTaskGrant(grant).task.name,
      owner: toPerson(grant.identity),
      createdAt: createdAt.toISOString(),
    })),
    asked,
  };
}

const OWNED_SELECT = {
  task: { select: { name: true, resource: { select: { name: true } } } },
  identity: { select: PERSON_SELECT },
} as const satisfies Prisma.GrantSelect;

/** Published tasks that name them, at whatever hours. */
async function reachableTasks(
  db: Transaction,
  row: UserRow,
  scopes: readonly Scope[],
  now: number,
): Promise<ReachView['tasks']> {
  if (!scopes.includes('grant:request')) return [];
  const published = await db.$queryRaw<{ name: string; resource: string; source: string }[]>`
    select t.name, e.name as resource, r.source
    from tasks t
    join task_revisions r on r."taskId" = t.id and r.revision = t."publishedRevision"
    join resources e on e.id = t."resourceId"
    order by t.name`;
  return published.flatMap(({ name, resource, source }) => {
    const document = readTaskDocument(source);
    const always = { ...document, access: { ...document.access, when: null } };
    const activator = toActivator(row);
    if (!mayActivate(always, activator, { epochMs: now }).ok) return [];
    const { groups } = row.kind === 'person' ? activator : { groups: [row.name] };
    const named = [...document.who.groups, ...document.who.machines, ...document.who.agents];
    return [{ name, resource, by: named.filter((one) => groups.includes(one)) }];
  });
}

/** What waits for their answer, and how many others could give it. */
async function loadAsked(
  db: Transaction,
  id: string,
  groups: readonly string[],
  now: number,
): Promise<ReachView['asked']> {
  const open = { approverGroups: { hasSome: [...groups] }, approvals: { none: { userId: id } } };
  const [grants, holds, reviewers] = await Promise.all([
    db.grant.findMany({
      where: { ...open, state: 'requested', requestExpiresAt: { gt: new Date(now) }, identityId: { not: id } },
      select: {
        id: true,
        approverGroups: true,
        task: { select: { name: true } },
        workflow: { select: { name: true } },
        identity: { select: PERSON_SELECT },
      },
      take: MAX_LISTED,
    }),
    db.hold.findMany({
      where: { ...open, state: 'waiting', grant: { identityId: { not: id } } },
      select: { id: true, approverGroups: true, grant: { select: OWNED_SELECT } },
      take: MAX_LISTED,
    }),
    db.identity.findMany({
      where: {
        kind: 'person',
        disabledAt: null,
        id: { not: id },
        memberships: { some: { group: { name: { in: [...groups] } } } },
      },
      select: USER_SELECT,
    }),
  ]);
  const able = reviewers
    .map((one) => ({ id: one.id, ...buildPrincipal(groupsOf(one), null) }))
    .filter((one) => one.scopes.includes('grant:review'));
  const others = (approverGroups: readonly string[], ownerId: string): number =>
    able.filter((one) => one.id !== ownerId && one.groups.some((group) => approverGroups.includes(group))).length;
  return [
    ...grants.map((grant) => ({
      kind: 'grant' as const,
      id: grant.id,
      task: nameOf(grant),
      requestedBy: toPerson(grant.identity),
      others: others(grant.approverGroups, grant.identity.id),
    })),
    ...holds.map((hold) => ({
      kind: 'hold' as const,
      id: hold.id,
      task: requireTaskGrant(hold.grant).task.name,
      requestedBy: toPerson(hold.grant.identity),
      others: others(hold.approverGroups, hold.grant.identity.id),
    })),
  ];
}
