import { type GrantEndReason, type GrantState, TaskgateError } from '@taskgate/core';
import type { Prisma, Transaction } from '@taskgate/db';
import { whyNotActive } from '../grants/grant-actions.ts';
import { ofWorkflow } from '../grants/grant-row.ts';
import { isDisabled, type Named } from '../people/user-view.ts';

/** What a session stands on: the grant with its task, whose it is, and where it leads. */
export interface ActiveGrant {
  readonly id: string;
  readonly identityId: string;
  readonly identity: Named;
  readonly taskId: string;
  readonly taskRevision: number;
  readonly ancestorIds: readonly string[];
  readonly expiresAt: Date;
  /** Narrower limits of its own, as the store keeps them. */
  readonly limits: unknown;
  readonly task: {
    readonly name: string;
    /** Of the grant's own revision, narrowed where the grant is. */
    readonly source: string;
    readonly narrowed: boolean;
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
  readonly identityId: string;
  readonly taskId: string | null;
  readonly taskRevision: number | null;
  readonly ancestorIds: readonly string[];
  readonly limits: unknown;
  readonly state: GrantState;
  readonly endReason: GrantEndReason | null;
  readonly expiresAt: Date | null;
  readonly email: string | null;
  readonly name: string;
  readonly disabledAt: Date | null;
  readonly actsForId: string | null;
  readonly forEmail: string | null;
  readonly forName: string | null;
  readonly forDisabledAt: Date | null;
  readonly task: string | null;
  readonly source: string | null;
  readonly narrowed: boolean;
  readonly resourceId: string | null;
  readonly resource: string | null;
  readonly database: string | null;
  readonly labels: unknown;
  readonly maskKey: Uint8Array | null;
  readonly orphaned: boolean;
}

/**
 * The grant where a session may stand on it now. Throws `grant-ended`, `grant-expired`, and `invalid-state` for a
 * workflow's. One question to the store: every connection asks several times.
 */
export async function requireActiveGrant(db: Transaction, grantId: string, now: number): Promise<ActiveGrant> {
  const [row] = await db.$queryRaw<Row[]>`
    select g."identityId", g."taskId", g."taskRevision", g."ancestorIds", g.limits, g.state, g."endReason", g."expiresAt",
      u.email, u.name, u."disabledAt", u."actsForId", f.email as "forEmail", f.name as "forName",
      f."disabledAt" as "forDisabledAt", t.name as task, coalesce(g.document, v.source) as source, g.document is not null as narrowed,
      r.id as "resourceId", r.name as resource, r.database, r.labels, r."maskKey",
      exists (select from grants a where a.id = any(g."ancestorIds") and (a.state <> 'active' or a."expiresAt" <= ${new Date(now)})) as orphaned
    from grants g
    join identities u on u.id = g."identityId"
    left join identities f on f.id = u."actsForId"
    left join tasks t on t.id = g."taskId"
    left join resources r on r.id = t."resourceId"
    left join task_revisions v on v."taskId" = g."taskId" and v.revision = g."taskRevision"
    where g.id = ${grantId}`;
  if (row === undefined) throw new TaskgateError('grant-ended', 'the grant does not exist any more');
  const { state, endReason, expiresAt } = row;
  const refusal = whyNotActive({ state, endReason, expiresAt: expiresAt?.getTime() ?? null }, now);
  if (refusal !== null) throw refusal;
  // What ends takes all below with it; this is for what should not be.
  if (row.orphaned) throw new TaskgateError('grant-ended', 'the grant has ended: one above it is not active any more');
  const { email, name, disabledAt } = row;
  const actsFor =
    row.actsForId === null ? null : { email: row.forEmail, name: row.forName!, disabledAt: row.forDisabledAt };
  if (isDisabled({ disabledAt, actsFor }))
    throw new TaskgateError('grant-ended', 'the grant has ended: its owner, or whom they act for, was disabled');
  if (row.taskId === null || row.task === null) throw ofWorkflow();
  if (row.source === null) throw new TaskgateError('not-found', `the task has no revision ${row.taskRevision}`);
  return {
    id: grantId,
    identityId: row.identityId,
    identity: { email, name, actsFor },
    taskId: row.taskId,
    taskRevision: row.taskRevision!,
    ancestorIds: row.ancestorIds,
    expiresAt: expiresAt!,
    limits: row.limits,
    task: {
      name: row.task,
      source: row.source,
      narrowed: row.narrowed,
      resource: {
        id: row.resourceId!,
        name: row.resource!,
        database: row.database!,
        labels: row.labels,
        maskKey: row.maskKey!,
      },
    },
  };
}

/** Grants on which a session may stand at `now`, as a condition. */
export const activeGrant = (now: number): Prisma.GrantWhereInput => ({
  state: 'active',
  expiresAt: { gt: new Date(now) },
});
