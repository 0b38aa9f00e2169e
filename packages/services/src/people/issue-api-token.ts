import type { SecretValue } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { createToken, hashToken } from '@taskgate/identity';
import { newId, type ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { API_TOKEN_SELECT, type ApiTokenRow } from './api-token-view.ts';
import { labelOf } from './user-view.ts';

export interface NewApiToken {
  readonly identityId: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expiresAt: Date;
}

/** Writes the token's row and its audit row; the caller has checked who may have it and with which scopes. */
export async function issueApiToken(
  tx: Transaction,
  ctx: ServiceContext,
  wish: NewApiToken,
): Promise<{ readonly row: ApiTokenRow; readonly token: SecretValue }> {
  const { services } = ctx;
  const token = createToken('api', services.randomBytes);
  const row = await tx.apiToken.create({
    data: {
      id: newId(services, 'tok'),
      identityId: wish.identityId,
      name: wish.name,
      hash: hashToken(token),
      scopes: [...wish.scopes],
      createdAt: new Date(services.clock.now()),
      expiresAt: wish.expiresAt,
    },
    select: API_TOKEN_SELECT,
  });
  await emitAudit(tx, ctx, {
    action: 'api-token.create',
    subjectKind: 'api-token',
    subject: row.id,
    before: null,
    after: { name: row.name, scopes: row.scopes, expiresAt: row.expiresAt, owner: labelOf(row.identity) },
  });
  await notifyChange(tx, { topic: 'people', id: wish.identityId, userId: wish.identityId });
  return { row, token };
}
