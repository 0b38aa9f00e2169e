import { parsePolicy } from '@taskgate/policy';
import type * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { documentRefused } from '../tasks/document-problem.ts';
import { SaveDocumentInput } from '../tasks/save-task.ts';
import { withTransaction } from '../with-transaction.ts';
import { loadPolicyView, type PolicyView } from './load-policies.ts';
import { putPolicy } from './put-policy.ts';

/** A new revision of the policy that the source names, and the policy where the name is new. */
export async function savePolicy(ctx: ServiceContext, input: z.input<typeof SaveDocumentInput>): Promise<PolicyView> {
  requireScope(ctx, 'task:write');
  const { source, publish, baseRevision } = parseInput(SaveDocumentInput, input);
  const parsed = parsePolicy(source);
  if (!parsed.ok) throw documentRefused(parsed.problems);
  return withTransaction(ctx, async (tx) => {
    const { name } = await putPolicy(tx, ctx, { source, document: parsed.document, publish, baseRevision });
    return loadPolicyView(tx, name);
  });
}
