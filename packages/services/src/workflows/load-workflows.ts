import { Slug, type Workflow, type WorkflowSummary } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { describeWorkflow, mayActivate, type WorkflowDocument } from '@taskgate/policy';
import * as z from 'zod';
import type { Actor, ServiceContext } from '../context.ts';
import { loadPeople } from '../grants/person-ref.ts';
import { parseInput } from '../parse-input.ts';
import { activatorOf } from '../people/to-actor.ts';
import { requireScope } from '../require-scope.ts';
import { readWorkflowDocument } from '../tasks/task-documents.ts';
import { toDescriptionView } from '../tasks/to-description-view.ts';
import { type RevisionView, toRevisionView } from '../tasks/to-revision-view.ts';

export type WorkflowView = z.infer<typeof Workflow>;
export type WorkflowSummaryView = z.infer<typeof WorkflowSummary>;

const Named = z.object({ name: Slug });

interface WorkflowRow {
  readonly id: string;
  readonly name: string;
  readonly publishedRevision: number | null;
  readonly latestRevision: number;
  readonly updatedAt: Date;
}

/** Every workflow, by name, with what the caller may do with it now. */
export async function loadWorkflows(ctx: ServiceContext): Promise<WorkflowSummaryView[]> {
  requireScope(ctx, 'task:read');
  const { db } = ctx.services;
  const [rows, sources, resourceOf, counts] = await Promise.all([
    db.workflow.findMany({ orderBy: { name: 'asc' } }),
    db.$queryRaw<{ workflowId: string; source: string }[]>`
      select r."workflowId", r.source from workflow_revisions r
      join workflows w on w.id = r."workflowId" and r.revision = coalesce(w."publishedRevision", w."latestRevision")`,
    loadTaskResources(db),
    countActiveGrants(db),
  ]);
  const sourceOf = new Map(sources.map((row) => [row.workflowId, row.source]));
  return rows.flatMap((row) => {
    const source = sourceOf.get(row.id);
    // Made between two of the queries: it is in the next answer.
    if (source === undefined) return [];
    return toSummary(ctx, row, readWorkflowDocument(source), resourceOf, counts.get(row.id) ?? 0);
  });
}

export async function loadWorkflow(ctx: ServiceContext, input: z.input<typeof Named>): Promise<WorkflowView> {
  requireScope(ctx, 'task:read');
  const { name } = parseInput(Named, input);
  return loadWorkflowView(ctx, ctx.services.db, name);
}

/** Newest first. */
export async function loadWorkflowRevisions(
  ctx: ServiceContext,
  input: z.input<typeof Named>,
): Promise<RevisionView[]> {
  requireScope(ctx, 'task:read');
  const { name } = parseInput(Named, input);
  const { db } = ctx.services;
  const rows = await db.workflowRevision.findMany({ where: { workflow: { name } }, orderBy: { revision: 'desc' } });
  if (rows.length === 0) throw noWorkflow(name);
  const personOf = await loadPeople(
    db,
    rows.map((row) => row.createdById),
  );
  return rows.map((row) => toRevisionView(row, personOf));
}

export const noWorkflow = (name: string): TaskgateError =>
  new TaskgateError('not-found', `there is no workflow \`${name}\``);

/** The whole of one workflow as the API shows it, read through `db`, which may be a transaction. */
export async function loadWorkflowView(ctx: ServiceContext, db: Transaction, name: string): Promise<WorkflowView> {
  const row = await db.workflow.findUnique({ where: { name } });
  if (row === null) throw noWorkflow(name);
  const shownRevision = row.publishedRevision ?? row.latestRevision;
  const revisions = await db.workflowRevision.findMany({
    where: { workflowId: row.id, revision: { in: [shownRevision, row.latestRevision] } },
  });
  const latest = revisions.find((revision) => revision.revision === row.latestRevision)!;
  const shown = revisions.find((revision) => revision.revision === shownRevision)!;
  const personOf = await loadPeople(
    db,
    revisions.map((revision) => revision.createdById),
  );
  const document = readWorkflowDocument(shown.source);
  const counts = await countActiveGrants(db);
  return {
    ...toSummary(ctx, row, document, await loadTaskResources(db), counts.get(row.id) ?? 0),
    id: row.id,
    current: row.publishedRevision === null ? null : toRevisionView(shown, personOf),
    latest: toRevisionView(latest, personOf),
    description: toDescriptionView(describeWorkflow(document)),
    limits: { ...document.limits },
  };
}

function toSummary(
  ctx: ServiceContext,
  row: WorkflowRow,
  document: WorkflowDocument,
  resourceOf: ReadonlyMap<string, string>,
  activeGrants: number,
): WorkflowSummaryView {
  const { access, who } = document;
  const whyNot = whyNotActivate(row, document, ctx.actor, ctx.services.clock.now());
  return {
    name: row.name,
    purpose: document.purpose,
    revision: row.publishedRevision,
    latestRevision: row.latestRevision,
    steps: document.steps.map(({ task, after }) => ({
      task,
      after: [...after],
      resource: resourceOf.get(task) ?? null,
    })),
    mayActivate: whyNot === null,
    whyNot,
    approvals: access.approvals && { from: [...access.approvals.from], count: access.approvals.count },
    reasonRequired: access.reasonRequired,
    ticketRequired: access.ticketRequired,
    ttlMs: access.ttlMs,
    who: [...who.groups, ...who.machines, ...who.agents],
    activeGrants,
    updatedAt: row.updatedAt.toISOString(),
  };
}

function whyNotActivate(row: WorkflowRow, document: WorkflowDocument, actor: Actor, now: number): string | null {
  if (actor.kind === 'system') return 'only somebody who is signed in can ask for a workflow';
  if (!actor.scopes.includes('grant:request')) return 'you may not ask for workflows';
  if (row.publishedRevision === null) return 'it is a draft that was not published yet';
  const may = mayActivate(document, activatorOf(actor), { epochMs: now });
  return may.ok ? null : may.reason;
}

/** The resource of every task, by the task's name. */
async function loadTaskResources(db: Transaction): Promise<ReadonlyMap<string, string>> {
  const rows = await db.task.findMany({ select: { name: true, resource: { select: { name: true } } } });
  return new Map(rows.map((row) => [row.name, row.resource.name]));
}

async function countActiveGrants(db: Transaction): Promise<ReadonlyMap<string, number>> {
  const groups = await db.grant.groupBy({
    by: ['workflowId'],
    where: { state: 'active', workflowId: { not: null } },
    _count: { _all: true },
  });
  return new Map(groups.flatMap((group) => (group.workflowId === null ? [] : [[group.workflowId, group._count._all]])));
}
