import type { Explanation } from '@taskgate/contracts';
import type { Transaction } from '@taskgate/db';
import { buildPrincipal } from '@taskgate/identity';
import type * as z from 'zod';
import { toPerson } from '../grants/person-ref.ts';
import { groupsOf, USER_SELECT } from '../people/user-view.ts';
import { readTaskDocument } from '../tasks/task-documents.ts';
import type { SessionRow } from './session-row.ts';

const MAX_NAMED = 10;

/** Who may agree to a held statement, or else to the activation of its task; `null` where nobody is asked. */
export async function loadApprovers(
  db: Transaction,
  session: SessionRow,
  hold: { readonly approverGroups: readonly string[]; readonly approvalsNeeded: number } | null,
): Promise<z.infer<typeof Explanation>['approvers']> {
  const terms =
    hold === null
      ? await activationTerms(db, session.grant.task.name)
      : { groups: hold.approverGroups, count: hold.approvalsNeeded };
  if (terms === null) return null;
  const rows = await db.identity.findMany({
    where: {
      kind: 'person',
      disabledAt: null,
      id: { not: session.grant.identityId },
      memberships: { some: { group: { name: { in: [...terms.groups] } } } },
    },
    select: USER_SELECT,
    orderBy: { name: 'asc' },
    take: 500,
  });
  const people = rows.filter((row) => buildPrincipal(groupsOf(row), null).scopes.includes('grant:review'));
  return {
    to: hold === null ? 'activation' : 'statement',
    groups: [...terms.groups],
    count: terms.count,
    people: people.slice(0, MAX_NAMED).map(toPerson),
    more: Math.max(0, people.length - MAX_NAMED),
  };
}

async function activationTerms(
  db: Transaction,
  task: string,
): Promise<{ readonly groups: readonly string[]; readonly count: number } | null> {
  const row = await db.task.findUnique({ where: { name: task }, select: { id: true, publishedRevision: true } });
  if (row === null || row.publishedRevision === null) return null;
  const revision = await db.taskRevision.findUnique({
    where: { taskId_revision: { taskId: row.id, revision: row.publishedRevision } },
  });
  const approvals = revision === null ? null : readTaskDocument(revision.source).access.approvals;
  return approvals && { groups: approvals.from, count: approvals.count };
}
