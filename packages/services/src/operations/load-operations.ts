import { OperationFilter, type OperationRow, PageQuery } from '@taskgate/contracts';
import { Prisma, type Transaction } from '@taskgate/db';
import * as z from 'zod';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { type InstantCursor, readCursor, toPage } from '../grants/instant-cursor.ts';
import { toPerson } from '../grants/person-ref.ts';
import { parseInput } from '../parse-input.ts';
import { requireAnyScope } from '../require-any-scope.ts';
import { replayableSessions } from '../sessions/session-access.ts';

export type OperationRowView = z.infer<typeof OperationRow>;

/** In an address everything is text. */
export const Filter = OperationFilter.extend({ data: z.union([z.boolean(), z.stringbool()]).optional() });
const ListInput = Filter.extend(PageQuery.shape);

/** Statements of every session that the caller may replay, newest first, by what they reached. */
export async function loadOperations(
  ctx: ServiceContext,
  input: z.input<typeof ListInput>,
): Promise<{ items: OperationRowView[]; nextCursor: string | null }> {
  const actor = requireAnyScope(ctx, ['session:own', 'session:read']);
  const { cursor, limit, ...filter } = parseInput(ListInput, input);
  return loadOperationsPage(ctx.services.db, actor, filter, { after: readCursor(cursor), limit });
}

/** One page of them. The caller has checked who asks. */
export async function loadOperationsPage(
  db: Transaction,
  actor: IdentityActor,
  filter: z.output<typeof Filter>,
  page: { readonly after: InstantCursor | null; readonly limit: number },
): Promise<{ items: OperationRowView[]; nextCursor: string | null; last: InstantCursor | null }> {
  const wanted = [await replayableSessions(db, actor), ...conditions(filter)];
  const reached = reachConditions(filter);
  if (reached.length > 0) {
    // All of them of one column: `select` of a `pii` column, not `select` here and `pii` there. Asked for first, since
    // there are few of them, and often none.
    const reaches = await db.$queryRaw<{ id: string }[]>`
      select distinct c."reachId" as id from reached_columns c where ${Prisma.join(reached, ' and ')}`;
    if (reaches.length === 0) return { items: [], nextCursor: null, last: null };
    wanted.push(Prisma.sql`o."reachId" = any(${reaches.map(({ id }) => id)}::text[])`);
  }
  if (page.after !== null) wanted.push(Prisma.sql`(o.at, o."decisionId") < (${page.after.at}, ${page.after.id})`);
  const rows = await db.$queryRaw<Row[]>`
    select o."decisionId", o."sessionId", o.at, o.outcome, o."statementClass", o.label, o.relations, o.reasons, o.result,
      o.tag, o.rows, o."maskedCells", o."durationMs", o.sqlstate, g."taskRevision", t.name as task, e.name as resource,
      u.id as "identityId", u.kind, u.email, u.name, f.email as "forEmail", f.name as "forName"
    from operations o
    join sessions s on s.id = o."sessionId"
    join grants g on g.id = s."grantId"
    join tasks t on t.id = g."taskId"
    join resources e on e.id = t."resourceId"
    join identities u on u.id = g."identityId"
    left join identities f on f.id = u."actsForId"
    where ${Prisma.join(wanted, ' and ')}
    order by o.at desc, o."decisionId" desc
    limit ${page.limit + 1}`;
  const { items, nextCursor } = toPage(rows, page.limit, (row) => ({ at: row.at, id: row.decisionId }));
  const last = items.at(-1);
  return {
    items: items.map(toRow),
    nextCursor,
    last: nextCursor === null || last === undefined ? null : { at: last.at, id: last.decisionId },
  };
}

interface Row {
  readonly decisionId: string;
  readonly sessionId: string;
  readonly at: Date;
  readonly outcome: OperationRowView['outcome'];
  readonly statementClass: string;
  readonly label: string;
  readonly relations: OperationRowView['relations'];
  readonly reasons: readonly OperationRowView['reason'][];
  readonly result: OperationRowView['result'];
  readonly tag: string | null;
  readonly rows: bigint | null;
  readonly maskedCells: number;
  readonly durationMs: number | null;
  readonly sqlstate: string | null;
  readonly taskRevision: number;
  readonly task: string;
  readonly resource: string;
  readonly identityId: string;
  readonly kind: string;
  readonly email: string | null;
  readonly name: string;
  readonly forEmail: string | null;
  readonly forName: string | null;
}

function toRow({ identityId, kind, email, name, forEmail, forName, reasons, at, rows, ...row }: Row): OperationRowView {
  return {
    ...row,
    at: at.toISOString(),
    rows: rows === null ? null : Number(rows),
    reason: reasons[0] ?? null,
    person: toPerson({
      ...{ id: identityId, kind, email, name },
      actsFor: forName === null ? null : { email: forEmail, name: forName },
    }),
  };
}

function conditions(filter: z.output<typeof Filter>): Prisma.Sql[] {
  const found: Prisma.Sql[] = [];
  if (filter.session) found.push(Prisma.sql`o."sessionId" = ${filter.session}`);
  if (filter.person) {
    const like = `%${filter.person.replaceAll(/[\\%_]/g, '\\$&')}%`;
    found.push(Prisma.sql`(u.id = ${filter.person} or u.email ilike ${like} or u.name ilike ${like}
      or f.id = ${filter.person} or f.email ilike ${like} or f.name ilike ${like})`);
  }
  if (filter.task) found.push(Prisma.sql`t.name = ${filter.task}`);
  if (filter.resource) found.push(Prisma.sql`e.name = ${filter.resource}`);
  if (filter.outcome) found.push(Prisma.sql`o.outcome = ${filter.outcome}`);
  if (filter.statement) found.push(Prisma.sql`o."statementClass" = ${filter.statement}`);
  if (filter.node) found.push(Prisma.sql`(g.id = ${filter.node} or g."ancestorIds" @> array[${filter.node}])`);
  if (filter.from) found.push(Prisma.sql`o.at >= ${new Date(filter.from)}`);
  if (filter.to) found.push(Prisma.sql`o.at < ${new Date(filter.to)}`);
  if (filter.data)
    found.push(Prisma.sql`(o.outcome <> 'allow' or o."reachId" in (
      select c."reachId" from reached_columns c
      where c.relation not like 'pg\\_catalog.%' and c.relation not like 'information\\_schema.%'))`);
  return found;
}

function reachConditions({ relation, column, class: label, verb }: z.output<typeof Filter>): Prisma.Sql[] {
  const found: Prisma.Sql[] = [];
  if (relation)
    found.push(
      relation.includes('.')
        ? Prisma.sql`c.relation = ${relation}`
        : Prisma.sql`split_part(c.relation, '.', 2) = ${relation}`,
    );
  if (column) found.push(Prisma.sql`c."column" = ${column}`);
  if (label) found.push(Prisma.sql`c.classes @> array[${label}]`);
  if (verb) found.push(Prisma.sql`c.verb = ${verb}`);
  return found;
}
