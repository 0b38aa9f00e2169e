import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import { newId, type ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { GROUP_SELECT, type GroupView, toGroupView } from './group-view.ts';
import { requireNoMore } from './require-no-escalation.ts';
import { requireUnnamed } from './require-unnamed.ts';
import { withPeople } from './with-people.ts';

export async function createGroup(ctx: ServiceContext, input: unknown): Promise<GroupView> {
  requireScope(ctx, 'people:write');
  const { name, roles, scopes, withheld } = parseInput(inputOf(contract.people.createGroup), input);
  // Nobody is in it yet.
  requireNoMore(ctx, [{ name, roles, scopes, withheld }]);
  return withPeople(ctx, async (tx) => {
    if ((await tx.group.count({ where: { name } })) > 0)
      throw new TaskgateError('conflict', `there is a group \`${name}\` already`);
    await requireUnnamed(tx, ctx, name);
    const createdAt = new Date(ctx.services.clock.now());
    const row = await tx.group.create({
      data: {
        id: newId(ctx.services, 'grp'),
        name,
        roles: [...new Set(roles)],
        scopes: [...new Set(scopes)],
        withheld: [...new Set(withheld)],
        createdAt,
      },
      select: GROUP_SELECT,
    });
    const view = toGroupView(row);
    await emitAudit(tx, ctx, {
      action: 'group.create',
      subjectKind: 'group',
      subject: row.id,
      before: null,
      after: view,
    });
    await notifyChange(tx, { topic: 'people', id: name });
    return view;
  });
}
