import type { Prisma, Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';

export interface EndedProviderAccess {
  /** Sign-ins, finished ones. */
  readonly endedSessions: number;
  readonly endedApiTokens: number;
  readonly removedPasskeys: number;
}

/**
 * Before a provider is turned off or forgets people (all, or `userId`): ends the sign-ins that came by it, finished or under
 * way, and every API token of these people, as none says by which sign-in it was made. Who has no password and no other
 * provider loses every sign-in, and where `forgets` their passkeys: with these they could come in as before.
 * The caller writes the audit row.
 */
export async function endProviderAccess(
  tx: Transaction,
  ctx: ServiceContext,
  { providerId, userId, forgets }: { readonly providerId: string; readonly userId?: string; readonly forgets: boolean },
): Promise<EndedProviderAccess> {
  const at = new Date(ctx.services.clock.now());
  const only = userId === undefined ? {} : { identityId: userId };
  const linked: Prisma.IdentityWhereInput = { providerLinks: { some: { providerId, ...only } } };
  const alone: Prisma.IdentityWhereInput = {
    ...linked,
    passwordHash: null,
    NOT: { providerLinks: { some: { providerId: { not: providerId }, provider: { enabled: true } } } },
  };
  // A sign-in, or a new token, that is under way at this moment waits here, and finds that it is too late.
  await tx.$queryRaw`
    SELECT i.id FROM identities i JOIN provider_links l ON l."identityId" = i.id
    WHERE l."providerId" = ${providerId} AND (${userId ?? null}::text IS NULL OR i.id = ${userId ?? null}) ORDER BY i.id
    FOR UPDATE OF i`;
  await tx.signInFlow.deleteMany({ where: { providerId, ...only } });
  const sessions = await tx.webSession.updateMany({
    where: {
      endedAt: null,
      OR: [{ providerId, ...(userId === undefined ? {} : { userId }) }, { user: alone }],
    },
    data: { endedAt: at },
  });
  const tokens = await tx.apiToken.updateMany({
    where: { identity: linked, revokedAt: null, expiresAt: { gt: at } },
    data: { revokedAt: at },
  });
  await tx.deviceSignIn.updateMany({ where: { identity: linked, state: 'approved' }, data: { state: 'denied' } });
  const passkeys = forgets ? await tx.passkey.deleteMany({ where: { identity: alone } }) : { count: 0 };
  return { endedSessions: sessions.count, endedApiTokens: tokens.count, removedPasskeys: passkeys.count };
}

/** Ids of the people who have signed in by it. */
export async function peopleOfProvider(tx: Transaction, providerId: string): Promise<readonly string[]> {
  const links = await tx.providerLink.findMany({ where: { providerId }, select: { identityId: true } });
  return links.map(({ identityId }) => identityId);
}
