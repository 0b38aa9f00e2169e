import { Slug } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { loadTaskView, noTask, type TaskView } from './load-tasks.ts';
import { publishTaskRevision } from './put-task.ts';
import { readTaskDocument } from './task-documents.ts';

export const NumberedInput = z.object({ name: Slug, revision: z.coerce.number().int().min(1) });

/** Makes a revision, new or old, the one that new grants are of. Grants that exist keep theirs. */
export async function publishTask(ctx: ServiceContext, input: z.input<typeof NumberedInput>): Promise<TaskView> {
  requireScope(ctx, 'task:write');
  const { name, revision } = parseInput(NumberedInput, input);
  return withTransaction(ctx, async (tx) => {
    const [locked] = await tx.$queryRaw<{ id: string; publishedRevision: number | null }[]>`
      select id, "publishedRevision" from tasks where name = ${name} for update`;
    if (locked === undefined) throw noTask(name);
    const row = await tx.taskRevision.findUnique({
      where: { taskId_revision: { taskId: locked.id, revision } },
    });
    if (row === null) throw new TaskgateError('not-found', `task \`${name}\` has no revision ${revision}`);
    // An old one may be of a time when the grammar let more through.
    readTaskDocument(row.source);
    if (locked.publishedRevision !== revision) await publishTaskRevision(tx, ctx, locked.id, revision);
    return loadTaskView(ctx, tx, name);
  });
}
