import type { SimulationResult } from '@taskgate/contracts';
import type { Decision, SqlOperation } from '@taskgate/core';
import {
  type CompiledPolicySet,
  compareDecisions,
  compilePolicySet,
  type DecisionDifference,
  decide,
  type PolicyDocument,
  policyApplies,
  type ResourceFacts,
  type TaskDocument,
} from '@taskgate/policy';
import type * as z from 'zod';
import { readStoredCatalog } from '../catalog/stored-catalog.ts';
import type { ServiceContext } from '../context.ts';
import { toResourceFacts } from '../grants/load-terms.ts';
import { toPerson } from '../grants/person-ref.ts';
import { loadPoliciesInForce } from '../policies/load-policies-in-force.ts';
import { readTaskDocument } from '../tasks/task-documents.ts';
import { analyzeRecorded } from './analyze-recorded.ts';
import { createBreather } from './breathe.ts';
import { groupedBy, loadRecordedOperations, type RecordedOperation } from './recorded-operations.ts';

export type SimulationResultView = z.infer<typeof SimulationResult>;
export type Draft = TaskDocument | PolicyDocument;
type Group = SimulationResultView['groups'][number];

export interface SimulationOptions {
  readonly drafts: readonly Draft[];
  readonly from: Date;
  readonly to: Date;
  readonly onProgress?: (done: number, total: number) => void;
}

/** More are counted and not simulated: the newest count. */
const MAX_OPERATIONS = 100_000;
const MAX_GROUPS = 500;
const LINKS_PER_GROUP = 10;

/**
 * Decides what was recorded twice, by what is in force now and by that with the drafts in place, each distinct
 * statement once, by the function that the gate decides with. Budgets, conditions on the time and what approvers said
 * are not simulated. The caller has checked who asks.
 */
export async function simulateDrafts(ctx: ServiceContext, options: SimulationOptions): Promise<SimulationResultView> {
  const startedAt = performance.now();
  const { db } = ctx.services;
  const world = await loadWorld(ctx, options.drafts);
  const { operations, total } = await loadRecordedOperations(
    db,
    { from: options.from, to: options.to, tasks: world.taskNames, resources: world.resourceNames },
    MAX_OPERATIONS,
  );
  const distinct = new Set(operations.map(({ resourceId, fingerprint }) => `${resourceId} ${fingerprint}`)).size;
  const progress = options.onProgress ?? (() => undefined);
  progress(0, distinct);

  const notSimulated = new Map<Reasons, number>();
  const skip = (why: Reasons, count = 1): void => void notSimulated.set(why, (notSimulated.get(why) ?? 0) + count);
  if (total > operations.length) skip('older', total - operations.length);
  const groups = new Map<string, Mutable<Group>>();
  const changes: Record<string, number> = {};
  let [simulated, unchanged, decidedDifferentlyThen, before] = [0, 0, 0, 0];
  const breathe = createBreather();
  const { summarizeOperation } = await import('@taskgate/sql');
  for (const [resourceId, ofResource] of groupedBy(operations, (one) => one.resourceId)) {
    const catalog = await readStoredCatalog(db, resourceId);
    if (catalog === null) {
      skip('no-catalog', ofResource.length);
      continue;
    }
    const analyzed = await analyzeRecorded(ctx, { id: resourceId, catalog }, ofResource, (done) =>
      progress(before + done, distinct),
    );
    before += analyzed.operations.size + analyzed.missing.size;
    for (const ofTask of groupedBy(ofResource, (one) => `${one.taskId} ${one.document ?? ''}`).values()) {
      const { taskId, document } = ofTask[0]!;
      const sets = await world.setsFor({ taskId, document }, resourceId, catalog);
      const decided = new Map<string, Compared>();
      for (const recorded of ofTask) {
        const operation = analyzed.operations.get(recorded.fingerprint);
        if (operation === undefined) {
          skip(analyzed.missing.get(recorded.fingerprint) ?? 'no-recording');
          continue;
        }
        let compared = decided.get(recorded.fingerprint);
        if (compared === undefined) {
          compared = compare(operation, sets, summarizeOperation);
          decided.set(recorded.fingerprint, compared);
          await breathe();
        }
        simulated += 1;
        if (compared.before.outcome !== recorded.outcome) decidedDifferentlyThen += 1;
        if (compared.difference === null) {
          unchanged += 1;
          continue;
        }
        const { change } = compared.difference;
        changes[change] = (changes[change] ?? 0) + 1;
        addToGroup(groups, recorded, compared, compared.difference);
      }
    }
  }
  const ordered = [...groups.values()].sort((a, b) => b.count - a.count);
  return {
    from: options.from.toISOString(),
    to: options.to.toISOString(),
    operations: total,
    simulated,
    distinct,
    unchanged,
    changes,
    decidedDifferentlyThen,
    notSimulated: [...notSimulated].map(([why, count]) => ({ why, count })),
    groups: ordered.slice(0, MAX_GROUPS),
    groupsLeftOut: Math.max(0, ordered.length - MAX_GROUPS),
    tookMs: Math.round(performance.now() - startedAt),
  };
}

type Reasons = SimulationResultView['notSimulated'][number]['why'];
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface Compared {
  readonly before: Decision;
  readonly after: Decision;
  readonly difference: DecisionDifference | null;
  readonly operation: SqlOperation;
  /** The label and what it reaches. */
  readonly what: string;
}

interface Sets {
  /** `null`: no revision of the task is published, so nothing is allowed. */
  readonly before: CompiledPolicySet | null;
  readonly after: CompiledPolicySet | null;
}

