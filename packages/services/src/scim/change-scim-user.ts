import type { Prisma } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { scimAddressOf } from '../directory/load-directory.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { isOfLockedByHand, noteFormerAddress } from '../people/former-address.ts';
import { requireAdminLeft } from '../people/require-admin-left.ts';
import { withPeople } from '../people/with-people.ts';
import { requireSystem } from '../require-scope.ts';
import { applyPatch, type ScimJson } from './apply-patch.ts';
import { findDirectoryUser } from './load-scim-users.ts';
import { lockOut } from './lock-out.ts';
import { mayTakeOver } from './may-take-over.ts';
import { ScimError } from './scim-error.ts';
import { parseScimUser, toScimDocument, toScimUser } from './scim-user.ts';

/** PUT: the user is what is given from now on; where `active` is left out it stays. */
export const replaceScimUser = (ctx: ServiceContext, id: string, body: ScimJson): Promise<ScimJson> =>
  changeScimUser(ctx, id, (document) => ({ active: document.active, ...body }));

export const patchScimUser = (ctx: ServiceContext, id: string, body: ScimJson): Promise<ScimJson> =>
  changeScimUser(ctx, id, (document) => applyPatch(document, body));

/**
 * Deactivated, a person loses sign-ins, API tokens, grants and connections in this transaction. Activated again they can
 * come in again, unless it was an admin here who locked them. Throws {@link ScimError}.
 */
async function changeScimUser(
  ctx: ServiceContext,
  id: string,
  change: (document: ScimJson) => ScimJson,
): Promise<ScimJson> {
  requireSystem(ctx, 'scim');
  return withPeople(ctx, async (tx) => {
    const before = await findDirectoryUser(tx, id);
    const user = parseScimUser(change(toScimDocument(before)));
    const nameKey = user.userName.toLowerCase();
    if ((await tx.directoryUser.count({ where: { nameKey, identityId: { not: id } } })) > 0)
      throw new ScimError(409, 'uniqueness', `there is a user \`${user.userName}\` already`);
    if ((await tx.identity.count({ where: { email: user.email, id: { not: id } } })) > 0)
      throw new ScimError(409, 'uniqueness', `somebody here has the e-mail address \`${user.email}\` already`);
    const active = user.active ?? before.active;
    const former = before.identity.email;
    const renamed = former !== null && former !== user.email;
    if (renamed) await noteFormerAddress(tx, id, former);
    await tx.directoryUser.update({
      where: { identityId: id },
      data: {
        userName: user.userName,
        nameKey,
        externalId: user.externalId,
        active,
        // Else it could let whoever has the new address at a provider be this person.
        ...(renamed
          ? { emailChanged: !(await mayTakeOver(tx, ctx)) || (await isOfLockedByHand(tx, user.email, id)) }
          : {}),
        attributes: user.attributes as Prisma.InputJsonObject,
        updatedAt: new Date(ctx.services.clock.now()),
      },
    });
    await tx.identity.update({ where: { id }, data: { email: user.email, name: user.name } });
    if (active && !before.active)
      await tx.identity.updateMany({ where: { id, lockedByHand: false }, data: { disabledAt: null } });
    const ended = before.active && !active ? await lockOut(tx, ctx, id) : null;
    await requireAdminLeft(tx);
    const after = await findDirectoryUser(tx, id);
    await emitAudit(tx, ctx, {
      action: 'user.update',
      subjectKind: 'user',
      subject: id,
      before: toScimDocument(before),
      after: { ...toScimDocument(after), ended },
    });
    await notifyChange(tx, { topic: 'people', id, userId: id });
    return toScimUser(after, scimAddressOf(ctx.services));
  });
}
