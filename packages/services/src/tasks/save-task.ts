import { Source } from '@taskgate/contracts';
import { parseTask } from '@taskgate/policy';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { documentRefused } from './document-problem.ts';
import { loadTaskView, type TaskView } from './load-tasks.ts';
import { putTask } from './put-task.ts';

export const SaveDocumentInput = z.object({
  source: Source,
  publish: z.boolean().default(false),
  /** The revision that was edited; 0 for a new name; `null`: whatever is there. */
  baseRevision: z.number().int().min(0).nullable().default(null),
});

/** A new revision of the task that the source names, and the task where the name is new. */
export async function saveTask(ctx: ServiceContext, input: z.input<typeof SaveDocumentInput>): Promise<TaskView> {
  requireScope(ctx, 'task:write');
  const { source, publish, baseRevision } = parseInput(SaveDocumentInput, input);
  const parsed = parseTask(source);
  if (!parsed.ok) throw documentRefused(parsed.problems);
  return withTransaction(ctx, async (tx) => {
    const { name } = await putTask(tx, ctx, { source, document: parsed.document, publish, baseRevision });
    return loadTaskView(ctx, tx, name);
  });
}