function compare(operation: SqlOperation, sets: Sets, summarize: (operation: SqlOperation) => string): Compared {
  const [before, after] = [decideBy(operation, sets.before), decideBy(operation, sets.after)];
  const difference = compareDecisions(operation, before, after);
  return {
    before,
    after,
    difference,
    operation,
    what: difference === null ? '' : withoutEcho(summarize(inOrder(operation))),
  };
}

/** `SELECT select public.orders(id)` says it twice. */
const withoutEcho = (what: string): string => what.replace(/^([A-Z]+) (?=\1 )/i, '');

/** Statements that reach the same stand in one group, however they name its columns. */
function inOrder(operation: SqlOperation): SqlOperation {
  return {
    ...operation,
    accesses: operation.accesses.map((access) => ({ ...access, columns: [...access.columns].sort() })),
  };
}

function decideBy(operation: SqlOperation, set: CompiledPolicySet | null): Decision {
  return set === null ? NOT_PUBLISHED : decide(operation, set);
}

const NOT_PUBLISHED: Decision = {
  outcome: 'deny',
  reasons: [
    {
      code: 'not-allowed',
      rule: { kind: 'gate', name: 'gate', revision: 0, rule: '', line: null },
      message: 'no revision of the task is published',
      wouldAllow: null,
      position: null,
    },
  ],
  obligations: { outputMasks: [], columnMasks: [], detectors: [], affectsMax: 0 },
  approvals: null,
};

function addToGroup(
  groups: Map<string, Mutable<Group>>,
  recorded: RecordedOperation,
  { before, after, what, operation }: Compared,
  { change, masks }: DecisionDifference,
): void {
  const side = (decision: Decision): Group['before'] => ({
    outcome: decision.outcome,
    reason: decision.reasons[0]! as Group['before']['reason'],
    approvals:
      decision.approvals === null ? null : { from: [...decision.approvals.from], count: decision.approvals.count },
    affectsMax: decision.outcome === 'deny' ? null : decision.obligations.affectsMax,
  });
  const key = JSON.stringify([
    change,
    recorded.identityId,
    recorded.taskId,
    what,
    before.reasons[0],
    after.reasons[0],
    masks,
  ]);
  const known = groups.get(key);
  const group: Mutable<Group> = known ?? {
    change,
    person: toPerson({
      ...{ id: recorded.identityId, kind: recorded.kind, email: recorded.email, name: recorded.name },
      actsFor: recorded.forName === null ? null : { email: recorded.forEmail, name: recorded.forName },
    }),
    task: recorded.task,
    statementClass: operation.statementClass,
    what,
    before: side(before),
    after: side(after),
    masks: [...masks],
    count: 0,
    latest: [],
  };
  group.count += 1;
  if (group.latest.length < LINKS_PER_GROUP)
    group.latest.push({
      decisionId: recorded.decisionId,
      sessionId: recorded.sessionId,
      at: recorded.at.toISOString(),
    });
  groups.set(key, group);
}

/** What is in force, what the drafts put in its place, and whose operations that is about. */
async function loadWorld(ctx: ServiceContext, drafts: readonly Draft[]) {
  const { db } = ctx.services;
  const policies = await loadPoliciesInForce(db);
  const resources = await db.resource.findMany({ select: { id: true, name: true, labels: true } });
  const facts = new Map<string, ResourceFacts>(resources.map((row) => [row.id, toResourceFacts(row)]));
  const policyDrafts = drafts.filter((draft) => draft.kind === 'Policy');
  const taskDrafts = drafts.filter((draft) => draft.kind === 'Task');
  const touched = [
    ...policyDrafts,
    ...policies.filter(({ name }) => policyDrafts.some((draft) => draft.name === name)).map((one) => one.document),
  ];
  const resourceNames = [...facts.values()]
    .filter((resource) => touched.some((document) => policyApplies(document, resource)))
    .map(({ name }) => name);
  const policiesAfter = [
    ...policies.filter(({ name }) => !policyDrafts.some((draft) => draft.name === name)),
    ...policyDrafts.map((document) => ({
      name: document.name,
      revision: (policies.find(({ name }) => name === document.name)?.revision ?? 0) + 1,
      document,
    })),
  ];
  const { isAllowedSystemRelation } = await import('@taskgate/sql');
  return {
    taskNames: taskDrafts.map(({ name }) => name),
    resourceNames,
    async setsFor(
      { taskId, document: narrowed }: Pick<RecordedOperation, 'taskId' | 'document'>,
      resourceId: string,
      catalog: Parameters<typeof compilePolicySet>[0]['catalog'],
    ) {
      const task = await db.task.findUniqueOrThrow({
        where: { id: taskId },
        select: { name: true, publishedRevision: true, latestRevision: true },
      });
      const published =
        task.publishedRevision === null
          ? null
          : await db.taskRevision.findUniqueOrThrow({
              where: { taskId_revision: { taskId, revision: task.publishedRevision } },
            });
      const draft = taskDrafts.find(({ name }) => name === task.name);
      const resource = facts.get(resourceId)!;
      const setOf = (document: TaskDocument | null, revision: number, of: typeof policiesAfter) =>
        document === null
          ? null
          : compilePolicySet({
              task: { name: task.name, revision, document },
              policies: of,
              resource,
              catalog,
              isAllowedSystemRelation,
            });
      // A grant that was narrowed is decided by its own document, whatever is published meanwhile.
      const own = narrowed === null ? null : readTaskDocument(narrowed);
      const current = own ?? (published === null ? null : readTaskDocument(published.source));
      return {
        before: setOf(current, published?.revision ?? 0, [...policies]),
        after: setOf(
          own ?? draft ?? current,
          own !== null || draft === undefined ? (published?.revision ?? 0) : task.latestRevision + 1,
          policiesAfter,
        ),
      };
    },
  };
}
