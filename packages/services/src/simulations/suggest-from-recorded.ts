import { SuggestInput, type TaskSuggestion } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import { compilePolicySet, type DoneOperation, policyApplies, suggestTask } from '@taskgate/policy';
import type * as z from 'zod';
import { readStoredCatalog } from '../catalog/stored-catalog.ts';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { toResourceFacts } from '../grants/load-terms.ts';
import { parseInput } from '../parse-input.ts';
import { loadPoliciesInForce } from '../policies/load-policies-in-force.ts';
import { requireScope } from '../require-scope.ts';
import { readTaskDocument } from '../tasks/task-documents.ts';
import { withTransaction } from '../with-transaction.ts';
import { analyzeRecorded } from './analyze-recorded.ts';
import { approvalsOf, loadRecordedOperations, type RecordedOperation } from './recorded-operations.ts';

export type TaskSuggestionView = z.infer<typeof TaskSuggestion>;

const THIRTY_DAYS_MS = 30 * 86_400_000;
const MAX_OPERATIONS = 20_000;
/** Of one statement the newest counts; of more statements a person can make nothing. */
const MAX_STATEMENTS = 500;
const MAX_LEFT = 50;

/**
 * The least task that would have allowed what a person did, or what was done in a session, under a task or on a
 * resource. Whoever may write tasks sees with it which relations and columns were used, and no statement.
 */
export async function suggestFromRecorded(
  ctx: ServiceContext,
  input: z.input<typeof SuggestInput>,
): Promise<TaskSuggestionView> {
  requireScope(ctx, 'task:write');
  const asked = parseInput(SuggestInput, input);
  const { db, clock } = ctx.services;
  const row = await db.resource.findUnique({
    where: { name: asked.resource },
    select: { id: true, name: true, labels: true },
  });
  if (row === null) throw new TaskgateError('not-found', `there is no resource \`${asked.resource}\``);
  const catalog = await readStoredCatalog(db, row.id);
  if (catalog === null)
    throw new TaskgateError(
      'invalid-state',
      `the catalog of \`${row.name}\` was not read yet; test the resource first`,
    );
  const now = clock.now();
  await withTransaction(ctx, (tx) =>
    emitAudit(tx, ctx, {
      action: 'task.suggest',
      subjectKind: 'resource',
      subject: row.id,
      before: null,
      after: { ...asked },
    }),
  );
  const { operations } = await loadRecordedOperations(
    db,
    {
      from: asked.from === undefined ? new Date(now - THIRTY_DAYS_MS) : new Date(asked.from),
      to: asked.to === undefined ? new Date(now + 1) : new Date(asked.to),
      ran: true,
      ...(asked.session === undefined ? {} : { sessions: [asked.session] }),
      ...(asked.person === undefined ? {} : { person: asked.person }),
      ...(asked.task === undefined ? { resources: [row.name] } : { tasks: [asked.task] }),
    },
    MAX_OPERATIONS,
  );
  const onResource = operations.filter(({ resourceId }) => resourceId === row.id);
  const analyzed = await analyzeRecorded(ctx, { id: row.id, catalog }, onResource);

  const { isAllowedSystemRelation, summarizeOperation } = await import('@taskgate/sql');
  const resource = toResourceFacts(row);
  const policies = (await loadPoliciesInForce(db)).filter((policy) => policyApplies(policy.document, resource));
  const sets = new Map<string, DoneOperation['set']>();
  const setOf = async (recorded: RecordedOperation): Promise<DoneOperation['set']> => {
    const key = `${recorded.taskId} ${recorded.taskRevision} ${recorded.document ?? ''}`;
    const known = sets.get(key);
    if (known !== undefined) return known;
    const revision = await db.taskRevision.findUniqueOrThrow({
      where: { taskId_revision: { taskId: recorded.taskId, revision: recorded.taskRevision } },
    });
    const document = readTaskDocument(recorded.document ?? revision.source);
    const task = { name: recorded.task, revision: recorded.taskRevision, document };
    const set = compilePolicySet({ task, policies, resource, catalog, isAllowedSystemRelation });
    sets.set(key, set);
    return set;
  };

  const newest = new Map<string, RecordedOperation>();
  const counts = new Map<string, number>();
  for (const recorded of onResource) {
    const key = `${recorded.fingerprint} ${recorded.identityId} ${recorded.outcome}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if (!newest.has(key) && newest.size < MAX_STATEMENTS) newest.set(key, recorded);
  }
  const done: DoneOperation[] = [];
  const of: RecordedOperation[] = [];
  let notRead = 0;
  for (const [key, recorded] of newest) {
    const operation = analyzed.operations.get(recorded.fingerprint);
    if (operation === undefined) {
      notRead += counts.get(key)!;
      continue;
    }
    of.push(recorded);
    done.push({
      operation,
      approvals: approvalsOf(recorded),
      set: await setOf(recorded),
      from: `${recorded.name} under ${recorded.task} on ${recorded.at.toISOString().slice(0, 10)}`,
    });
  }
  if (done.length === 0)
    throw new TaskgateError('not-found', 'nothing that ran was recorded there in that time; choose more');
  const groups = new Set<string>();
  for (const recorded of of) {
    const revision = await db.taskRevision.findUniqueOrThrow({
      where: { taskId_revision: { taskId: recorded.taskId, revision: recorded.taskRevision } },
      select: { source: true },
    });
    for (const group of readTaskDocument(revision.source).who.groups) groups.add(group);
  }
  const suggestion = suggestTask({
    name: asked.task === undefined ? `${row.name}-suggested`.slice(0, 63) : `${asked.task}-narrow`.slice(0, 63),
    purpose: `What was done on ${row.name}, and no more`,
    groups: [...groups].sort(),
    operations: done,
    policies,
    resource,
    catalog,
    isAllowedSystemRelation,
  });
  return {
    source: suggestion.source,
    operations: [...counts.values()].reduce((sum, count) => sum + count, 0),
    left: suggestion.left.slice(0, MAX_LEFT).map(({ index, why }) => ({
      decisionId: of[index]!.decisionId,
      sessionId: of[index]!.sessionId,
      what: summarizeOperation(done[index]!.operation),
      why,
    })),
    notRead,
  };
}
