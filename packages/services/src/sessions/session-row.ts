import type { Prisma } from '@taskgate/db';
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
      state: true,
      taskId: true,
      taskRevision: true,
      identity: { select: PERSON_SELECT },
      task: { select: { name: true, resource: { select: { id: true, name: true, labels: true } } } },
    },
  },
} as const satisfies Prisma.SessionSelect;

export type SessionRow = Prisma.SessionGetPayload<{ select: typeof SESSION_SELECT }>;
