import type { ApprovalTerms } from '@taskgate/core';
import { Prisma, type Transaction } from '@taskgate/db';

/** One operation as the index has it: what is needed to decide it again and to lead to it. */
export interface RecordedOperation {
  readonly decisionId: string;
  readonly sessionId: string;
  readonly seq: number;
  readonly at: Date;
  readonly outcome: 'allow' | 'deny' | 'hold';
  readonly result: string | null;
  readonly fingerprint: string;
  readonly identityId: string;
  readonly kind: string;
  readonly email: string | null;
  readonly name: string;
  readonly forEmail: string | null;
  readonly forName: string | null;
  readonly taskId: string;
  readonly task: string;
  readonly taskRevision: number;
  /** The task as narrowed for the grant; `null`: as its revision is. */
  readonly document: string | null;
  readonly resourceId: string;
  /** Of a hold that was asked for. */
  readonly approverGroups: readonly string[] | null;
  readonly approvalsNeeded: number | null;
  readonly stepUp: boolean | null;
  readonly holdMs: number | null;
}

export interface RecordedFilter {
  readonly from: Date;
  readonly to: Date;
  readonly tasks?: readonly string[];
  readonly resources?: readonly string[];
  readonly sessions?: readonly string[];
  /** Id, an e-mail address in any case, or the name of a machine or an agent. */
  readonly person?: string;
  /** At the target, or allowed to be: not refused, cancelled or skipped. */
  readonly ran?: boolean;
}

/** The newest first, at most `max`, and how many there are in all. Tasks and resources: of either. */
export async function loadRecordedOperations(
  db: Transaction,
  filter: RecordedFilter,
  max: number,
): Promise<{ readonly operations: readonly RecordedOperation[]; readonly total: number }> {
  const wanted = [Prisma.sql`o.at >= ${filter.from} and o.at < ${filter.to}`];
  const of: Prisma.Sql[] = [];
  if (filter.tasks) of.push(Prisma.sql`t.name = any(${[...filter.tasks]}::text[])`);
  if (filter.resources) of.push(Prisma.sql`e.name = any(${[...filter.resources]}::text[])`);
  if (of.length > 0) wanted.push(Prisma.sql`(${Prisma.join(of, ' or ')})`);
  if (filter.sessions) wanted.push(Prisma.sql`o."sessionId" = any(${[...filter.sessions]}::text[])`);
  if (filter.person)
    wanted.push(
      Prisma.sql`(u.id = ${filter.person} or lower(u.email) = ${filter.person.toLowerCase()} or u.kind <> 'person' and u.name = ${filter.person})`,
    );
  if (filter.ran)
    wanted.push(
      Prisma.sql`o.outcome <> 'deny' and coalesce(o.result, 'unknown') not in ('refused', 'cancelled', 'skipped')`,
    );
  const from = Prisma.sql`
    from operations o
    join sessions s on s.id = o."sessionId"
    join grants g on g.id = s."grantId"
    join tasks t on t.id = g."taskId"
    join resources e on e.id = t."resourceId"
    join identities u on u.id = g."identityId"
    left join identities f on f.id = u."actsForId"`;
  const where = Prisma.join(wanted, ' and ');
  const operations = await db.$queryRaw<RecordedOperation[]>`
    select o."decisionId", o."sessionId", o.seq, o.at, o.outcome, o.result, o.fingerprint, u.id as "identityId", u.kind, u.email,
      u.name, f.email as "forEmail", f.name as "forName", t.id as "taskId", t.name as task, g."taskRevision", g.document, e.id as "resourceId", h."approverGroups",
      h."approvalsNeeded", h."stepUp", (extract(epoch from h."expiresAt" - h."createdAt") * 1000)::float8 as "holdMs"
    ${from} left join holds h on h."decisionId" = o."decisionId"
    where ${where}
    order by o.at desc, o."decisionId" desc
    limit ${max}`;
  if (operations.length < max) return { operations, total: operations.length };
  const [row] = await db.$queryRaw<{ total: number }[]>`select count(*)::int as total ${from} where ${where}`;
  return { operations, total: row!.total };
}

/** Who had to approve it; `null` where it was not held. */
export function approvalsOf(operation: RecordedOperation): ApprovalTerms | null {
  const { outcome, approverGroups, approvalsNeeded, stepUp, holdMs } = operation;
  if (outcome !== 'hold' || approverGroups === null || approverGroups.length === 0) return null;
  // Whole seconds, as a rule may say: the store keeps instants to the millisecond.
  const timeoutMs = Math.min(7 * 86_400_000, Math.max(1000, Math.round((holdMs ?? 600_000) / 1000) * 1000));
  return { from: approverGroups, count: approvalsNeeded ?? 1, timeoutMs, ...(stepUp === true ? { stepUp } : {}) };
}

export function groupedBy<T>(items: Iterable<T>, keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
