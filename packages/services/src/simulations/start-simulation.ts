import { type Simulation, Source } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { Prisma } from '@taskgate/db';
import { parsePolicy, parseTask, splitDocuments } from '@taskgate/policy';
import * as z from 'zod';
import { newId, type ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { loadPeople } from '../grants/person-ref.ts';
import { parseInput } from '../parse-input.ts';
import { requirePerson, requireScope } from '../require-scope.ts';
import { documentRefused } from '../tasks/document-problem.ts';
import { withTransaction } from '../with-transaction.ts';
import { type Draft, simulateDrafts } from './simulate-drafts.ts';

export type SimulationView = z.infer<typeof Simulation>;

const StartInput = z.object({
  /** One task or policy, or several parted by `---`. */
  source: Source,
  days: z.number().int().min(1).max(365).default(30),
});
const ById = z.object({ id: z.string().max(60) });

const DAY_MS = 86_400_000;
/** Results are kept as long as somebody may still review the change. */
const KEPT_MS = 90 * DAY_MS;
/** At once, over everybody: each takes its share of the web's process. */
const MAX_RUNNING = 3;

/** Those of this process: one that another process ran, and is not done, was interrupted. */
const running = new Map<string, { done: number; total: number }>();

/** Begins to decide the recorded operations of the last days by drafts; {@link loadSimulation} says how far it is. */
export async function startSimulation(ctx: ServiceContext, input: z.input<typeof StartInput>): Promise<SimulationView> {
  const actor = requirePerson(ctx, 'task:write');
  const { source, days } = parseInput(StartInput, input);
  const drafts = await parseDrafts(ctx, source);
  if (running.size >= MAX_RUNNING)
    throw new TaskgateError('rate-limited', `${MAX_RUNNING} simulations are running; try again in a moment`);
  const now = ctx.services.clock.now();
  const id = newId(ctx.services, 'sim');
  await withTransaction(ctx, async (tx) => {
    await tx.simulation.deleteMany({ where: { createdAt: { lt: new Date(now - KEPT_MS) } } });
    await tx.simulation.create({
      data: { id, createdById: actor.identityId, createdAt: new Date(now), source, state: 'running' },
    });
    await emitAudit(tx, ctx, {
      action: 'simulation.start',
      subjectKind: 'simulation',
      subject: id,
      before: null,
      after: { days, documents: drafts.map(({ kind, name }) => `${kind} ${name}`) },
    });
  });
  const progress = { done: 0, total: 0 };
  running.set(id, progress);
  void run(ctx, id, drafts, { from: new Date(now - days * DAY_MS), to: new Date(now + 1) }, progress);
  return loadSimulation(ctx, { id });
}

async function run(
  ctx: ServiceContext,
  id: string,
  drafts: readonly Draft[],
  time: { readonly from: Date; readonly to: Date },
  progress: { done: number; total: number },
): Promise<void> {
  const { db, log } = ctx.services;
  try {
    const result = await simulateDrafts(ctx, {
      drafts,
      ...time,
      onProgress: (done, total) => Object.assign(progress, { done, total }),
    });
    await db.simulation.update({
      where: { id },
      data: { state: 'done', result: result as unknown as Prisma.InputJsonObject },
    });
  } catch (error) {
    log.error('a simulation failed', { simulation: id, error: String(error) });
    await db.simulation.update({ where: { id }, data: { state: 'failed' } }).catch(() => undefined);
  } finally {
    running.delete(id);
  }
}

/** For whoever may write tasks: it says who reached what, not what was said. */
export async function loadSimulation(ctx: ServiceContext, input: z.input<typeof ById>): Promise<SimulationView> {
  requireScope(ctx, 'task:write');
  const { id } = parseInput(ById, input);
  const { db } = ctx.services;
  const row = await db.simulation.findUnique({ where: { id } });
  if (row === null) throw new TaskgateError('not-found', 'there is no such simulation; results are kept for 90 days');
  const personOf = await loadPeople(db, [row.createdById]);
  const progress = running.get(id);
  const split = splitDocuments(row.source);
  return {
    id,
    state: row.state === 'running' && progress === undefined ? 'interrupted' : (row.state as SimulationView['state']),
    createdBy: personOf(row.createdById),
    createdAt: row.createdAt.toISOString(),
    documents: split.ok ? split.document.map(({ kind, name }) => ({ kind, name })) : [],
    source: row.source,
    progress: row.state === 'running' ? (progress ?? null) : null,
    result: row.result as SimulationView['result'],
  };
}

async function parseDrafts(ctx: ServiceContext, source: string): Promise<readonly Draft[]> {
  const split = splitDocuments(source);
  if (!split.ok) throw documentRefused(split.problems);
  const drafts: Draft[] = [];
  for (const one of split.document) {
    if (one.kind === 'Resource')
      throw new TaskgateError('bad-input', 'a resource cannot be simulated; leave it out of the file');
    const parsed = one.kind === 'Task' ? parseTask(one.source) : parsePolicy(one.source);
    if (!parsed.ok)
      throw documentRefused(
        parsed.problems.map((problem) => ({
          ...problem,
          position: { line: one.line + (problem.position?.line ?? 1) - 1, column: problem.position?.column ?? 1 },
        })),
      );
    if (drafts.some((draft) => draft.kind === parsed.document.kind && draft.name === parsed.document.name))
      throw new TaskgateError('bad-input', `\`${parsed.document.name}\` is there twice`);
    drafts.push(parsed.document);
  }
  for (const draft of drafts) {
    if (draft.kind !== 'Task') continue;
    const task = await ctx.services.db.task.findUnique({
      where: { name: draft.name },
      select: { resource: { select: { name: true } } },
    });
    if (task === null)
      throw new TaskgateError(
        'bad-input',
        `there is no task \`${draft.name}\` yet: nothing was recorded under it that could be simulated`,
      );
    if (task.resource.name !== draft.resource)
      throw new TaskgateError('bad-input', `task \`${draft.name}\` stays on its resource \`${task.resource.name}\``);
  }
  return drafts;
}
