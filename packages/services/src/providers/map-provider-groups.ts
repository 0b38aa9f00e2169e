import { contract } from '@taskgate/contracts';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { proveSignedIn } from '../passkeys/prove-person.ts';
import { syncMemberships } from '../people/sync-memberships.ts';
import { withPeople } from '../people/with-people.ts';
import { requireScope } from '../require-scope.ts';
import { peopleOfProvider } from './end-provider-access.ts';
import { findProvider, loadMappings, type ProviderView, toProviderView } from './provider-row.ts';
import { replaceMappings } from './replace-mappings.ts';

/** The mappings of a provider from now on; memberships follow at once, by the groups named at each one's last sign-in. */
export async function mapProviderGroups(ctx: ServiceContext, input: unknown): Promise<ProviderView> {
  requireScope(ctx, 'people:write');
  const { name, mappings, proof } = parseInput(inputOf(contract.providers.mapGroups), input);
  await proveSignedIn(ctx, proof);
  return withPeople(ctx, async (tx) => {
    const row = await findProvider(tx, name);
    const before = await loadMappings(tx, row.id);
    await replaceMappings(tx, ctx, row.id, mappings);
    const memberships = await syncMemberships(tx, ctx, await peopleOfProvider(tx, row.id));
    const view = await toProviderView(tx, ctx.services, row);
    await emitAudit(tx, ctx, {
      action: 'sign-in-provider.map-groups',
      subjectKind: 'sign-in-provider',
      subject: row.id,
      before: { mappings: before },
      after: { mappings: view.mappings, memberships },
    });
    await notifyChange(tx, { topic: 'people', id: name });
    return view;
  });
}
