import { contract } from '@taskgate/contracts';
import type { ServiceContext } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { toUserView, USER_VIEW_SELECT, type UserView } from './user-view.ts';

/** By e-mail address; `q` is part of an address or a name. */
export async function loadUsers(
  ctx: ServiceContext,
  input: unknown,
): Promise<{ items: UserView[]; nextCursor: string | null }> {
  requireScope(ctx, 'people:read');
  const { cursor, limit, q } = parseInput(inputOf(contract.people.users), input);
  const after = cursor === undefined ? null : Buffer.from(cursor, 'base64url').toString('utf8').replaceAll('\0', '');
  const rows = await ctx.services.db.identity.findMany({
    where: {
      kind: 'person',
      ...(after === null ? {} : { email: { gt: after } }),
      ...(q === undefined || q === ''
        ? {}
        : { OR: [{ email: { contains: q.toLowerCase() } }, { name: { contains: q, mode: 'insensitive' } }] }),
    },
    orderBy: { email: 'asc' },
    take: limit + 1,
    select: USER_VIEW_SELECT,
  });
  const items = rows.slice(0, limit).map(toUserView);
  const nextCursor = rows.length > limit ? Buffer.from(items.at(-1)!.email).toString('base64url') : null;
  return { items, nextCursor };
}
