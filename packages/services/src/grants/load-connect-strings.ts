import { Slug } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { type ConnectView, toConnectStrings } from './connect-strings.ts';

const ByTask = z.object({ task: Slug });

export async function loadConnectStrings(ctx: ServiceContext, input: z.input<typeof ByTask>): Promise<ConnectView> {
  requireScope(ctx, 'task:read');
  const { task } = parseInput(ByTask, input);
  const row = await ctx.services.db.task.findUnique({
    where: { name: task },
    select: { resource: { select: { database: true } } },
  });
  if (row === null) throw new TaskgateError('not-found', `there is no task \`${task}\``);
  return toConnectStrings(ctx.services.settings, task, row.resource.database);
}
