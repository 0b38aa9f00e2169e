import { type GrantEndReason, type GrantState, TaskgateError } from '@taskgate/core';
import type { Prisma, Transaction } from '@taskgate/db';
import { whyNotActive } from '../grants/grant-actions.ts';

/** What a session stands on: the grant with its task, whose it is, and where it leads. */
export interface ActiveGrant {
  readonly id: string;
  readonly userId: string;
  readonly taskId: string;
  readonly taskRevision: number;
  readonly expiresAt: Date;
  readonly user: { readonly email: string };
  readonly task: {
    readonly name: string;
    /** Of the grant's own revision. */
    readonly source: string;
    readonly resource: {
      readonly id: string;
      readonly name: string;
      readonly database: string;
      readonly labels: unknown;
      readonly maskKey: Uint8Array;
    };
  };
}

interface Row {
  readonly userId: string;
  readonly taskId: string;
  readonly taskRevision: number;
  readonly state: GrantState;
  readonly endReason: GrantEndReason | null;
  readonly expiresAt: Date | null;
  readonly email: string;
  readonly disabledAt: Date | null;
  readonly task: string;
  readonly source: string | null;
  readonly resourceId: string;
  readonly resource: string;
  readonly database: string;
  readonly labels: unknown;
  readonly maskKey: Uint8Array;
}

/**
 * The grant where a session may stand on it now. Throws `grant-ended`, `grant-expired`, `invalid-state`. One question to
 * the store: every connection asks several times.
 */
export async function requireActiveGrant(db: Transaction, grantId: string, now: number): Promise<ActiveGrant> {
  const [row] = await db.$queryRaw<Row[]>`
    select g."userId", g."taskId", g."taskRevision", g.state, g."endReason", g."expiresAt", u.email, u."disabledAt",
      t.name as task, v.source, r.id as "resourceId", r.name as resource, r.database, r.labels, r."maskKey"
    from grants g
    join users u on u.id = g."userId"
    join tasks t on t.id = g."taskId"
    join resources r on r.id = t."resourceId"
    left join task_revisions v on v."taskId" = g."taskId" and v.revision = g."taskRevision"
    where g.id = ${grantId}`;
  if (row === undefined) throw new TaskgateError('grant-ended', 'the grant does not exist any more');
  const { state, endReason, expiresAt } = row;
  const refusal = whyNotActive({ state, endReason, expiresAt: expiresAt?.getTime() ?? null }, now);
  if (refusal !== null) throw refusal;
  if (row.disabledAt !== null) throw new TaskgateError('grant-ended', 'the grant has ended: its owner was disabled');
  if (row.source === null) throw new TaskgateError('not-found', `the task has no revision ${row.taskRevision}`);
  return {
    id: grantId,
    userId: row.userId,
    taskId: row.taskId,
    taskRevision: row.taskRevision,
    expiresAt: expiresAt!,
    user: { email: row.email },
    task: {
      name: row.task,
      source: row.source,
      resource: {
        id: row.resourceId,
        name: row.resource,
        database: row.database,
        labels: row.labels,
        maskKey: row.maskKey,
      },
    },
  };
}

/** Grants on which a session may stand at `now`, as a condition. */
export const activeGrant = (now: number): Prisma.GrantWhereInput => ({
  state: 'active',
  expiresAt: { gt: new Date(now) },
});
