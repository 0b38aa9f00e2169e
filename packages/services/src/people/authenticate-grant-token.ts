import { type Scope, SecretValue } from '@taskgate/core';
import { hashToken, isToken } from '@taskgate/identity';
import type { IdentityActor, Services } from '../context.ts';
import { activeGrant } from '../gateway/active-grant.ts';
import { whyNotActive } from '../grants/grant-actions.ts';
import { GRANT_SELECT, toGrantStatus } from '../grants/grant-row.ts';
import { translateStoreError } from '../with-transaction.ts';
import { toActor } from './to-actor.ts';
import { isDisabled, USER_SELECT } from './user-view.ts';

/** Whatever else its owner may: what a job has in its environment reaches the job's own tree alone. */
const SCOPES: readonly Scope[] = ['task:read', 'grant:request'];

/** Who `Authorization: Bearer` is, where it is the token of an active grant; else `null`. */
export async function authenticateGrantToken(services: Services, token: string): Promise<IdentityActor | null> {
  return isToken(token, 'grant') ? findGrantActor(services, { tokenHash: hashToken(new SecretValue(token)) }) : null;
}

/** Who the grant's token stands for now, or `null`. */
export async function findGrantActor(
  services: Services,
  where: { readonly id: string } | { readonly tokenHash: Uint8Array<ArrayBuffer> },
): Promise<IdentityActor | null> {
  try {
    const row = await services.db.grant.findUnique({
      where,
      select: { ...GRANT_SELECT, identity: { select: { ...USER_SELECT, actsForId: true } } },
    });
    if (row === null || isDisabled(row.identity)) return null;
    const now = services.clock.now();
    if (whyNotActive(toGrantStatus(row), now) !== null) return null;
    // What ends takes all below with it; this is for what should not be.
    if (row.ancestorIds.length > 0) {
      const above = { id: { in: row.ancestorIds }, ...activeGrant(now) };
      if ((await services.db.grant.count({ where: above })) < row.ancestorIds.length) return null;
    }
    const actor = toActor(row.identity, { via: 'grant-token', viaId: row.id, limitedTo: SCOPES });
    return { ...actor, roles: [] };
  } catch (error) {
    throw translateStoreError(error);
  }
}
