import type { Explanation } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import * as z from 'zod';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { toPerson } from '../grants/person-ref.ts';
import { isVisibleHold } from '../holds/hold-actions.ts';
import { HOLD_SELECT, type HoldRow, toHoldRow } from '../holds/hold-row.ts';
import { parseInput } from '../parse-input.ts';
import { requireAnyScope } from '../require-any-scope.ts';
import { findOpenTasks } from './find-open-tasks.ts';
import { loadApprovers } from './load-approvers.ts';
import { readOperation } from './load-timeline.ts';
import { recordView } from './record-view.ts';
import { ruleExcerpt } from './rule-excerpt.ts';
import { isOwnSession, isVisibleSession, loadReplayRights } from './session-access.ts';
import { SESSION_SELECT, type SessionRow, toSessionRow } from './session-row.ts';

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
  const [operation, storedHold] = await Promise.all([
    db.operationRecord.findUnique({ where: { decisionId } }),
    db.hold.findUnique({ where: { decisionId }, select: HOLD_SELECT }),
  ]);
  const hold = storedHold && toHoldRow(storedHold);
  const sessionId = operation?.sessionId ?? hold?.sessionId;
  const stored =
    sessionId === undefined ? null : await db.session.findUnique({ where: { id: sessionId }, select: SESSION_SELECT });
  const session = stored && toSessionRow(stored);
  const asked = hold !== null && isVisibleHold(actor, hold);
  if (session === null || !(asked || isVisibleSession(actor, session)))
    throw new TaskgateError(
      'not-found',
      'there is no such decision; a decision of a moment ago may take a second to be here',
    );

  const read = await readFor(ctx, actor, session, asked ? hold : null, decisionId);
  const statement = read === null ? null : (hold?.statement ?? read.operation?.operation.secret?.statement ?? null);
  const said = operation ?? hold!;
  const outcome = (operation?.outcome ?? 'hold') as ExplanationView['outcome'];
  // They name what the statement names.
  const relations = read === null ? [] : (said.relations as ExplanationView['relations']);
  const reasons = read === null ? [] : (said.reasons as unknown as ExplanationView['reasons']);
  const { task } = session.grant;
  const own = session.grant.identityId === actor.identityId;
  const published = await db.task.findUnique({ where: { name: task.name }, select: { publishedRevision: true } });
  const passed = outcome === 'allow' && (operation?.result === 'done' || operation?.result === null);
  const open =
    !passed && statement !== null && own
      ? await findOpenTasks(ctx, actor, { statement, resourceId: task.resource.id })
      : [];
  return {
    decisionId,
    sessionId: session.id,
    grantId: session.grantId,
    grantState: session.grant.state as ExplanationView['grantState'],
    task: task.name,
    taskRevision: session.grant.taskRevision,
    newerTaskRevision: newer(published?.publishedRevision, session.grant.taskRevision),
    resource: task.resource.name,
    person: toPerson(session.grant.identity),
    at: (operation?.at ?? hold!.createdAt).toISOString(),
    outcome,
    ending: operation === null ? null : toEnding(operation, read),
    hold: hold === null ? null : toHold(hold),
    statement,
    statementClass: said.statementClass,
    relations,
    reasons,
    excerpts: actor.scopes.includes('task:read') ? await loadExcerpts(db, session, reasons) : [],
    masks: (read?.operation?.shape?.columns ?? []).flatMap(({ name, mask }) =>
      mask === null ? [] : [{ column: name, mask }],
    ),
    approvers: await loadApprovers(db, session, hold),
    // Asked for anew, it comes with the newest revision and a budget of its own.
    sameTaskAgain: open.some((one) => one.task === task.name),
    otherTasks: open.filter((one) => one.task !== task.name),
  };
}

const newer = (published: number | null | undefined, than: number): number | null =>
  published !== null && published !== undefined && published > than ? published : null;

function toEnding(
  row: {
    readonly result: string | null;
    readonly sqlstate: string | null;
    readonly tag: string | null;
    readonly rows: bigint | null;
    readonly maskedCells: number;
  },
  read: Read | null,
): ExplanationView['ending'] {
  if (row.result === null) return null;
  return {
    result: row.result as NonNullable<ExplanationView['ending']>['result'],
    sqlstate: row.sqlstate,
    tag: row.tag,
    rows: row.rows === null ? null : Number(row.rows),
    maskedCells: row.maskedCells,
    message: read?.operation?.outcome?.secret?.message ?? null,
  };
}

function toHold(hold: HoldRow): ExplanationView['hold'] {
  return {
    id: hold.id,
    state: hold.state as NonNullable<ExplanationView['hold']>['state'],
    answers: hold.approvals.map(({ id, user, outcome, comment, signature }) => ({
      id,
      person: toPerson(user),
      outcome,
      comment,
      signedBy: signature?.passkeyName ?? null,
    })),
    endedAt: hold.endedAt?.toISOString() ?? null,
  };
}

interface Read {
  readonly operation: Awaited<ReturnType<typeof readOperation>>;
}

/** The recorded operation, or `null` for those who may not read the statement; an auditor's reading is written down as any other. */
async function readFor(
  ctx: ServiceContext,
  actor: IdentityActor,
  session: SessionRow,
  hold: HoldRow | null,
  decisionId: string,
): Promise<Read | null> {
  const own = isOwnSession(actor, session);
  if (!own) {
    // Whoever is asked about a statement is shown it in the inbox too, and no more of its session.
    const approver = hold?.approverGroups.some((group) => actor.groups.includes(group)) === true;
    if (approver && actor.scopes.includes('grant:review')) return { operation: null };
    const mayReplay = await loadReplayRights(ctx.services.db, actor, [session]);
    if (!mayReplay(session)) return null;
    await recordView(ctx, actor, session.id, 'recording.explain');
  }
  return { operation: await readOperation(ctx, session.id, decisionId) };
}

async function loadExcerpts(
  db: Transaction,
  session: SessionRow,
  reasons: ExplanationView['reasons'],
): Promise<ExplanationView['excerpts']> {
  const excerpts = new Map<string, ExplanationView['excerpts'][number]>();
  for (const { rule } of reasons) {
    if (rule.kind === 'gate' || rule.line === null) continue;
    const key = `${rule.kind}/${rule.name}/${rule.revision}/${rule.line}`;
    if (excerpts.has(key)) continue;
    const { kind, name, revision, line } = rule;
    const found = await loadSource(db, kind, name, revision);
    if (found === null) continue;
    // The lines of a grant that was narrowed are those of its own document.
    const source = (kind === 'task' ? session.grant.document : null) ?? found.source;
    const newerRevision = newer(found.published, revision);
    excerpts.set(key, { kind, name, revision, line, text: ruleExcerpt(source, line), newerRevision });
  }
  return [...excerpts.values()];
}

async function loadSource(
  db: Transaction,
  kind: 'task' | 'policy',
  name: string,
  revision: number,
): Promise<{ source: string; published: number | null } | null> {
  if (kind === 'task') {
    const row = await db.taskRevision.findFirst({
      where: { task: { name }, revision },
      select: { source: true, task: { select: { publishedRevision: true } } },
    });
    return row && { source: row.source, published: row.task.publishedRevision };
  }
  const row = await db.policyRevision.findFirst({
    where: { policy: { name }, revision },
    select: { source: true, policy: { select: { publishedRevision: true } } },
  });
  return row && { source: row.source, published: row.policy.publishedRevision };
}
