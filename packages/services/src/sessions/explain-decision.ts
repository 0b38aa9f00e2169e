import type { Explanation } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import * as z from 'zod';
import type { ServiceContext, UserActor } from '../context.ts';
import { isVisibleHold } from '../holds/hold-actions.ts';
import { HOLD_SELECT, type HoldRow } from '../holds/hold-row.ts';
import { parseInput } from '../parse-input.ts';
import { requireAnyScope } from '../require-any-scope.ts';
import { findOtherTasks } from './find-other-tasks.ts';
import { readStatement } from './load-timeline.ts';
import { recordView } from './record-view.ts';
import { ruleExcerpt } from './rule-excerpt.ts';
import { isOwnSession, isVisibleSession, loadReplayRights } from './session-access.ts';
import { SESSION_SELECT, type SessionRow } from './session-row.ts';

export type ExplanationView = z.infer<typeof Explanation>;

const ByDecision = z.object({ decisionId: z.string().max(60) });

/** Why one statement was allowed, refused or held: for whose it is, those asked to approve it, and auditors. */
export async function explainDecision(
  ctx: ServiceContext,
  input: z.input<typeof ByDecision>,
): Promise<ExplanationView> {
  const actor = requireAnyScope(ctx, ['session:own', 'session:read', 'grant:review', 'grant:revoke']);
  const { decisionId } = parseInput(ByDecision, input);
  const { db } = ctx.services;
  const [operation, hold] = await Promise.all([
    db.operationRecord.findUnique({ where: { decisionId } }),
    db.hold.findUnique({ where: { decisionId }, select: HOLD_SELECT }),
  ]);
  const sessionId = operation?.sessionId ?? hold?.sessionId;
  const session =
    sessionId === undefined ? null : await db.session.findUnique({ where: { id: sessionId }, select: SESSION_SELECT });
  const asked = hold !== null && isVisibleHold(actor, hold);
  if (session === null || !(asked || isVisibleSession(actor, session)))
    throw new TaskgateError(
      'not-found',
      'there is no such decision; a decision of a moment ago may take a second to be here',
    );

  const statement = await readFor(ctx, actor, session, asked ? hold : null, decisionId);
  const said = operation ?? hold!;
  const outcome = (operation?.outcome ?? 'hold') as ExplanationView['outcome'];
  const reasons = said.reasons as unknown as ExplanationView['reasons'];
  const { task } = session.grant;
  return {
    decisionId,
    sessionId: session.id,
    grantId: session.grantId,
    task: task.name,
    taskRevision: session.grant.taskRevision,
    resource: task.resource.name,
    person: session.grant.user,
    at: (operation?.at ?? hold!.createdAt).toISOString(),
    outcome,
    statement,
    statementClass: said.statementClass,
    relations: said.relations as ExplanationView['relations'],
    reasons,
    excerpts: actor.scopes.includes('task:read') ? await loadExcerpts(db, reasons) : [],
    otherTasks:
      outcome !== 'allow' && statement !== null && session.grant.userId === actor.userId
        ? await findOtherTasks(ctx, actor, { statement, resourceId: task.resource.id, exceptTask: task.name })
        : [],
  };
}

/** The statement, for those who may read it; an auditor's reading is written down as any other. */
async function readFor(
  ctx: ServiceContext,
  actor: UserActor,
  session: SessionRow,
  hold: HoldRow | null,
  decisionId: string,
): Promise<string | null> {
  const own = isOwnSession(actor, session);
  // Whoever is asked about a statement is shown it in the inbox too.
  const approver = hold?.approverGroups.some((group) => actor.groups.includes(group)) === true;
  if (!own && !(approver && actor.scopes.includes('grant:review'))) {
    const mayReplay = await loadReplayRights(ctx.services.db, actor, [session]);
    if (!mayReplay(session)) return null;
    await recordView(ctx, actor, session.id, 'recording.explain');
  }
  return hold?.statement ?? readStatement(ctx, session.id, decisionId);
}

async function loadExcerpts(
  db: Transaction,
  reasons: ExplanationView['reasons'],
): Promise<ExplanationView['excerpts']> {
  const excerpts = new Map<string, ExplanationView['excerpts'][number]>();
  for (const { rule } of reasons) {
    if (rule.kind === 'gate' || rule.line === null) continue;
    const key = `${rule.kind}/${rule.name}/${rule.revision}/${rule.line}`;
    if (excerpts.has(key)) continue;
    const source = await loadSource(db, rule.kind, rule.name, rule.revision);
    if (source === null) continue;
    const { kind, name, revision, line } = rule;
    excerpts.set(key, { kind, name, revision, line, text: ruleExcerpt(source, line) });
  }
  return [...excerpts.values()];
}

async function loadSource(
  db: Transaction,
  kind: 'task' | 'policy',
  name: string,
  revision: number,
): Promise<string | null> {
  const row =
    kind === 'task'
      ? await db.taskRevision.findFirst({ where: { task: { name }, revision }, select: { source: true } })
      : await db.policyRevision.findFirst({ where: { policy: { name }, revision }, select: { source: true } });
  return row?.source ?? null;
}
