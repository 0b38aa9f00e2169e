import type { Me } from '@taskgate/contracts';
import type * as z from 'zod';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { requireIdentity } from '../require-scope.ts';

export type MeView = z.infer<typeof Me>;

export async function loadMe(ctx: ServiceContext): Promise<MeView> {
  return toMe(requireIdentity(ctx));
}

export function toMe(actor: IdentityActor): MeView {
  const { kind, identityId, email, name, roles, groups, scopes, via } = actor;
  return { id: identityId, kind, email, name, roles: [...roles], groups: [...groups], scopes: [...scopes], via };
}
