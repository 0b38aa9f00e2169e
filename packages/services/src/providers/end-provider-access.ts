import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';

/** Ends every sign-in that came by this provider, finished or under way; gives the number of the finished. The caller writes the audit row. */
export async function endProviderSessions(tx: Transaction, ctx: ServiceContext, providerId: string): Promise<number> {
  await tx.signInFlow.deleteMany({ where: { providerId } });
  const { count } = await tx.webSession.updateMany({
    where: { providerId, endedAt: null },
    data: { endedAt: new Date(ctx.services.clock.now()) },
  });
  return count;
}

/** Ids of the people who have signed in by it. */
export async function peopleOfProvider(tx: Transaction, providerId: string): Promise<readonly string[]> {
  const links = await tx.providerLink.findMany({ where: { providerId }, select: { identityId: true } });
  return links.map(({ identityId }) => identityId);
}
