import type { ServiceContext } from '../context.ts';
import { requireScope } from '../require-scope.ts';
import { GROUP_SELECT, type GroupView, toGroupView } from './group-view.ts';

export async function loadGroups(ctx: ServiceContext): Promise<GroupView[]> {
  requireScope(ctx, 'people:read');
  const rows = await ctx.services.db.group.findMany({ orderBy: { name: 'asc' }, select: GROUP_SELECT });
  return rows.map(toGroupView);
}
