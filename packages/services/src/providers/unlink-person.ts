import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { proveSignedIn } from '../passkeys/prove-person.ts';
import { requireNoEscalation } from '../people/require-no-escalation.ts';
import { rightsOf } from '../people/rights-of.ts';
import { syncMemberships } from '../people/sync-memberships.ts';
import { USER_SELECT } from '../people/user-view.ts';
import { withPeople } from '../people/with-people.ts';
import { requireScope } from '../require-scope.ts';
import { endProviderAccess } from './end-provider-access.ts';
import { findProvider } from './provider-row.ts';

/** Who the person is at the provider is forgotten, and the ways in that it opened end. They may be linked anew at the next. */
export async function unlinkPerson(ctx: ServiceContext, input: unknown): Promise<{ unlinked: true }> {
  requireScope(ctx, 'people:write');
  const { name, userId, proof } = parseInput(inputOf(contract.providers.unlink), input);
  await proveSignedIn(ctx, proof);
  return withPeople(ctx, async (tx) => {
    const provider = await findProvider(tx, name);
    const where = { providerId_identityId: { providerId: provider.id, identityId: userId } };
    const link = await tx.providerLink.findUnique({
      where,
      select: { subject: true, identity: { select: USER_SELECT } },
    });
    if (link === null) throw new TaskgateError('not-found', `\`${name}\` does not know this person`);
    // Somebody else could be linked to them at the next sign-in.
    requireNoEscalation(ctx, rightsOf(link.identity));
    const ended = await endProviderAccess(tx, ctx, { providerId: provider.id, userId, forgets: true });
    await tx.providerLink.delete({ where });
    const memberships = await syncMemberships(tx, ctx, [userId]);
    await emitAudit(tx, ctx, {
      action: 'user.unlink',
      subjectKind: 'user',
      subject: userId,
      before: { provider: name, subject: link.subject },
      after: { ...ended, memberships },
    });
    await notifyChange(tx, { topic: 'people', id: userId, userId });
    return { unlinked: true };
  });
}
