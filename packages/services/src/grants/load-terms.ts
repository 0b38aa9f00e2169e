import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { grantTerms, policyApplies, type ResourceFacts, type TaskDocument } from '@taskgate/policy';
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

export interface PinnedTask {
  readonly document: TaskDocument;
  readonly source: string;
  /** Those in force now that apply to the resource. */
  readonly policies: readonly PolicyInForce[];
  readonly terms: ReturnType<typeof grantTerms>;
}

/** One revision of a task with the policies that hold for it now and what follows from them for a grant. */
export async function loadPinnedTask(
  db: Transaction,
  taskId: string,
  revision: number,
  resource: ResourceFacts,
): Promise<PinnedTask> {
  const row = await db.taskRevision.findUnique({ where: { taskId_revision: { taskId, revision } } });
  if (row === null) throw new TaskgateError('not-found', `the task has no revision ${revision}`);
  return pinTask(db, row.source, resource);
}

/** As {@link loadPinnedTask}, of a revision whose source is at hand. */
export async function pinTask(db: Transaction, source: string, resource: ResourceFacts): Promise<PinnedTask> {
  const document = readTaskDocument(source);
  const policies = (await loadPoliciesInForce(db)).filter((policy) => policyApplies(policy.document, resource));
  const terms = grantTerms(
    document,
    policies.map((policy) => policy.document),
    resource,
  );
  return { document, source, policies, terms };
}
