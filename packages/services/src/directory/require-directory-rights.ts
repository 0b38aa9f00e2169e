import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { requireAdmin, requireNoEscalation } from '../people/require-no-escalation.ts';
import { FROM_DIRECTORY } from '../people/user-view.ts';
import { requireScope } from '../require-scope.ts';

/**
 * What a directory's token may do: say who is in its groups, and what the people it keeps are called. Who makes one must
 * have all that these give, and must have it still at each use: else the token would be more than they are. Throws
 * `forbidden`.
 */
export async function requireDirectoryRights(
  tx: Transaction,
  ctx: ServiceContext,
  { adopts }: { readonly adopts: boolean },
): Promise<void> {
  requireScope(ctx, 'people:write');
  if (adopts) requireAdmin(ctx, 'a token that may take people over could change anybody who is here');
  const groups = await tx.group.findMany({
    where: {
      OR: [
        { mappings: { some: { source: FROM_DIRECTORY } } },
        { memberships: { some: { user: { directoryUser: { removedAt: null } } } } },
      ],
    },
  });
  requireNoEscalation(ctx, groups);
}
