import { type Policy, type PolicySummary, Slug } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { describePolicy, type PolicyDocument, policyApplies } from '@taskgate/policy';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { toResourceFacts } from '../grants/load-terms.ts';
import { loadPeople } from '../grants/person-ref.ts';
import { parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { readPolicyDocument } from '../tasks/task-documents.ts';
import { toDescriptionView } from '../tasks/to-description-view.ts';
import { type RevisionView, toRevisionView } from '../tasks/to-revision-view.ts';

export type PolicyView = z.infer<typeof Policy>;
export type PolicySummaryView = z.infer<typeof PolicySummary>;

const Named = z.object({ name: Slug });

interface PolicyRow {
  readonly id: string;
  readonly name: string;
  readonly publishedRevision: number | null;
  readonly latestRevision: number;
  readonly updatedAt: Date;
}

interface ResourceRow {
  readonly name: string;
  readonly labels: unknown;
  readonly tasks: readonly { readonly name: string }[];
}

/** Every policy, by name. */
export async function loadPolicies(ctx: ServiceContext): Promise<PolicySummaryView[]> {
  requireScope(ctx, 'task:read');
  const { db } = ctx.services;
  const [rows, sources, resources] = await Promise.all([
    db.policy.findMany({ orderBy: { name: 'asc' } }),
    db.$queryRaw<{ policyId: string; source: string }[]>`
      select r."policyId", r.source from policy_revisions r
      join policies p on p.id = r."policyId" and r.revision = coalesce(p."publishedRevision", p."latestRevision")`,
    loadResources(db),
  ]);
  const sourceOf = new Map(sources.map((row) => [row.policyId, row.source]));
  return rows.flatMap((row) => {
    const source = sourceOf.get(row.id);
    // Made between two of the queries: it is in the next answer.
    return source === undefined ? [] : toSummary(row, readPolicyDocument(source), resources);
  });
}

export async function loadPolicy(ctx: ServiceContext, input: z.input<typeof Named>): Promise<PolicyView> {
  requireScope(ctx, 'task:read');
  const { name } = parseInput(Named, input);
  return loadPolicyView(ctx.services.db, name);
}

/** Newest first. */
export async function loadPolicyRevisions(ctx: ServiceContext, input: z.input<typeof Named>): Promise<RevisionView[]> {
  requireScope(ctx, 'task:read');
  const { name } = parseInput(Named, input);
  const { db } = ctx.services;
  const rows = await db.policyRevision.findMany({ where: { policy: { name } }, orderBy: { revision: 'desc' } });
  if (rows.length === 0) throw noPolicy(name);
  const personOf = await loadPeople(
    db,
    rows.map((row) => row.createdById),
  );
  return rows.map((row) => toRevisionView(row, personOf));
}

export const noPolicy = (name: string): TaskgateError =>
  new TaskgateError('not-found', `there is no policy \`${name}\``);

/** The whole of one policy as the API shows it, read through `db`, which may be a transaction. */
export async function loadPolicyView(db: Transaction, name: string): Promise<PolicyView> {
  const row = await db.policy.findUnique({ where: { name } });
  if (row === null) throw noPolicy(name);
  const shownRevision = row.publishedRevision ?? row.latestRevision;
  const revisions = await db.policyRevision.findMany({
    where: { policyId: row.id, revision: { in: [shownRevision, row.latestRevision] } },
  });
  const latest = revisions.find((revision) => revision.revision === row.latestRevision)!;
  const shown = revisions.find((revision) => revision.revision === shownRevision)!;
  const personOf = await loadPeople(
    db,
    revisions.map((revision) => revision.createdById),
  );
  const document = readPolicyDocument(shown.source);
  return {
    ...toSummary(row, document, await loadResources(db)),
    id: row.id,
    current: row.publishedRevision === null ? null : toRevisionView(shown, personOf),
    latest: toRevisionView(latest, personOf),
    description: toDescriptionView(describePolicy(document)),
  };
}

/** Names of the resources that the policy holds on, and of the tasks on them. */
export function policyReach(
  document: PolicyDocument,
  resources: readonly ResourceRow[],
): PolicySummaryView['appliesTo'] {
  const reached = resources.filter((resource) => policyApplies(document, toResourceFacts(resource)));
  return {
    resources: reached.map((resource) => resource.name),
    tasks: reached.flatMap((resource) => resource.tasks.map((task) => task.name)).sort(),
    totalResources: resources.length,
  };
}

export function loadResources(db: Transaction): Promise<ResourceRow[]> {
  return db.resource.findMany({
    select: { name: true, labels: true, tasks: { select: { name: true } } },
    orderBy: { name: 'asc' },
  });
}

function toSummary(row: PolicyRow, document: PolicyDocument, resources: readonly ResourceRow[]): PolicySummaryView {
  return {
    name: row.name,
    purpose: document.purpose,
    revision: row.publishedRevision,
    latestRevision: row.latestRevision,
    appliesTo: policyReach(document, resources),
    rules: document.classify.length + document.deny.length + document.hold.length + document.mask.length,
    updatedAt: row.updatedAt.toISOString(),
  };
}
