import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { readPolicyDocument, readTaskDocument, readWorkflowDocument } from '../tasks/task-documents.ts';

const READERS = { task: readTaskDocument, policy: readPolicyDocument, workflow: readWorkflowDocument } as const;

/**
 * A group, machine or person that a document in force, or a draft, names opens what the document says to whoever makes it, or
 * can be it: that is for the role `admin`. Anything there by that name counts, a table too. Throws `forbidden`.
 */
export async function requireUnnamed(tx: Transaction, ctx: ServiceContext, name: string): Promise<void> {
  const { actor } = ctx;
  if (actor.kind === 'system' || actor.roles.includes('admin')) return;
  const said = await tx.$queryRaw<{ kind: keyof typeof READERS; source: string }[]>`
    select 'task' as kind, r.source from tasks d
    join task_revisions r on r."taskId" = d.id and r.revision >= coalesce(d."publishedRevision", 0)
    union all
    select 'policy', r.source from policies d
    join policy_revisions r on r."policyId" = d.id and r.revision >= coalesce(d."publishedRevision", 0)
    union all
    select 'workflow', r.source from workflows d
    join workflow_revisions r on r."workflowId" = d.id and r.revision >= coalesce(d."publishedRevision", 0)`;
  if (said.some(({ kind, source }) => names(READERS[kind](source), name)))
    throw new TaskgateError(
      'forbidden',
      `a task, policy or workflow names \`${name}\`; ask somebody with the role \`admin\``,
    );
}

/** As a value of its own, or quoted in an expression. */
function names(value: unknown, name: string): boolean {
  if (typeof value === 'string') return value === name || value.includes(`'${name}'`) || value.includes(`"${name}"`);
  return typeof value === 'object' && value !== null && Object.values(value).some((one) => names(one, name));
}
