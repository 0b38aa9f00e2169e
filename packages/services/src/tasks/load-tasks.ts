import { Slug, type Task, type TaskSummary } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { describeTask, grantTerms, mayActivate, policyApplies, type TaskDocument } from '@taskgate/policy';
import * as z from 'zod';
import type { Actor, ServiceContext } from '../context.ts';
import { toResourceFacts } from '../grants/load-terms.ts';
import { loadPeople } from '../grants/person-ref.ts';
import { parseInput } from '../parse-input.ts';
import { activatorOf } from '../people/to-actor.ts';
import { loadPoliciesInForce, type PolicyInForce } from '../policies/load-policies-in-force.ts';
import { requireScope } from '../require-scope.ts';
import { readTaskDocument } from './task-documents.ts';
import { toDescriptionView } from './to-description-view.ts';
import { type RevisionView, toRevisionView } from './to-revision-view.ts';

export type TaskView = z.infer<typeof Task>;
export type TaskSummaryView = z.infer<typeof TaskSummary>;

const Named = z.object({ name: Slug });

const TASK_SELECT = {
  id: true,
  name: true,
  publishedRevision: true,
  latestRevision: true,
  updatedAt: true,
  resource: { select: { name: true, labels: true } },
} as const;

interface TaskRow {
  readonly id: string;
  readonly name: string;
  readonly publishedRevision: number | null;
  readonly latestRevision: number;
  readonly updatedAt: Date;
  readonly resource: { readonly name: string; readonly labels: unknown };
}

/** Every task, by name, with what the caller may do with it now. */
export async function loadTasks(ctx: ServiceContext): Promise<TaskSummaryView[]> {
  requireScope(ctx, 'task:read');
  const { db, clock } = ctx.services;
  const [rows, sources, policies, counts] = await Promise.all([
    db.task.findMany({ select: TASK_SELECT, orderBy: { name: 'asc' } }),
    // What is shown of a task is its published revision, and its draft only while there is none.
    db.$queryRaw<{ taskId: string; source: string }[]>`
      select r."taskId", r.source from task_revisions r
      join tasks t on t.id = r."taskId" and r.revision = coalesce(t."publishedRevision", t."latestRevision")`,
    loadPoliciesInForce(db),
    countActiveGrants(db, null),
  ]);
  const sourceOf = new Map(sources.map((row) => [row.taskId, row.source]));
  return rows.flatMap((row) => {
    const source = sourceOf.get(row.id);
    // Made between two of the queries: it is in the next answer.
    if (source === undefined) return [];
    return toSummary(row, readTaskDocument(source), policies, counts(row.id), ctx.actor, clock.now());
  });
}

export async function loadTask(ctx: ServiceContext, input: z.input<typeof Named>): Promise<TaskView> {
  requireScope(ctx, 'task:read');
  const { name } = parseInput(Named, input);
  return loadTaskView(ctx, ctx.services.db, name);
}

/** Newest first. */
export async function loadTaskRevisions(ctx: ServiceContext, input: z.input<typeof Named>): Promise<RevisionView[]> {
  requireScope(ctx, 'task:read');
  const { name } = parseInput(Named, input);
  const { db } = ctx.services;
  const rows = await db.taskRevision.findMany({ where: { task: { name } }, orderBy: { revision: 'desc' } });
  if (rows.length === 0) throw noTask(name);
  const personOf = await loadPeople(
    db,
    rows.map((row) => row.createdById),
  );
  return rows.map((row) => toRevisionView(row, personOf));
}

export const noTask = (name: string): TaskgateError => new TaskgateError('not-found', `there is no task \`${name}\``);

/** The whole of one task as the API shows it, read through `db`, which may be a transaction. */
export async function loadTaskView(ctx: ServiceContext, db: Transaction, name: string): Promise<TaskView> {
  const row = await db.task.findUnique({ where: { name }, select: TASK_SELECT });
  if (row === null) throw noTask(name);
  const shownRevision = row.publishedRevision ?? row.latestRevision;
  const revisions = await db.taskRevision.findMany({
    where: { taskId: row.id, revision: { in: [shownRevision, row.latestRevision] } },
  });
  const latest = revisions.find((revision) => revision.revision === row.latestRevision)!;
  const shown = revisions.find((revision) => revision.revision === shownRevision)!;
  const [personOf, policies, counts] = [
    await loadPeople(
      db,
      revisions.map((revision) => revision.createdById),
    ),
    await loadPoliciesInForce(db),
    await countActiveGrants(db, row.id),
  ];
  const document = readTaskDocument(shown.source);
  const resource = toResourceFacts(row.resource);
  const applying = policies.filter((policy) => policyApplies(policy.document, resource));
  return {
    ...toSummary(row, document, policies, counts(row.id), ctx.actor, ctx.services.clock.now()),
    id: row.id,
    current: row.publishedRevision === null ? null : toRevisionView(shown, personOf),
    latest: toRevisionView(latest, personOf),
    description: toDescriptionView(describeTask(document)),
    policies: applying.map((policy) => ({
      name: policy.name,
      revision: policy.revision,
      purpose: policy.document.purpose,
    })),
    limits: grantTerms(
      document,
      applying.map((policy) => policy.document),
      resource,
    ).limits,
  };
}

function toSummary(
  row: TaskRow,
  document: TaskDocument,
  policies: readonly PolicyInForce[],
  activeGrants: number,
  actor: Actor,
  now: number,
): TaskSummaryView {
  const terms = grantTerms(
    document,
    policies.map((policy) => policy.document),
    toResourceFacts(row.resource),
  );
  const whyNot = whyNotActivate(row, document, actor, now);
  return {
    name: row.name,
    purpose: document.purpose,
    resource: row.resource.name,
    revision: row.publishedRevision,
    latestRevision: row.latestRevision,
    mayActivate: whyNot === null,
    whyNot,
    approvals: terms.approvals && { from: [...terms.approvals.from], count: terms.approvals.count },
    stepUp: terms.stepUp,
    reasonRequired: terms.reasonRequired,
    ticketRequired: terms.ticketRequired,
    ttlMs: terms.ttlMs,
    who: [...document.who.groups, ...document.who.machines, ...document.who.agents],
    activeGrants,
    updatedAt: row.updatedAt.toISOString(),
  };
}

function whyNotActivate(row: TaskRow, document: TaskDocument, actor: Actor, now: number): string | null {
  if (actor.kind === 'system') return 'only a person, a machine or an agent can ask for a task';
  if (!actor.scopes.includes('grant:request')) return 'you may not ask for tasks';
  if (row.publishedRevision === null) return 'it is a draft that was not published yet';
  const may = mayActivate(document, activatorOf(actor), { epochMs: now });
  return may.ok ? null : may.reason;
}

async function countActiveGrants(db: Transaction, taskId: string | null): Promise<(taskId: string) => number> {
  const groups = await db.grant.groupBy({
    by: ['taskId'],
    where: { state: 'active', ...(taskId === null ? {} : { taskId }) },
    _count: { _all: true },
  });
  const byTask = new Map(groups.map((group) => [group.taskId, group._count._all]));
  return (id) => byTask.get(id) ?? 0;
}
