import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { createToken } from '@taskgate/identity';
import { narrowestLimits } from '@taskgate/policy';
import * as z from 'zod';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { lockCaller } from '../people/lock-caller.ts';
import { activatorOf, mayRequest, toActivator } from '../people/to-actor.ts';
import { isDisabled, USER_SELECT } from '../people/user-view.ts';
import { requireIdentity } from '../require-scope.ts';
import { readTaskDocument, readWorkflowDocument } from '../tasks/task-documents.ts';
import { withTransaction } from '../with-transaction.ts';
import { connectOf } from './activate-grant.ts';
import { lockGrantFor } from './change-grant.ts';
import type { ConnectView } from './connect-strings.ts';
import type { GrantRow } from './grant-row.ts';
import { type GrantSubject, readPinned, requireMayActivate, taskSubject } from './grant-subject.ts';
import { insertGrant } from './insert-grant.ts';
import { needsConfirmation } from './is-confirmed.ts';
import { loadTaskSource, readLimits } from './load-terms.ts';
import { narrowDocument } from './narrow-document.ts';
import { requireStepReady } from './require-step-ready.ts';
import { type Grantee, startGrant } from './start-grant.ts';
import { type GrantView, toGrantViews } from './to-grant-view.ts';

/** As the store has it, by a CHECK. */
const MAX_DEPTH = 8;
/** Of one grant at a time, and in one tree altogether: it is read as a whole. */
const MAX_LIVE_CHILDREN = 100;
const MAX_IN_TREE = 5_000;

const Id = z.string().max(60);
const MintInput = inputOf(contract.grants.mint).omit({ id: true }).extend({
  parentId: Id,
  /** Whom it is for, where the caller of this verb has seen proof of that identity too; else whoever calls. */
  identityId: Id.optional(),
});

export interface MintView {
  grant: GrantView;
  /** Shown this once; `null` while it waits for approval: activate it then. */
  token: string | null;
  connect: ConnectView | null;
}

/**
 * Makes a grant below another and starts it: of a step of a workflow, or narrower of the same task. It waits as requested
 * where its step's task needs an approval. Throws `wider-than-parent` with what is wider, where it is not narrower.
 */
export async function mintGrant(ctx: ServiceContext, input: z.input<typeof MintInput>): Promise<MintView> {
  const caller = requireIdentity(ctx, 'grant:request', { grantToken: true });
  const wish = parseInput(MintInput, input);
  const token = createToken('grant', ctx.services.randomBytes);
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const { identityId = caller.identityId } = wish;
    const actor = await lockCaller(tx, caller, 'grant:request', [identityId]);
    const parent = await lockGrantFor(tx, actor, wish.parentId, 'mint', now);
    await requireRoom(tx, parent);
    const grantee = await loadGrantee(tx, actor, identityId);
    const child = parent.workflowId === null ? await narrowerOf(tx, parent, wish) : await stepOf(tx, parent, wish);
    requireMayActivate(child.subject.document, grantee, now);
    const { terms } = child.subject;
    const reason = wish.reason ?? parent.reason;
    if (child.step !== null && terms.reasonRequired && reason === null)
      throw new TaskgateError('bad-input', `task \`${child.step}\` needs a reason; say why`, {
        problems: [{ path: 'reason', message: 'a reason is missing', position: null }],
      });
    if (child.step !== null && terms.ticketRequired && parent.ticket === null)
      throw new TaskgateError('bad-input', `task \`${child.step}\` needs a ticket; start the workflow with one`);
    // What is narrower than what was approved, for whom it was approved, needs no other approval.
    const asApproved = child.step === null && grantee.identityId === parent.identityId;
    const row = await insertGrant(tx, ctx, {
      subject: child.subject,
      identityId: grantee.identityId,
      reason,
      ticket: parent.ticket,
      ttlMs: Math.min(wish.ttlMs ?? terms.ttlMs, terms.ttlMs),
      approvals: asApproved ? null : terms.approvals,
      stepUp: asApproved ? 'none' : terms.stepUp,
      action: 'grant.mint',
      under: {
        parent,
        step: child.step,
        limits: child.limits,
      },
      document: child.document,
      narrowing: wish.narrow ?? null,
    });
    const waits = row.state === 'requested' || needsConfirmation(row);
    const after = waits ? row : await startGrant(tx, ctx, row, { subject: child.subject, grantee, token });
    return {
      grant: (await toGrantViews(tx, actor, [after], now))[0]!,
      token: waits ? null : token.reveal((text) => text),
      connect: waits ? null : connectOf(ctx, after),
    };
  });
}

