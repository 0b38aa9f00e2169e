import { type RuleUsage, Slug } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import { Prisma } from '@taskgate/db';
import {
  type ColumnPattern,
  matchesColumn,
  type PolicyDocument,
  type RuleSource,
  type TaskDocument,
} from '@taskgate/policy';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { readPolicyDocument, readTaskDocument } from './task-documents.ts';

export type RuleUsageView = z.infer<typeof RuleUsage>;

const Named = z.object({ name: Slug });
const THIRTY_DAYS_MS = 30 * 86_400_000;

/** How often each rule of a task's published revision decided something in the last 30 days. */
export async function loadTaskUsage(ctx: ServiceContext, input: z.input<typeof Named>): Promise<RuleUsageView> {
  requireScope(ctx, 'task:read');
  const { name } = parseInput(Named, input);
  const row = await ctx.services.db.task.findUnique({ where: { name }, select: { publishedRevision: true } });
  const revision = await ctx.services.db.taskRevision.findFirst({
    where: { task: { name }, revision: row?.publishedRevision ?? -1 },
  });
  if (revision === null) throw new TaskgateError('not-found', `there is no published task \`${name}\``);
  return usageOf(ctx, revision, readTaskDocument(revision.source));
}

export async function loadPolicyUsage(ctx: ServiceContext, input: z.input<typeof Named>): Promise<RuleUsageView> {
  requireScope(ctx, 'task:read');
  const { name } = parseInput(Named, input);
  const row = await ctx.services.db.policy.findUnique({ where: { name }, select: { publishedRevision: true } });
  const revision = await ctx.services.db.policyRevision.findFirst({
    where: { policy: { name }, revision: row?.publishedRevision ?? -1 },
  });
  if (revision === null) throw new TaskgateError('not-found', `there is no published policy \`${name}\``);
  return usageOf(ctx, revision, readPolicyDocument(revision.source));
}

async function usageOf(
  ctx: ServiceContext,
  { revision, publishedAt }: { readonly revision: number; readonly publishedAt: Date | null },
  document: TaskDocument | PolicyDocument,
): Promise<RuleUsageView> {
  const { db, clock } = ctx.services;
  const since = new Date(Math.max(clock.now() - THIRTY_DAYS_MS, publishedAt?.getTime() ?? 0));
  const kind = document.kind === 'Task' ? 'task' : 'policy';
  // A task decides what is asked under it; a policy never allows.
  const ofDocument = kind === 'task' ? Prisma.sql`t.name = ${document.name}` : Prisma.sql`o.outcome <> 'allow'`;
  // A decision names the rules that made it: those that allowed too.
  const decided = await db.$queryRaw<{ rule: string; hits: number; lastAt: Date }[]>`
    select r->'rule'->>'rule' as rule, count(distinct o."decisionId")::int as hits, max(o.at) as "lastAt"
    from operations o
    join sessions s on s.id = o."sessionId" join grants g on g.id = s."grantId" join tasks t on t.id = g."taskId"
    cross join lateral jsonb_array_elements(o.reasons) r
    where o.at >= ${since} and ${ofDocument} and r->'rule'->>'kind' = ${kind} and r->'rule'->>'name' = ${document.name}
      and (r->'rule'->>'revision')::int = ${revision}
    group by 1`;
  const byRule = new Map(decided.map((row) => [row.rule, row]));
  const ofRule = (list: RuleUsageView['rules'][number]['list'], { path, line }: RuleSource) => {
    const row = byRule.get(path);
    return { path, line, list, hits: row?.hits ?? 0, lastAt: row?.lastAt.toISOString() ?? null };
  };
  return {
    revision,
    since: since.toISOString(),
    rules: [
      ...(document.kind === 'Task' ? document.allow.map(({ source }) => ofRule('allow', source)) : []),
      ...document.hold.map(({ source }) => ofRule('hold', source)),
      ...document.deny.map(({ source }) => ofRule('deny', source)),
      ...(await columnUsage(ctx, since, document)),
    ],
  };
}

interface ReachedUsage {
  readonly hits: number;
  readonly lastAt: Date;
  readonly columns: readonly {
    readonly relation: string;
    readonly column: string;
    readonly classes: readonly string[];
  }[];
}

/** A mask and a class are used where a column that they are about was reached. Detectors are about no column. */
async function columnUsage(
  ctx: ServiceContext,
  since: Date,
  document: TaskDocument | PolicyDocument,
): Promise<RuleUsageView['rules']> {
  const rules = [
    ...document.mask.flatMap((rule) => (rule.kind === 'kinds' ? [] : [{ list: 'mask' as const, rule }])),
    ...(document.kind === 'Policy' ? document.classify.map((rule) => ({ list: 'classify' as const, rule })) : []),
  ];
  if (rules.length === 0) return [];
  const task = document.kind === 'Task' ? document.name : null;
  // Many operations reach the same: they are counted before their columns are looked at.
  const reached = await ctx.services.db.$queryRaw<ReachedUsage[]>`
    select r.hits, r."lastAt",
      jsonb_agg(jsonb_build_object('relation', c.relation, 'column', c."column", 'classes', c.classes)) as columns
    from (
      select o."reachId", count(*)::int as hits, max(o.at) as "lastAt"
      from operations o
      join sessions s on s.id = o."sessionId" join grants g on g.id = s."grantId" join tasks t on t.id = g."taskId"
      where o.at >= ${since} and o.outcome <> 'deny' and (${task}::text is null or t.name = ${task})
      group by 1
    ) r join reached_columns c on c."reachId" = r."reachId"
    group by r."reachId", r.hits, r."lastAt"`;
  return rules.map(({ list, rule }) => {
    const used = reached.filter(({ columns }) =>
      columns.some((column) =>
        'columns' in rule
          ? rule.columns.some((pattern) => isAbout(pattern, column))
          : column.classes.includes(rule.class),
      ),
    );
    const last = used.reduce<Date | null>((a, { lastAt }) => (a === null || lastAt > a ? lastAt : a), null);
    return {
      ...rule.source,
      list,
      hits: used.reduce((sum, { hits }) => sum + hits, 0),
      lastAt: last?.toISOString() ?? null,
    };
  });
}

function isAbout(pattern: ColumnPattern, { relation, column }: ReachedUsage['columns'][number]): boolean {
  const dot = relation.indexOf('.');
  return matchesColumn(pattern, { schema: relation.slice(0, dot), relation: relation.slice(dot + 1), column });
}
