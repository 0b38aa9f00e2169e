import { contract } from '@taskgate/contracts';
import type { Services } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { withTransaction } from '../with-transaction.ts';
import { issueCliToken } from './issue-cli-token.ts';
import { type MeView, toMe } from './load-me.ts';
import { toActor } from './to-actor.ts';
import { type ClientFacts, requireStillVerified, verifySignIn } from './verify-sign-in.ts';

/** E-mail and password for an API token with all scopes of the person: the CLI's sign-in. */
export async function login(
  services: Services,
  input: unknown,
  client: ClientFacts,
): Promise<{ token: string; expiresAt: string; me: MeView }> {
  const { email, password, name } = parseInput(inputOf(contract.people.login), input);
  const verified = await verifySignIn(services, { email, password }, client);
  const { user } = verified;
  const actor = toActor(user, { via: 'api-token', viaId: '', limitedTo: null });
  const at = services.clock.now();
  return withTransaction({ services }, async (tx) => {
    await requireStillVerified(tx, verified);
    const ctx = { services, actor };
    const { row, token, expiresAt } = await issueCliToken(tx, ctx, { identityId: user.id, name, scopes: actor.scopes });
    await tx.identity.update({ where: { id: user.id }, data: { lastSignInAt: new Date(at) } });
    await emitAudit(tx, ctx, {
      action: 'user.sign-in',
      subjectKind: 'user',
      subject: user.id,
      before: null,
      after: { apiToken: row.id, provider: null, address: client.address, userAgent: client.userAgent },
    });
    return { token: token.reveal((text) => text), expiresAt: expiresAt.toISOString(), me: toMe(ctx.actor) };
  });
}
