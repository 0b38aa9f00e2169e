import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { requireAdmin, requireNoEscalation } from '../people/require-no-escalation.ts';
import { emailTrustOf, type ProviderRow } from './provider-row.ts';

/**
 * Whoever says what a provider is can sign in as each one it knows, be in each group it is mapped to and, where its word
 * for an e-mail address is taken, be anybody. Throws `forbidden` where that is more than the caller has.
 */
export async function requireProviderRights(tx: Transaction, ctx: ServiceContext, row: ProviderRow): Promise<void> {
  if (emailTrustOf(row) !== 'never')
    requireAdmin(ctx, `\`${row.name}\` is trusted with e-mail addresses, and so could let anybody in as anybody`);
  const groups = await tx.group.findMany({
    where: {
      OR: [
        { mappings: { some: { source: row.id } } },
        { memberships: { some: { user: { providerLinks: { some: { providerId: row.id } } } } } },
      ],
    },
  });
  requireNoEscalation(ctx, groups);
}
