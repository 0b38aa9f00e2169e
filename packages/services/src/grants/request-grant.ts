import { Narrowing, ShortText, Slug } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { parseInput } from '../parse-input.ts';
import { lockCaller } from '../people/lock-caller.ts';
import { activatorOf } from '../people/to-actor.ts';
import { requireIdentity } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { findTaskSubject, findWorkflowSubject, requireMayActivate } from './grant-subject.ts';
import { insertGrant } from './insert-grant.ts';
import { type GrantView, toGrantViews } from './to-grant-view.ts';

const RequestGrantInput = z.object({
  task: Slug.optional(),
  workflow: Slug.optional(),
  /** How it is to be narrower than the task. */
  narrow: Narrowing.optional(),
  reason: ShortText.nullable().default(null),
  ticket: z.string().trim().min(1).max(100).nullable().default(null),
  ttlMs: z.number().int().min(10_000).nullable().default(null),
});

/** Asks for a grant of the published revision of a task or a workflow, whose terms are frozen into it. */
export async function requestGrant(ctx: ServiceContext, input: z.input<typeof RequestGrantInput>): Promise<GrantView> {
  const caller = requireIdentity(ctx, 'grant:request');
  const wish = parseInput(RequestGrantInput, input);
  if ((wish.task === undefined) === (wish.workflow === undefined))
    throw missing('task', 'name a task or a workflow, one of the two');
  if (wish.workflow !== undefined && wish.narrow !== undefined)
    throw missing('narrow', 'a workflow opens nothing itself: narrow the grants of its steps');
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const actor = await lockCaller(tx, caller, 'grant:request');
    const subject =
      wish.task === undefined
        ? { ...(await findWorkflowSubject(tx, wish.workflow!)), narrowed: null }
        : await findTaskSubject(tx, wish.task, wish.narrow);
    const { terms, document } = subject;
    const what = `this ${wish.task === undefined ? 'workflow' : 'task'}`;
    requireMayActivate(document, activatorOf(actor), now);
    if (terms.reasonRequired && wish.reason === null) throw missing('reason', `${what} needs a reason; say why`);
    if (terms.ticketRequired && wish.ticket === null) throw missing('ticket', `${what} needs a ticket; name it`);
    if (wish.ttlMs !== null && wish.ttlMs > terms.ttlMs)
      throw missing('ttlMs', `${what} can be had for at most ${terms.ttlMs / 1000} seconds; ask for less`);
    const row = await insertGrant(tx, ctx, {
      subject,
      identityId: actor.identityId,
      reason: wish.reason,
      ticket: wish.ticket,
      ttlMs: wish.ttlMs ?? terms.ttlMs,
      approvals: terms.approvals,
      stepUp: terms.stepUp,
      action: 'grant.request',
      document: subject.narrowed,
      narrowing: wish.narrow ?? null,
      under: null,
    });
    return (await toGrantViews(tx, actor, [row], now))[0]!;
  });
}

function missing(path: string, message: string): TaskgateError {
  return new TaskgateError('bad-input', message, { problems: [{ path, message, position: null }] });
}