interface Child {
  readonly subject: GrantSubject;
  readonly step: string | null;
  readonly document: string | null;
  readonly limits: ReturnType<typeof readLimits>;
}

type Wish = z.output<typeof MintInput>;

async function stepOf(tx: Transaction, parent: GrantRow, wish: Wish): Promise<Child> {
  const { source } = await tx.workflowRevision.findUniqueOrThrow({
    where: { workflowId_revision: { workflowId: parent.workflowId!, revision: parent.workflowRevision! } },
    select: { source: true },
  });
  const workflow = readWorkflowDocument(source);
  const names = workflow.steps.map((step) => `\`${step.task}\``).join(', ');
  if (wish.task === undefined)
    throw new TaskgateError('bad-input', `a workflow's grant makes grants of its steps; name one: ${names}`, {
      problems: [{ path: 'task', message: `one of ${names}`, position: null }],
    });
  const step = workflow.steps.find((one) => one.task === wish.task);
  const taskRevision = readPinned(parent)[wish.task];
  if (step === undefined || taskRevision === undefined)
    throw new TaskgateError(
      'wider-than-parent',
      `\`${wish.task}\` is no step of this workflow; its steps are ${names}`,
      {
        problems: [{ path: 'task', message: `resource: one of ${names}`, position: null }],
      },
    );
  await requireStepReady(tx, parent.id, step);
  const task = await tx.task.findUniqueOrThrow({
    where: { name: wish.task },
    select: { id: true, name: true, salt: true, resource: { select: { name: true, labels: true } } },
  });
  const document =
    wish.narrow === undefined ? null : narrowDocument(await loadTaskSource(tx, task.id, taskRevision), wish.narrow);
  const limits = narrowestLimits([readLimits(parent.limits), workflow.limits]);
  const subject = await taskSubject(tx, task, { taskId: task.id, taskRevision, document, limits });
  return { subject, step: wish.task, document, limits };
}

async function narrowerOf(tx: Transaction, parent: GrantRow, wish: Wish): Promise<Child> {
  const { taskId, taskRevision } = parent;
  if (wish.task !== undefined && wish.task !== parent.task!.name)
    throw new TaskgateError(
      'wider-than-parent',
      `a grant of task \`${parent.task!.name}\` makes grants of that task only, not of \`${wish.task}\``,
      { problems: [{ path: 'task', message: `resource: only \`${parent.task!.name}\``, position: null }] },
    );
  const source = parent.document ?? (await loadTaskSource(tx, taskId!, taskRevision!));
  const document = wish.narrow === undefined ? parent.document : narrowDocument(source, wish.narrow);
  const limits = narrowestLimits([readLimits(parent.limits), readTaskDocument(source).limits]);
  const task = await tx.task.findUniqueOrThrow({
    where: { id: taskId! },
    select: { name: true, salt: true, resource: { select: { name: true, labels: true } } },
  });
  const subject = await taskSubject(tx, task, { taskId: taskId!, taskRevision: taskRevision!, document, limits });
  return { subject, step: null, document, limits };
}

async function requireRoom(tx: Transaction, parent: GrantRow): Promise<void> {
  if (parent.depth >= MAX_DEPTH)
    throw new TaskgateError('invalid-state', `a tree is at most ${MAX_DEPTH} grants deep below its root`);
  const live = await tx.grant.count({ where: { parentId: parent.id, state: { not: 'ended' } } });
  if (live >= MAX_LIVE_CHILDREN)
    throw new TaskgateError('rate-limited', `the grant has ${live} grants alive below it; end some first`);
  const all = await tx.grant.count({ where: { rootId: parent.rootId } });
  if (all >= MAX_IN_TREE)
    throw new TaskgateError('rate-limited', `the tree has ${all} grants, as many as one can have; start another`);
}

/** Whom the grant is for. An identity that is not the caller's was proven by the caller of this verb. */
async function loadGrantee(tx: Transaction, actor: IdentityActor, identityId: string): Promise<Grantee> {
  if (identityId === actor.identityId) return { ...activatorOf(actor), identityId };
  const row = await tx.identity.findUnique({ where: { id: identityId }, select: USER_SELECT });
  if (row === null || isDisabled(row) || !mayRequest(row))
    throw new TaskgateError(
      'forbidden',
      'whom the grant is for does not exist any more, is disabled, or may not have grants',
    );
  return { ...toActivator(row), identityId: row.id };
}
