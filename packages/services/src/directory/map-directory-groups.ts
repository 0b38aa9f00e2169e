import { contract } from '@taskgate/contracts';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { proveSignedIn } from '../passkeys/prove-person.ts';
import { syncMemberships } from '../people/sync-memberships.ts';
import { FROM_DIRECTORY } from '../people/user-view.ts';
import { withPeople } from '../people/with-people.ts';
import { loadMappings } from '../providers/provider-row.ts';
import { replaceMappings } from '../providers/replace-mappings.ts';
import { requireScope } from '../require-scope.ts';
import { type DirectoryView, readDirectory } from './load-directory.ts';

/** Which of ours the directory's groups are, from now on; memberships follow at once. */
export async function mapDirectoryGroups(ctx: ServiceContext, input: unknown): Promise<DirectoryView> {
  requireScope(ctx, 'people:write');
  const { mappings, proof } = parseInput(inputOf(contract.directory.mapGroups), input);
  await proveSignedIn(ctx, proof);
  return withPeople(ctx, async (tx) => {
    const before = await loadMappings(tx, FROM_DIRECTORY);
    await replaceMappings(tx, ctx, FROM_DIRECTORY, mappings);
    const people = await tx.directoryMember.findMany({ distinct: ['identityId'], select: { identityId: true } });
    const memberships = await syncMemberships(
      tx,
      ctx,
      people.map(({ identityId }) => identityId),
    );
    const view = await readDirectory(tx, ctx.services);
    await emitAudit(tx, ctx, {
      action: 'directory.map-groups',
      subjectKind: 'directory',
      subject: FROM_DIRECTORY,
      before: { mappings: before },
      after: { mappings: view.mappings, memberships },
    });
    await notifyChange(tx, { topic: 'people', id: null });
    return view;
  });
}
