import { contract } from '@taskgate/contracts';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { proveSignedIn } from '../passkeys/prove-person.ts';
import { syncMemberships } from '../people/sync-memberships.ts';
import { withPeople } from '../people/with-people.ts';
import { requireScope } from '../require-scope.ts';
import { endProviderAccess, peopleOfProvider } from './end-provider-access.ts';
import { findProvider, toProviderAudit } from './provider-row.ts';
import { requireProviderRights } from './require-provider-rights.ts';

/** With it go the ways in that it opened, whom it knew, the memberships that it gave, and the grants that came with these. */
export async function removeProvider(
  ctx: ServiceContext,
  input: unknown,
): Promise<{ removed: true; endedSessions: number }> {
  requireScope(ctx, 'people:write');
  const { name, proof } = parseInput(inputOf(contract.providers.remove), input);
  await proveSignedIn(ctx, proof);
  return withPeople(ctx, async (tx) => {
    const before = await findProvider(tx, name);
    await requireProviderRights(tx, ctx, before);
    const people = await peopleOfProvider(tx, before.id);
    const ended = await endProviderAccess(tx, ctx, { providerId: before.id, forgets: true });
    await tx.groupMapping.deleteMany({ where: { source: before.id } });
    await tx.signInProvider.delete({ where: { id: before.id } });
    const memberships = await syncMemberships(tx, ctx, people);
    await emitAudit(tx, ctx, {
      action: 'sign-in-provider.remove',
      subjectKind: 'sign-in-provider',
      subject: before.id,
      before: toProviderAudit(before),
      after: { people: people.length, ...ended, memberships },
    });
    await notifyChange(tx, { topic: 'people', id: name });
    return { removed: true, endedSessions: ended.endedSessions };
  });
}
