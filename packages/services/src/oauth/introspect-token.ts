import { SecretValue } from '@taskgate/core';
import { hashToken, isToken } from '@taskgate/identity';
import type { ServiceContext } from '../context.ts';
import { whyNotActive } from '../grants/grant-actions.ts';
import { GRANT_SELECT, nameOf, toGrantStatus } from '../grants/grant-row.ts';
import { isVisibleGrant } from '../grants/visible-grants.ts';
import { findTokenActor } from '../people/authenticate-api-token.ts';
import { isDisabled, labelOf } from '../people/user-view.ts';
import { requireIdentity } from '../require-scope.ts';

/** RFC 7662, section 2.2; times in seconds. */
export type Introspection =
  | { readonly active: false }
  | {
      readonly active: true;
      readonly token_type: 'Bearer';
      readonly sub: string;
      readonly username: string;
      readonly exp: number;
      readonly iat: number;
      readonly jti: string;
      readonly scope?: string;
      /** Task or workflow of a grant's token. */
      readonly aud?: string;
      readonly resource?: string;
      readonly parent?: string;
      /** Whom an agent acts for. */
      readonly acts_for?: string;
    };

const INACTIVE = { active: false } as const;

/**
 * What a token stands for now. Whoever asks hears only of tokens that they could see anyway: their own, or those of
 * grants that they may read; of any other, and of none, that it is not active.
 */
export async function introspectToken(ctx: ServiceContext, token: string): Promise<Introspection> {
  const actor = requireIdentity(ctx, null, { grantToken: true });
  const { db, clock } = ctx.services;
  const hash = isToken(token, 'api') || isToken(token, 'grant') ? hashToken(new SecretValue(token)) : null;
  if (hash === null) return INACTIVE;
  if (isToken(token, 'api')) {
    const row = await db.apiToken.findUnique({
      where: { hash },
      select: { id: true, createdAt: true, expiresAt: true },
    });
    const owner = row === null ? null : await findTokenActor(ctx.services, { hash });
    const mayKnow = owner?.identityId === actor.identityId || actor.scopes.includes('people:write');
    if (row === null || owner === null || !mayKnow) return INACTIVE;
    return {
      active: true,
      token_type: 'Bearer',
      sub: owner.identityId,
      username: owner.email,
      exp: seconds(row.expiresAt),
      iat: seconds(row.createdAt),
      jti: row.id,
      scope: owner.scopes.join(' '),
    };
  }
  const row = await db.grant.findUnique({ where: { tokenHash: hash }, select: GRANT_SELECT });
  if (row === null || !isVisibleGrant(actor, row)) return INACTIVE;
  const over = whyNotActive(toGrantStatus(row), clock.now()) !== null || isDisabled(row.identity);
  if (over || row.expiresAt === null || row.activatedAt === null) return INACTIVE;
  return {
    active: true,
    token_type: 'Bearer',
    sub: row.identityId,
    username: labelOf(row.identity),
    exp: seconds(row.expiresAt),
    iat: seconds(row.activatedAt),
    jti: row.id,
    aud: nameOf(row),
    ...(row.task === null ? {} : { resource: row.task.resource.name }),
    ...(row.parentId === null ? {} : { parent: row.parentId }),
    ...(row.identity.actsForId === null ? {} : { acts_for: row.identity.actsForId }),
  };
}

const seconds = (at: Date): number => Math.floor(at.getTime() / 1000);
