import type { Transaction } from '@taskgate/db';
import { compilePolicySet, decide, mayActivate, policyApplies } from '@taskgate/policy';
import { sqlAnalyzer } from '@taskgate/sql';
import { readStoredCatalog } from '../catalog/stored-catalog.ts';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { toResourceFacts } from '../grants/load-terms.ts';
import { activatorOf } from '../people/to-actor.ts';
import { loadPoliciesInForce } from '../policies/load-policies-in-force.ts';
import { readTaskDocument } from '../tasks/task-documents.ts';

/** More are not tried: the page is a hint, and each one costs a compilation. */
const MAX_TASKS = 20;

export interface OpenTask {
  readonly task: string;
  readonly outcome: 'allow' | 'hold';
  /** Its activation has to be approved. */
  readonly needsApproval: boolean;
}

/**
 * The published tasks on the resource that this person could ask for now and that would let the statement through, held
 * or not. Decided by the same code as at the gate, on the catalog as last read.
 */
export async function findOpenTasks(
  ctx: ServiceContext,
  actor: IdentityActor,
  input: { readonly statement: string; readonly resourceId: string },
): Promise<OpenTask[]> {
  const { db, clock } = ctx.services;
  const catalog = await readStoredCatalog(db, input.resourceId);
  if (catalog === null) return [];
  const tasks = await loadPublishedTasks(db, input.resourceId);
  const identity = activatorOf(actor);
  const open = tasks.filter((task) => mayActivate(task.document, identity, { epochMs: clock.now() }).ok);
  if (open.length === 0) return [];
  const resource = toResourceFacts(
    await db.resource.findUniqueOrThrow({ where: { id: input.resourceId }, select: { name: true, labels: true } }),
  );
  const policies = (await loadPoliciesInForce(db)).filter((policy) => policyApplies(policy.document, resource));
  const { isAllowedSystemRelation } = await import('@taskgate/sql');
  const operations = (await sqlAnalyzer(catalog.serverVersion)).analyze(input.statement, catalog);
  return open.flatMap((task) => {
    const set = compilePolicySet({ task, policies, resource, catalog, isAllowedSystemRelation });
    const outcomes = operations.map((operation) => decide(operation, set).outcome);
    if (outcomes.includes('deny')) return [];
    const outcome = outcomes.includes('hold') ? 'hold' : 'allow';
    return { task: task.name, outcome, needsApproval: task.document.access.approvals !== null };
  });
}

async function loadPublishedTasks(db: Transaction, resourceId: string) {
  const rows = await db.$queryRaw<{ name: string; revision: number; source: string }[]>`
    select t.name, r.revision, r.source
    from tasks t join task_revisions r on r."taskId" = t.id and r.revision = t."publishedRevision"
    where t."resourceId" = ${resourceId}
    order by t.name limit ${MAX_TASKS}`;
  return rows.map(({ name, revision, source }) => ({ name, revision, document: readTaskDocument(source) }));
}
