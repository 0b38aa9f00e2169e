import { TaskgateError } from '@taskgate/core';
import type * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { NumberedInput } from '../tasks/publish-task.ts';
import { readPolicyDocument } from '../tasks/task-documents.ts';
import { withTransaction } from '../with-transaction.ts';
import { loadPolicyView, noPolicy, type PolicyView } from './load-policies.ts';
import { publishPolicyRevision } from './put-policy.ts';

/** Makes a revision, new or old, the one in force: for grants and sessions that are under way too. */
export async function publishPolicy(ctx: ServiceContext, input: z.input<typeof NumberedInput>): Promise<PolicyView> {
  requireScope(ctx, 'task:write');
  const { name, revision } = parseInput(NumberedInput, input);
  return withTransaction(ctx, async (tx) => {
    const [locked] = await tx.$queryRaw<{ id: string; publishedRevision: number | null }[]>`
      select id, "publishedRevision" from policies where name = ${name} for update`;
    if (locked === undefined) throw noPolicy(name);
    const row = await tx.policyRevision.findUnique({
      where: { policyId_revision: { policyId: locked.id, revision } },
    });
    if (row === null) throw new TaskgateError('not-found', `policy \`${name}\` has no revision ${revision}`);
    // An old one may be of a time when the grammar let more through.
    readPolicyDocument(row.source);
    if (locked.publishedRevision !== revision) await publishPolicyRevision(tx, ctx, locked.id, revision);
    return loadPolicyView(tx, name);
  });
}
