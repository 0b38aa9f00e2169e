import type { Me } from '@taskgate/contracts';
import type * as z from 'zod';
import type { ServiceContext, UserActor } from '../context.ts';
import { requireUser } from '../require-scope.ts';

export type MeView = z.infer<typeof Me>;

export async function loadMe(ctx: ServiceContext): Promise<MeView> {
  return toMe(requireUser(ctx));
}

export function toMe(actor: UserActor): MeView {
  const { userId, email, name, roles, groups, scopes, via } = actor;
  return { id: userId, email, name, roles: [...roles], groups: [...groups], scopes: [...scopes], via };
}
