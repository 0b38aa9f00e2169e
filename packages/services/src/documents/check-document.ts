import type { Problem } from '@taskgate/core';
import {
  describePolicy,
  describeTask,
  describeWorkflow,
  parsePolicy,
  parseTask,
  parseWorkflow,
  policyApplies,
} from '@taskgate/policy';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { toResourceFacts } from '../grants/load-terms.ts';
import { parseInput } from '../parse-input.ts';
import { loadResources, policyReach } from '../policies/load-policies.ts';
import { loadPoliciesInForce } from '../policies/load-policies-in-force.ts';
import { requireScope } from '../require-scope.ts';
import { fieldProblem } from '../tasks/document-problem.ts';
import { toDescriptionView } from '../tasks/to-description-view.ts';
import { missingSteps } from '../workflows/put-workflow.ts';
import { documentWarnings } from './document-warnings.ts';

const CheckInput = z.object({ kind: z.enum(['Task', 'Policy', 'Workflow']), source: z.string().max(262_144) });

export interface DocumentCheck {
  problems: Problem[];
  /** Names that do not exist here; they do not stop a publication. */
  warnings: Problem[];
  description: ReturnType<typeof toDescriptionView>;
  /** Of a policy or a workflow: the resources that it is about. Of a task: the policies that hold for it. */
  appliesTo: string[];
}

/** For the editor: what is wrong with a source and what it means. Saves nothing. */
export async function checkDocument(ctx: ServiceContext, input: z.input<typeof CheckInput>): Promise<DocumentCheck> {
  requireScope(ctx, 'task:read');
  const { kind, source } = parseInput(CheckInput, input);
  const check = { Task: checkTask, Policy: checkPolicy, Workflow: checkWorkflow }[kind];
  return check(ctx, source);
}

async function checkTask(ctx: ServiceContext, source: string): Promise<DocumentCheck> {
  const parsed = parseTask(source);
  if (!parsed.ok) return failed(parsed.problems);
  const { db } = ctx.services;
  const { document } = parsed;
  const [resource, task, policies] = await Promise.all([
    db.resource.findUnique({ where: { name: document.resource }, select: { name: true, labels: true } }),
    db.task.findUnique({ where: { name: document.name }, select: { resource: { select: { name: true } } } }),
    loadPoliciesInForce(db),
  ]);
  const problems: Problem[] = [];
  if (resource === null)
    problems.push(fieldProblem(source, 'resource', `there is no resource \`${document.resource}\`; make it first`));
  else if (task !== null && task.resource.name !== document.resource)
    problems.push(fieldProblem(source, 'resource', 'a task stays on its resource; make a new task for another one'));
  const applying =
    resource === null
      ? []
      : policies.filter((policy) => policyApplies(policy.document, toResourceFacts(resource))).map((one) => one.name);
  return {
    problems,
    warnings: await documentWarnings(ctx, source, document),
    description: toDescriptionView(describeTask(document)),
    appliesTo: applying,
  };
}

async function checkPolicy(ctx: ServiceContext, source: string): Promise<DocumentCheck> {
  const parsed = parsePolicy(source);
  if (!parsed.ok) return failed(parsed.problems);
  const { document } = parsed;
  return {
    problems: [],
    warnings: await documentWarnings(ctx, source, document),
    description: toDescriptionView(describePolicy(document)),
    appliesTo: policyReach(document, await loadResources(ctx.services.db)).resources,
  };
}

async function checkWorkflow(ctx: ServiceContext, source: string): Promise<DocumentCheck> {
  const parsed = parseWorkflow(source);
  if (!parsed.ok) return failed(parsed.problems);
  const { document } = parsed;
  const { db } = ctx.services;
  const [missing, tasks] = await Promise.all([
    missingSteps(db, document),
    db.task.findMany({
      where: { name: { in: document.steps.map((step) => step.task) } },
      select: { resource: { select: { name: true } } },
    }),
  ]);
  return {
    problems: missing.map((step) => fieldProblem(source, 'steps', `there is no task \`${step}\`; make it first`)),
    warnings: await documentWarnings(ctx, source, document),
    description: toDescriptionView(describeWorkflow(document)),
    appliesTo: [...new Set(tasks.map((task) => task.resource.name))].sort(),
  };
}

const failed = (problems: readonly Problem[]): DocumentCheck => ({
  problems: [...problems],
  warnings: [],
  description: [],
  appliesTo: [],
});
