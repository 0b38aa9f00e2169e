import { type GrantLimits, NO_LIMITS, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { grantTerms, narrowestLimits, policyApplies, type ResourceFacts, type TaskDocument } from '@taskgate/policy';
import { loadPoliciesInForce, type PolicyInForce } from '../policies/load-policies-in-force.ts';
import { readTaskDocument } from '../tasks/task-documents.ts';

/** Labels as the store keeps them; anything but text is dropped, and then no rule that asks for it matches. */
export function toResourceFacts(row: { readonly name: string; readonly labels: unknown }): ResourceFacts {
  const labels =
    typeof row.labels === 'object' && row.labels !== null && !Array.isArray(row.labels)
      ? Object.entries(row.labels).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
      : [];
  return { name: row.name, labels: Object.fromEntries(labels) };
}

const LIMIT_NAMES = Object.keys(NO_LIMITS) as (keyof GrantLimits)[];

export interface PinnedTask {
  readonly document: TaskDocument;
  readonly source: string;
  /** Those in force now that apply to the resource. */
  readonly policies: readonly PolicyInForce[];
  readonly terms: ReturnType<typeof grantTerms>;
}

/** What of a grant says what it is of; of a task that no grant is of yet, its revision alone. */
export interface PinnedOf {
  readonly taskId: string;
  readonly taskRevision: number;
  /** The task as narrowed for the grant. */
  readonly document?: string | null;
  readonly limits?: unknown;
}

/** A grant's document, with the policies that hold for it now and what follows from them for it. */
export async function loadPinnedTask(db: Transaction, of: PinnedOf, resource: ResourceFacts): Promise<PinnedTask> {
  const source = of.document ?? (await loadTaskSource(db, of.taskId, of.taskRevision));
  return pinTask(db, { source, limits: of.limits }, resource);
}

/** As {@link loadPinnedTask}, of a document that is at hand. */
export async function pinTask(
  db: Transaction,
  { source, limits }: { readonly source: string; readonly limits: unknown },
  resource: ResourceFacts,
): Promise<PinnedTask> {
  const document = readTaskDocument(source);
  const policies = (await loadPoliciesInForce(db)).filter((policy) => policyApplies(policy.document, resource));
  const terms = grantTerms(
    document,
    policies.map((policy) => policy.document),
    resource,
  );
  return {
    document,
    source,
    policies,
    terms: { ...terms, limits: narrowestLimits([terms.limits, readLimits(limits)]) },
  };
}

export async function loadTaskSource(db: Transaction, taskId: string, revision: number): Promise<string> {
  const row = await db.taskRevision.findUnique({ where: { taskId_revision: { taskId, revision } } });
  if (row === null) throw new TaskgateError('not-found', `the task has no revision ${revision}`);
  return row.source;
}

/** Limits as the store keeps them. Anything that is no number throws: dropping it would widen what the grant may. */
export function readLimits(stored: unknown): GrantLimits {
  if (stored === null || stored === undefined) return NO_LIMITS;
  const limits: Record<keyof GrantLimits, number | null> = { ...NO_LIMITS };
  for (const name of LIMIT_NAMES) {
    const value: unknown = (stored as Record<string, unknown>)[name] ?? null;
    if (value !== null && typeof value !== 'number')
      throw new TaskgateError('internal', `the limit \`${name}\` of a grant has a shape that is not known`);
    limits[name] = value;
  }
  return limits;
}
