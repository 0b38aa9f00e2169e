import { Slug, Source } from '@taskgate/contracts';
import { type Problem, SecretValue, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import {
  type PolicyDocument,
  parsePolicy,
  parseResourceManifest,
  parseTask,
  parseWorkflow,
  type ResourceDocument,
  type SourceDocument,
  splitDocuments,
  type TaskDocument,
  type WorkflowDocument,
} from '@taskgate/policy';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { putPolicy } from '../policies/put-policy.ts';
import { requireScope } from '../require-scope.ts';
import { readFirstCatalog } from '../resources/create-resource.ts';
import { saveResource } from '../resources/save-resource.ts';
import { documentRefused } from '../tasks/document-problem.ts';
import { type PutResult, putTask } from '../tasks/put-task.ts';
import { withTransaction } from '../with-transaction.ts';
import { putWorkflow } from '../workflows/put-workflow.ts';
import { documentWarnings } from './document-warnings.ts';

const ApplyInput = z.object({
  source: Source,
  /** By resource name: read by the caller from where the file says. */
  secrets: z.record(Slug, z.string().min(1).max(4096)).default({}),
});

export interface AppliedDocument {
  kind: SourceDocument['kind'];
  name: string;
  revision: number | null;
  outcome: 'created' | 'updated' | 'unchanged';
  /** At their lines in the whole file. */
  warnings: Problem[];
}

type Parsed = SourceDocument & {
  readonly document: TaskDocument | PolicyDocument | WorkflowDocument | ResourceDocument;
};
/** A task needs its resource and a workflow its tasks; a policy must be in force before a task that it narrows. */
const ORDER: readonly SourceDocument['kind'][] = ['Resource', 'Policy', 'Task', 'Workflow'];

/**
 * Saves and publishes every document of a file in one transaction: all of them or none. Each verb below writes its own
 * audit rows. Throws `bad-input` with every problem, at its line in the whole file.
 */
export async function applyDocuments(
  ctx: ServiceContext,
  input: z.input<typeof ApplyInput>,
): Promise<{ applied: AppliedDocument[] }> {
  requireScope(ctx, 'task:write');
  const { source, secrets } = parseInput(ApplyInput, input);
  const documents = parseAll(source);
  const { applied, resourceIds } = await withTransaction(ctx, async (tx) => {
    const outcomes = new Map<Parsed, AppliedDocument>();
    const changed: string[] = [];
    const problems: Problem[] = [];
    for (const one of documents.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind))) {
      try {
        const { outcome, resourceId } = await applyOne(tx, ctx, one, secrets);
        outcomes.set(one, outcome);
        if (resourceId !== null && outcome.outcome !== 'unchanged') changed.push(resourceId);
      } catch (error) {
        if (!(error instanceof TaskgateError) || error.code !== 'bad-input') throw error;
        problems.push(...inFile(one, error));
      }
    }
    if (problems.length > 0) throw documentRefused(inOrder(problems));
    return { applied: documents.map((one) => outcomes.get(one)!), resourceIds: changed };
  });
  for (const resourceId of resourceIds) await readFirstCatalog(ctx, resourceId);
  // Last: a resource of this file has its first catalog only now.
  for (const [index, one] of documents.entries()) applied[index]!.warnings = await warningsInFile(ctx, one);
  return { applied };
}

async function warningsInFile(ctx: ServiceContext, one: Parsed): Promise<Problem[]> {
  const { document, source } = one;
  if (document.kind === 'Resource') return [];
  // All is saved by now: an error here would say that nothing was.
  const warnings = await documentWarnings(ctx, source, document).catch(() => []);
  return warnings.map((warning) => shifted(one, warning));
}

function parseAll(source: string): readonly Parsed[] {
  const split = splitDocuments(source);
  if (!split.ok) throw documentRefused(split.problems);
  const problems: Problem[] = [];
  const seen = new Set<string>();
  const documents = split.document.flatMap((one): Parsed[] => {
    const parsed = parsers[one.kind](one.source);
    const key = `${one.kind} ${one.name}`;
    if (seen.has(key))
      problems.push({
        path: 'name',
        message: `\`${one.name}\` is in the file twice`,
        position: { line: one.line, column: 1 },
      });
    seen.add(key);
    if (parsed.ok) return [{ ...one, document: parsed.document }];
    problems.push(...parsed.problems.map((problem) => shifted(one, problem)));
    return [];
  });
  if (problems.length > 0) throw documentRefused(inOrder(problems));
  return documents;
}

const parsers = {
  Task: parseTask,
  Policy: parsePolicy,
  Workflow: parseWorkflow,
  Resource: parseResourceManifest,
} as const;

async function applyOne(
  tx: Transaction,
  ctx: ServiceContext,
  one: Parsed,
  secrets: Readonly<Record<string, string>>,
): Promise<{ outcome: AppliedDocument; resourceId: string | null }> {
  const { kind, source, document } = one;
  if (document.kind === 'Resource') {
    const { name, type, host, port, database, username, tls, labels, principals, rotateMs } = document;
    const secret = Object.hasOwn(secrets, name) ? secrets[name]! : null;
    const saved = await saveResource(
      tx,
      ctx,
      { name, type, host, port, database, username, tlsMode: tls.mode, tlsCa: tls.ca, labels, principals, rotateMs },
      secret === null ? null : new SecretValue(secret),
      { asBefore: true },
    );
    return { outcome: { kind, name, revision: null, outcome: saved.outcome, warnings: [] }, resourceId: saved.id };
  }
  const put = await putDocument(tx, ctx, source, document);
  return { outcome: { kind, ...put, warnings: [] }, resourceId: null };
}

function putDocument(
  tx: Transaction,
  ctx: ServiceContext,
  source: string,
  document: TaskDocument | PolicyDocument | WorkflowDocument,
): Promise<PutResult> {
  const how = { source, publish: true, baseRevision: null } as const;
  switch (document.kind) {
    case 'Task':
      return putTask(tx, ctx, { ...how, document });
    case 'Policy':
      return putPolicy(tx, ctx, { ...how, document });
    case 'Workflow':
      return putWorkflow(tx, ctx, { ...how, document });
  }
}

function inFile(one: SourceDocument, error: TaskgateError): readonly Problem[] {
  const problems = error.problems.length > 0 ? error.problems : [{ path: '', message: error.message, position: null }];
  return problems.map((problem) => shifted(one, problem));
}

/** From a place in the document to the place in the file. */
function shifted(one: SourceDocument, problem: Problem): Problem {
  const line = one.line + (problem.position?.line ?? 1) - 1;
  return { ...problem, position: { line, column: problem.position?.column ?? 1 } };
}

function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) => (a.position?.line ?? 0) - (b.position?.line ?? 0));
}
