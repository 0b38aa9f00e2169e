import { contract } from '@taskgate/contracts';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { openChallenge, type RequestOptionsView, toRequestOptions } from '../passkeys/challenge.ts';
import { checkAssertion, requireStillRegistered } from '../passkeys/check-assertion.ts';
import { lockCaller } from '../people/lock-caller.ts';
import { requirePerson } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { lockGrantFor } from './change-grant.ts';
import { GRANT_SELECT, toGrantAudit } from './grant-row.ts';
import { type GrantView, toGrantViews } from './to-grant-view.ts';

const questionOf = (identityId: string, subject: string) =>
  ({ purpose: 'confirm-grant', identityId, subject }) as const;

/** The question whose answer is the owner's yes to this activation. */
export async function askToConfirmGrant(ctx: ServiceContext, input: unknown): Promise<RequestOptionsView> {
  const actor = requirePerson(ctx, 'grant:request');
  const { id } = parseInput(inputOf(contract.grants.askToConfirm), input);
  return withTransaction(ctx, async (tx) => {
    await lockGrantFor(tx, actor, id, 'activate', ctx.services.clock.now());
    const challenge = await openChallenge(tx, ctx.services, questionOf(actor.identityId, id));
    return toRequestOptions(tx, ctx.services, challenge, actor.identityId);
  });
}

/**
 * The owner's yes, by a passkey, to an activation that asks for it. Whoever waits for it (this browser, or the command
 * line with its token) can activate within five minutes. Throws `wrong-passkey`.
 */
export async function confirmGrant(ctx: ServiceContext, input: unknown): Promise<GrantView> {
  const caller = requirePerson(ctx, 'grant:request');
  const { id, assertion } = parseInput(inputOf(contract.grants.confirm), input);
  const checked = await checkAssertion(ctx.services, assertion, questionOf(caller.identityId, id));
  return withTransaction(ctx, async (tx) => {
    const now = ctx.services.clock.now();
    const actor = await lockCaller(tx, caller, 'grant:request');
    const before = await lockGrantFor(tx, actor, id, 'activate', now);
    await requireStillRegistered(tx, checked);
    const after = await tx.grant.update({
      where: { id },
      data: { confirmedAt: new Date(now) },
      select: GRANT_SELECT,
    });
    await emitAudit(tx, ctx, {
      action: 'grant.confirm',
      subjectKind: 'grant',
      subject: id,
      before: toGrantAudit(before),
      after: { ...toGrantAudit(after), passkey: checked.passkey.id },
    });
    await notifyChange(tx, { topic: 'grants', id, userId: after.identityId, groups: after.approverGroups });
    return (await toGrantViews(tx, actor, [after], now))[0]!;
  });
}
