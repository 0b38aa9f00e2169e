import { contract } from '@taskgate/contracts';
import type { Services } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { withTransaction } from '../with-transaction.ts';
import { issueApiToken } from './issue-api-token.ts';
import { type MeView, toMe } from './load-me.ts';
import { toActor } from './to-actor.ts';
import { type ClientFacts, requireStillVerified, verifySignIn } from './verify-sign-in.ts';

/** How long the CLI stays signed in. */
export const CLI_TOKEN_MS = 30 * 86_400_000;

/** E-mail and password for an API token with all scopes of the person: the CLI's sign-in. */
export async function login(
  services: Services,
  input: unknown,
  client: ClientFacts,
): Promise<{ token: string; expiresAt: string; me: MeView }> {
  const { email, password, name } = parseInput(inputOf(contract.people.login), input);
  const verified = await verifySignIn(services, { email, password }, client);
  const { user } = verified;
  const { scopes } = toActor(user, { via: 'api-token', viaId: '', limitedTo: null });
  const at = services.clock.now();
  return withTransaction({ services }, async (tx) => {
    await requireStillVerified(tx, verified);
    const ctx = { services, actor: toActor(user, { via: 'api-token', viaId: '', limitedTo: null }) };
    const expiresAt = new Date(at + CLI_TOKEN_MS);
    // A person in no group has no scope; the token says so by holding one that gives them nothing.
    const wish = { identityId: user.id, name, scopes: scopes.length > 0 ? scopes : ['task:read'], expiresAt };
    const { row, token } = await issueApiToken(tx, ctx, wish);
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
