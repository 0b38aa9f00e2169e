import { POLICY_TEMPLATE, TASK_TEMPLATE } from '@taskgate/policy';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';

const ByKind = z.object({ kind: z.enum(['Task', 'Policy']) });

/** What a new document starts from. */
export async function loadTemplate(ctx: ServiceContext, input: z.input<typeof ByKind>): Promise<{ source: string }> {
  requireScope(ctx, 'task:read');
  return { source: parseInput(ByKind, input).kind === 'Task' ? TASK_TEMPLATE : POLICY_TEMPLATE };
}
