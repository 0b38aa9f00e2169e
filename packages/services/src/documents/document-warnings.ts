import { NO_LIMITS, type PostgresCatalog, type Problem, type SourcePosition } from '@taskgate/core';
import {
  compilePolicySet,
  didYouMean,
  type PolicyDocument,
  type PolicyWarning,
  policyApplies,
  type TaskDocument,
  type WorkflowDocument,
} from '@taskgate/policy';
import { readStoredCatalog } from '../catalog/stored-catalog.ts';
import type { ServiceContext } from '../context.ts';
import { toResourceFacts } from '../grants/load-terms.ts';
import { loadPoliciesInForce } from '../policies/load-policies-in-force.ts';

/** A policy may reach every resource: so many catalogs are read for its warnings, and none is warned of beyond. */
const MAX_CATALOGS = 5;
/** Each suggestion compares with every relation. */
const MAX_RELATIONS = 5_000;
const MAX_WARNINGS = 100;

/**
 * What does less than its author may think: names of groups, relations, columns and classes that do not exist here.
 * Never a reason to refuse: a table or a group may come later. Empty for who may not write documents: the suggestions
 * would tell them names that they may not list.
 */
export async function documentWarnings(
  ctx: ServiceContext,
  source: string,
  document: TaskDocument | PolicyDocument | WorkflowDocument,
): Promise<Problem[]> {
  if (ctx.actor.kind === 'system' || !ctx.actor.scopes.includes('task:write')) return [];
  const [groups, rules] = await Promise.all([
    groupWarnings(ctx, source, document),
    document.kind === 'Workflow' ? [] : ruleWarnings(ctx, document),
  ]);
  return [...groups, ...rules]
    .toSorted((a, b) => (a.position?.line ?? 0) - (b.position?.line ?? 0))
    .slice(0, MAX_WARNINGS);
}

async function groupWarnings(
  ctx: ServiceContext,
  source: string,
  document: TaskDocument | PolicyDocument | WorkflowDocument,
): Promise<Problem[]> {
  const rows = await ctx.services.db.group.findMany({ select: { name: true }, orderBy: { name: 'asc' } });
  const known = rows.map((row) => row.name);
  const lines = source.split('\n');
  const named: { path: string; groups: readonly string[]; after: number }[] = [];
  const top = (key: string): number => lines.findIndex((line) => line.startsWith(`${key}:`));
  if (document.kind !== 'Policy') {
    named.push({ path: 'who.groups', groups: document.who.groups, after: top('who') });
    named.push({
      path: 'access.approvals.from',
      groups: document.access.approvals?.from ?? [],
      after: top('access'),
    });
  }
  for (const rule of document.kind === 'Workflow' ? [] : document.hold)
    named.push({
      path: `${rule.source.path}.approvals.from`,
      groups: rule.approvals.from,
      after: rule.source.line - 1,
    });
  if (document.kind !== 'Workflow')
    named.push({ path: 'record.readers', groups: document.record.readers ?? [], after: top('record') });
  return named.flatMap(({ path, groups, after }) =>
    groups
      .filter((group) => !known.includes(group))
      .map((group) => ({
        path,
        message: `there is no group \`${group}\`${didYouMean(group, known)}`,
        position: placeOf(lines, group, Math.max(0, after)),
      })),
  );
}

/** The first place of a name from a line on (counted from 0). */
function placeOf(lines: readonly string[], name: string, from: number): SourcePosition {
  // A name is of letters, digits and dashes: nothing in it means something in a pattern.
  const word = new RegExp(`(?<![\\w-])${name}(?![\\w-])`);
  for (let line = from; line < lines.length; line += 1) {
    const column = word.exec(lines[line]!)?.index;
    if (column !== undefined) return { line: line + 1, column: column + 1 };
  }
  return { line: from + 1, column: 1 };
}

async function ruleWarnings(ctx: ServiceContext, document: TaskDocument | PolicyDocument): Promise<Problem[]> {
  const { db } = ctx.services;
  const [rows, inForce] = await Promise.all([
    db.resource.findMany({ select: { id: true, name: true, labels: true }, orderBy: { name: 'asc' } }),
    loadPoliciesInForce(db),
  ]);
  const others = inForce.filter((policy) => document.kind === 'Task' || policy.name !== document.name);
  const policies = document.kind === 'Task' ? others : [...others, { name: document.name, revision: 0, document }];
  const about = rows.filter((row) =>
    document.kind === 'Task' ? row.name === document.resource : policyApplies(document, toResourceFacts(row)),
  );
  if (about.length > MAX_CATALOGS) return [];
  const found: { readonly catalog: PostgresCatalog; readonly warnings: readonly PolicyWarning[] }[] = [];
  for (const row of about) {
    const catalog = await readStoredCatalog(db, row.id);
    // Not read yet: nothing is known to be missing there.
    if (catalog === null) return [];
    const resource = toResourceFacts(row);
    const task = document.kind === 'Task' ? document : emptyTask(resource.name);
    const { warnings } = compilePolicySet({
      task: { name: task.name, revision: 0, document: task },
      policies: policies.filter((policy) => policyApplies(policy.document, resource)),
      resource,
      catalog,
    });
    const kind = document.kind === 'Task' ? 'task' : 'policy';
    found.push({
      catalog,
      warnings: warnings.filter(({ reference }) => reference.kind === kind && reference.name === document.name),
    });
  }
  const [first, ...rest] = found;
  if (first === undefined) return [];
  const key = ({ reference, message }: PolicyWarning): string => `${reference.rule} ${message}`;
  const elsewhere = rest.map(({ warnings }) => new Set(warnings.map(key)));
  const relations = first.catalog.relations.slice(0, MAX_RELATIONS).map(({ schema, name }) => `${schema}.${name}`);
  return first.warnings
    .filter((warning) => elsewhere.every((keys) => keys.has(key(warning))))
    .slice(0, MAX_WARNINGS)
    .map(({ reference, message, unknownRelation }) => ({
      path: reference.rule,
      message: unknownRelation === undefined ? message : `${message}${didYouMean(unknownRelation, relations)}`,
      position: reference.line === null ? null : { line: reference.line, column: 1 },
    }));
}

/** Rules of a policy are compiled beside a task: one that says nothing. */
function emptyTask(resource: string): TaskDocument {
  return {
    kind: 'Task',
    name: '',
    purpose: '',
    resource,
    who: { groups: [], machines: [], agents: [] },
    access: { reasonRequired: false, ticketRequired: false, approvals: null, ttlMs: 0, when: null, stepUp: 'none' },
    allow: [],
    hold: [],
    deny: [],
    mask: [],
    limits: NO_LIMITS,
    record: { results: null, durability: null, readers: null, keepMs: null },
  };
}
