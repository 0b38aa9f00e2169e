import { parseWorkflow } from '@taskgate/policy';
import type * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { documentRefused } from '../tasks/document-problem.ts';
import { SaveDocumentInput } from '../tasks/save-task.ts';
import { withTransaction } from '../with-transaction.ts';
import { loadWorkflowView, type WorkflowView } from './load-workflows.ts';
import { putWorkflow } from './put-workflow.ts';

/** A new revision of the workflow that the source names, and the workflow where the name is new. */
export async function saveWorkflow(
  ctx: ServiceContext,
  input: z.input<typeof SaveDocumentInput>,
): Promise<WorkflowView> {
  requireScope(ctx, 'task:write');
  const { source, publish, baseRevision } = parseInput(SaveDocumentInput, input);
  const parsed = parseWorkflow(source);
  if (!parsed.ok) throw documentRefused(parsed.problems);
  return withTransaction(ctx, async (tx) => {
    const { name } = await putWorkflow(tx, ctx, { source, document: parsed.document, publish, baseRevision });
    return loadWorkflowView(ctx, tx, name);
  });
}
