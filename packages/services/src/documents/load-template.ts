import { POLICY_TEMPLATE, TASK_TEMPLATE, WORKFLOW_TEMPLATE } from '@taskgate/policy';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';

const ByKind = z.object({ kind: z.enum(['Task', 'Policy', 'Workflow']) });

const TEMPLATES = { Task: TASK_TEMPLATE, Policy: POLICY_TEMPLATE, Workflow: WORKFLOW_TEMPLATE } as const;

/** What a new document starts from. */
export async function loadTemplate(ctx: ServiceContext, input: z.input<typeof ByKind>): Promise<{ source: string }> {
  requireScope(ctx, 'task:read');
  return { source: TEMPLATES[parseInput(ByKind, input).kind] };
}
