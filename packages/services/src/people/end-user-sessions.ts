import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { endSignIns } from './end-access.ts';
import { requireNoMore } from './require-no-escalation.ts';
import { groupsOf, USER_SELECT } from './user-view.ts';

/** Signs a person out everywhere: browsers and API tokens. Their grants stay. */
export async function endUserSessions(ctx: ServiceContext, input: unknown): Promise<{ ended: number }> {
  requireScope(ctx, 'people:write');
  const { id } = parseInput(inputOf(contract.people.endUserSessions), input);
  return withTransaction(ctx, async (tx) => {
    const person = await tx.identity.findUnique({ where: { id, kind: 'person' }, select: USER_SELECT });
    if (person === null) throw new TaskgateError('not-found', `there is no person \`${id}\``);
    requireNoMore(ctx, groupsOf(person));
    const ended = await endSignIns(tx, ctx, [id]);
    await emitAudit(tx, ctx, {
      action: 'user.end-sessions',
      subjectKind: 'user',
      subject: id,
      before: null,
      after: { ended },
    });
    await notifyChange(tx, { topic: 'people', id, userId: id });
    return { ended: ended.webSessions };
  });
}
