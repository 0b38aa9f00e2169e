import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { issueApiToken, type NewApiToken } from './issue-api-token.ts';

/** How long the CLI stays signed in. */
const CLI_TOKEN_MS = 30 * 86_400_000;

/** The API token that the CLI is signed in by: with all scopes of whose it is. The caller writes the audit row. */
export async function issueCliToken(tx: Transaction, ctx: ServiceContext, wish: Omit<NewApiToken, 'expiresAt'>) {
  const expiresAt = new Date(ctx.services.clock.now() + CLI_TOKEN_MS);
  // A person in no group has no scope; the token says so by holding one that gives them nothing.
  const scopes = wish.scopes.length > 0 ? wish.scopes : (['task:read'] as const);
  return { ...(await issueApiToken(tx, ctx, { ...wish, scopes, expiresAt })), expiresAt };
}
