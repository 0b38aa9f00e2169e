import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { revokeGrantsBeyond } from './end-access.ts';
import { GROUP_SELECT, type GroupView, toGroupView } from './group-view.ts';
import { keptByHand } from './kept-by-hand.ts';
import { requireAdminLeft } from './require-admin-left.ts';
import { requireNoEscalation } from './require-no-escalation.ts';
import { BY_HAND } from './user-view.ts';
import { withPeople } from './with-people.ts';

/** `members`, where given, are all members from now on. Holds for the next request of each of them. */
export async function updateGroup(ctx: ServiceContext, input: unknown): Promise<GroupView> {
  requireScope(ctx, 'people:write');
  const { name, roles, scopes, withheld, members } = parseInput(inputOf(contract.people.updateGroup), input);
  return withPeople(ctx, async (tx) => {
    const before = await tx.group.findUnique({ where: { name }, select: GROUP_SELECT });
    if (before === null) throw new TaskgateError('not-found', `there is no group \`${name}\``);
    const userIds =
      members === undefined
        ? null
        : keptByHand(
            'members',
            before.memberships.map(({ source, user }) => ({ id: user.id, label: user.email ?? user.name, source })),
            await findUserIds(tx, members),
          );
    const after = await tx.group.update({
      where: { name },
      data: {
        ...(roles === undefined ? {} : { roles: [...new Set(roles)] }),
        ...(scopes === undefined ? {} : { scopes: [...new Set(scopes)] }),
        ...(withheld === undefined ? {} : { withheld: [...new Set(withheld)] }),
        ...(userIds === null
          ? {}
          : { memberships: { deleteMany: { source: BY_HAND }, create: userIds.map((userId) => ({ userId })) } }),
      },
      select: GROUP_SELECT,
    });
    requireNoEscalation(ctx, [before, after]);
    await requireAdminLeft(tx);
    const affected = new Set([...before.memberships, ...after.memberships].map(({ user }) => user.id));
    await revokeGrantsBeyond(tx, ctx, [...affected]);
    const view = toGroupView(after);
    await emitAudit(tx, ctx, {
      action: 'group.update',
      subjectKind: 'group',
      subject: before.id,
      before: toGroupView(before),
      after: view,
    });
    await notifyChange(tx, { topic: 'people', id: name });
    return view;
  });
}

async function findUserIds(tx: Transaction, emails: readonly string[]): Promise<readonly string[]> {
  const wanted = [...new Set(emails.map((email) => email.toLowerCase()))];
  const users = await tx.identity.findMany({
    where: { kind: 'person', email: { in: wanted } },
    select: { id: true, email: true },
  });
  const missing = wanted.find((email) => !users.some((user) => user.email === email));
  if (missing !== undefined)
    throw new TaskgateError('bad-input', `there is nobody with the e-mail address \`${missing}\``, {
      problems: [
        { path: 'members', message: `there is nobody with the e-mail address \`${missing}\``, position: null },
      ],
    });
  return users.map((user) => user.id);
}
