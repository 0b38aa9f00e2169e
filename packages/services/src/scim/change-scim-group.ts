import type { Transaction } from '@taskgate/db';
import { newId, type ServiceContext } from '../context.ts';
import { scimAddressOf } from '../directory/load-directory.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { syncMemberships } from '../people/sync-memberships.ts';
import { withPeople } from '../people/with-people.ts';
import { requireSystem } from '../require-scope.ts';
import { applyPatch, type ScimJson } from './apply-patch.ts';
import { findDirectoryGroup } from './load-scim-groups.ts';
import { ScimError } from './scim-error.ts';
import { parseScimGroup, requireMembers, toGroupDocument, toScimGroup } from './scim-group.ts';

/** A group as the directory has it. What it gives its members here, an admin's mapping says. Throws {@link ScimError}. */
export async function createScimGroup(ctx: ServiceContext, body: ScimJson): Promise<ScimJson> {
  requireSystem(ctx, 'scim');
  const { displayName, externalId, members } = parseScimGroup(body);
  const { services } = ctx;
  return withPeople(ctx, async (tx) => {
    await requireFreeName(tx, displayName, null);
    await requireMembers(tx, members);
    const at = new Date(services.clock.now());
    const { id } = await tx.directoryGroup.create({
      data: {
        id: newId(services, 'dgr'),
        displayName,
        nameKey: displayName.toLowerCase(),
        externalId,
        createdAt: at,
        updatedAt: at,
        members: { create: members.map((identityId) => ({ identityId })) },
      },
    });
    const made = await findDirectoryGroup(tx, id);
    await settleGroup(tx, ctx, id, members, { action: 'create', before: null, after: toGroupDocument(made) });
    return toScimGroup(made, scimAddressOf(services));
  });
}

/** PUT: the group is what is given from now on. */
export const replaceScimGroup = (ctx: ServiceContext, id: string, body: ScimJson): Promise<ScimJson> =>
  changeScimGroup(ctx, id, () => body);

export const patchScimGroup = (ctx: ServiceContext, id: string, body: ScimJson): Promise<ScimJson> =>
  changeScimGroup(ctx, id, (document) => applyPatch(document, body));

/** Who leaves it loses what it gave, and the grants that came with that, in this transaction. Throws {@link ScimError}. */
async function changeScimGroup(
  ctx: ServiceContext,
  id: string,
  change: (document: ScimJson) => ScimJson,
): Promise<ScimJson> {
  requireSystem(ctx, 'scim');
  return withPeople(ctx, async (tx) => {
    const before = await findDirectoryGroup(tx, id);
    const { displayName, externalId, members } = parseScimGroup(change(toGroupDocument(before)));
    await requireFreeName(tx, displayName, id);
    const held = before.members.map(({ identityId }) => identityId);
    const added = difference(members, held);
    const gone = difference(held, members);
    await requireMembers(tx, added);
    await tx.directoryMember.deleteMany({ where: { groupId: id, identityId: { in: gone } } });
    await tx.directoryMember.createMany({ data: added.map((identityId) => ({ groupId: id, identityId })) });
    await tx.directoryGroup.update({
      where: { id },
      data: {
        displayName,
        nameKey: displayName.toLowerCase(),
        externalId,
        updatedAt: new Date(ctx.services.clock.now()),
      },
    });
    // Mappings are by name: with another one it is another group to everybody in it.
    const affected = displayName === before.displayName ? [...added, ...gone] : [...new Set([...held, ...members])];
    await settleGroup(tx, ctx, id, affected, {
      action: 'update',
      before: { displayName: before.displayName, externalId: before.externalId },
      after: { displayName, externalId, added, gone },
    });
    return toScimGroup(await findDirectoryGroup(tx, id), scimAddressOf(ctx.services));
  });
}

/** DELETE. Throws {@link ScimError}. */
export async function removeScimGroup(ctx: ServiceContext, id: string): Promise<null> {
  requireSystem(ctx, 'scim');
  return withPeople(ctx, async (tx) => {
    const before = await findDirectoryGroup(tx, id);
    await tx.directoryGroup.delete({ where: { id } });
    const members = before.members.map(({ identityId }) => identityId);
    await settleGroup(tx, ctx, id, members, { action: 'remove', before: toGroupDocument(before), after: {} });
    return null;
  });
}

/** What follows for the memberships of `affected`, with the change's audit row. */
async function settleGroup(
  tx: Transaction,
  ctx: ServiceContext,
  id: string,
  affected: readonly string[],
  change: { readonly action: 'create' | 'update' | 'remove'; readonly before: object | null; readonly after: object },
): Promise<void> {
  const memberships = await syncMemberships(tx, ctx, affected);
  await emitAudit(tx, ctx, {
    action: `directory-group.${change.action}`,
    subjectKind: 'directory-group',
    subject: id,
    before: change.before,
    after: { ...change.after, memberships },
  });
  await notifyChange(tx, { topic: 'people', id });
}

async function requireFreeName(tx: Transaction, displayName: string, ownId: string | null): Promise<void> {
  const nameKey = displayName.toLowerCase();
  const others = await tx.directoryGroup.count({
    where: { nameKey, ...(ownId === null ? {} : { id: { not: ownId } }) },
  });
  if (others > 0) throw new ScimError(409, 'uniqueness', `there is a group \`${displayName}\` already`);
}

function difference(left: readonly string[], right: readonly string[]): string[] {
  const known = new Set(right);
  return left.filter((id) => !known.has(id));
}
