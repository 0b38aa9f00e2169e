import { TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { requireScope } from '../require-scope.ts';
import { requireNoMore } from './require-no-escalation.ts';
import { rightsOf } from './rights-of.ts';
import type { UserRow } from './user-view.ts';

/** Why the caller may not end all that is theirs, or `null`. For the verb and for the button alike. */
export function whyNotOffboard(ctx: ServiceContext, row: UserRow): TaskgateError | null {
  try {
    requireScope(ctx, 'people:write');
    if (ctx.actor.kind !== 'system' && ctx.actor.identityId === row.id)
      throw new TaskgateError('forbidden', 'nobody offboards themselves; ask another admin');
    requireNoMore(ctx, rightsOf(row));
    return null;
  } catch (error) {
    if (error instanceof TaskgateError) return error;
    throw error;
  }
}
