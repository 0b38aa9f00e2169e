import type { Prisma } from '@taskgate/db';
import { type OfTask, requireTaskGrant } from '../grants/grant-row.ts';
import { PERSON_SELECT } from '../grants/person-ref.ts';

/** What views read of a session: never its key. */
export const SESSION_SELECT = {
  id: true,
  grantId: true,
  protocol: true,
  clientAddress: true,
  application: true,
  gateway: true,
  startedAt: true,
  endedAt: true,
  endReason: true,
  interrupted: true,
  operationCount: true,
  deniedCount: true,
  heldCount: true,
  rowCount: true,
  maskedCells: true,
  headCount: true,
  headHash: true,
  headSignature: true,
  headKeyId: true,
  keepReason: true,
  erasedAt: true,
  grant: {
    select: {
      identityId: true,
      rootId: true,
      ownerIds: true,
      document: true,
      state: true,
      taskId: true,
      taskRevision: true,
      identity: { select: PERSON_SELECT },
      task: { select: { name: true, resource: { select: { id: true, name: true, labels: true } } } },
    },
  },
} as const satisfies Prisma.SessionSelect;

type Stored = Prisma.SessionGetPayload<{ select: typeof SESSION_SELECT }>;
export type SessionRow = Omit<Stored, 'grant'> & { readonly grant: OfTask<Stored['grant']> };

/** Sessions are of grants of tasks: a workflow's opens none. */
export const toSessionRow = (row: Stored): SessionRow => ({ ...row, grant: requireTaskGrant(row.grant) });
