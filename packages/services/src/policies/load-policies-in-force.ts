import type { Transaction } from '@taskgate/db';
import type { PolicyDocument } from '@taskgate/policy';
import { readPolicyDocument } from '../tasks/task-documents.ts';

export interface PolicyInForce {
  readonly name: string;
  readonly revision: number;
  readonly source: string;
  readonly document: PolicyDocument;
}

/**
 * Every published policy at its published revision, by name. One that does not parse makes this throw: leaving it out
 * would widen what every task on its resources lets through.
 */
export async function loadPoliciesInForce(db: Transaction): Promise<readonly PolicyInForce[]> {
  const rows = await db.$queryRaw<{ name: string; revision: number; source: string }[]>`
    select p.name, r.revision, r.source
    from policies p
    join policy_revisions r on r."policyId" = p.id and r.revision = p."publishedRevision"
    order by p.name`;
  return rows.map((row) => ({ ...row, document: readPolicyDocument(row.source) }));
}
