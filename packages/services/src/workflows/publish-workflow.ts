import { TaskgateError } from '@taskgate/core';
import type * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { NumberedInput } from '../tasks/publish-task.ts';
import { readWorkflowDocument } from '../tasks/task-documents.ts';
import { withTransaction } from '../with-transaction.ts';
import { loadWorkflowView, noWorkflow, type WorkflowView } from './load-workflows.ts';
import { publishWorkflowRevision } from './put-workflow.ts';

/** Makes a revision, new or old, the one that new grants are of. Grants that exist keep theirs. */
export async function publishWorkflow(
  ctx: ServiceContext,
  input: z.input<typeof NumberedInput>,
): Promise<WorkflowView> {
  requireScope(ctx, 'task:write');
  const { name, revision } = parseInput(NumberedInput, input);
  return withTransaction(ctx, async (tx) => {
    const [locked] = await tx.$queryRaw<{ id: string; publishedRevision: number | null }[]>`
      select id, "publishedRevision" from workflows where name = ${name} for update`;
    if (locked === undefined) throw noWorkflow(name);
    const row = await tx.workflowRevision.findUnique({
      where: { workflowId_revision: { workflowId: locked.id, revision } },
    });
    if (row === null) throw new TaskgateError('not-found', `workflow \`${name}\` has no revision ${revision}`);
    // An old one may be of a time when the grammar let more through.
    readWorkflowDocument(row.source);
    if (locked.publishedRevision !== revision) await publishWorkflowRevision(tx, ctx, locked.id, revision);
    return loadWorkflowView(ctx, tx, name);
  });
}
