import type { Transaction } from '@taskgate/db';
import { compilePolicySet, decide, mayActivate, policyApplies } from '@taskgate/policy';
import type { SqlAnalyzer } from '@taskgate/sql';
import { readStoredCatalog } from '../catalog/stored-catalog.ts';
import type { ServiceContext, UserActor } from '../context.ts';
import { toResourceFacts } from '../grants/load-terms.ts';
import { loadPoliciesInForce } from '../policies/load-policies-in-force.ts';
import { readTaskDocument } from '../tasks/task-documents.ts';

/** More are not tried: the page is a hint, and each one costs a compilation. */
const MAX_TASKS = 20;
const analyzers = new Map<number, Promise<SqlAnalyzer>>();

/**
 * Other tasks on the same resource that this person could ask for now and that would let the statement through, held
 * or not. Decided by the same code as at the gate, on the catalog as last read.
 */
export async function findOtherTasks(
  ctx: ServiceContext,
  actor: UserActor,
  input: { readonly statement: string; readonly resourceId: string; readonly exceptTask: string },
): Promise<string[]> {
  const { db, clock } = ctx.services;
  const catalog = await readStoredCatalog(db, input.resourceId);
  if (catalog === null) return [];
  const tasks = await loadPublishedTasks(db, input.resourceId, input.exceptTask);
  const identity = { email: actor.email, groups: actor.groups, kind: 'person' } as const;
  const open = tasks.filter((task) => mayActivate(task.document, identity, { epochMs: clock.now() }).ok);
  if (open.length === 0) return [];
  const resource = toResourceFacts(
    await db.resource.findUniqueOrThrow({ where: { id: input.resourceId }, select: { name: true, labels: true } }),
  );
  const policies = (await loadPoliciesInForce(db)).filter((policy) => policyApplies(policy.document, resource));
  // Loaded when it is first needed: the parser is some megabytes of WebAssembly.
  const { createSqlAnalyzer, isAllowedSystemRelation } = await import('@taskgate/sql');
  const major = Math.floor(catalog.serverVersion / 10_000);
  const analyzer = analyzers.get(major) ?? createSqlAnalyzer(major);
  analyzers.set(major, analyzer);
  analyzer.catch(() => analyzers.delete(major));
  const operations = (await analyzer).analyze(input.statement, catalog);
  return open
    .filter((task) => {
      const set = compilePolicySet({ task, policies, resource, catalog, isAllowedSystemRelation });
      return operations.every((operation) => decide(operation, set).outcome !== 'deny');
    })
    .map((task) => task.name);
}

async function loadPublishedTasks(db: Transaction, resourceId: string, except: string) {
  const rows = await db.$queryRaw<{ name: string; revision: number; source: string }[]>`
    select t.name, r.revision, r.source
    from tasks t join task_revisions r on r."taskId" = t.id and r.revision = t."publishedRevision"
    where t."resourceId" = ${resourceId} and t.name <> ${except}
    order by t.name limit ${MAX_TASKS}`;
  return rows.map(({ name, revision, source }) => ({ name, revision, document: readTaskDocument(source) }));
}
