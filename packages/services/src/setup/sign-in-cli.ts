import type { SecretValue } from '@taskgate/core';
import type { ServiceContext, Services } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { authenticateApiToken } from '../people/authenticate-api-token.ts';
import { issueCliToken } from '../people/issue-cli-token.ts';
import { toActor } from '../people/to-actor.ts';
import { USER_SELECT } from '../people/user-view.ts';
import { requireSystem } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';

const TOKEN_NAME = 'demo command line';

/**
 * An API token of a demo user for the command line of whoever started the demo: `kept`, where it still works, else a
 * new one, which ends the ones made so before. `null` where that user is gone or disabled.
 */
export async function signInCli(
  services: Services,
  options: { readonly email: string; readonly kept: SecretValue | null },
): Promise<SecretValue | null> {
  const ctx: ServiceContext = { services, actor: { kind: 'system', via: 'setup' } };
  requireSystem(ctx, 'setup');
  const { kept, email } = options;
  const standing = kept && (await kept.reveal((text) => authenticateApiToken(services, text)));
  if (standing?.email === email) return kept;
  const user = await services.db.identity.findUnique({ where: { email }, select: USER_SELECT });
  if (user === null || user.disabledAt !== null) return null;
  const { scopes } = toActor(user, { via: 'api-token', viaId: '', limitedTo: null });
  if (scopes.length === 0) return null;
  return withTransaction(ctx, async (tx) => {
    const old = { identityId: user.id, name: TOKEN_NAME, revokedAt: null };
    const { count } = await tx.apiToken.updateMany({ where: old, data: { revokedAt: new Date(services.clock.now()) } });
    const { row, token } = await issueCliToken(tx, ctx, { identityId: user.id, name: TOKEN_NAME, scopes });
    await emitAudit(tx, ctx, {
      action: 'setup.sign-in-cli',
      subjectKind: 'api-token',
      subject: row.id,
      before: null,
      after: { owner: email, replaced: count },
    });
    return token;
  });
}
