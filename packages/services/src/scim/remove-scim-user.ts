import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { disableAgentsOf } from '../people/end-access.ts';
import { noteFormerAddress } from '../people/former-address.ts';
import { requireAdminLeft } from '../people/require-admin-left.ts';
import { withPeople } from '../people/with-people.ts';
import { requireSystem } from '../require-scope.ts';
import { findDirectoryUser } from './load-scim-users.ts';
import { lockOut } from './lock-out.ts';
import { toScimDocument } from './scim-user.ts';

/**
 * DELETE: locked out for good (RFC 7644 3.6: the id is no resource any more, the user name and address are free). The row
 * stays, as what they did names it; whoever gets the address next is another identity, and nothing here that could be
 * signed in with is left: no password, passkey, subject of a provider or agent. Throws {@link ScimError}.
 */
export async function removeScimUser(ctx: ServiceContext, id: string): Promise<null> {
  requireSystem(ctx, 'scim');
  return withPeople(ctx, async (tx) => {
    const before = await findDirectoryUser(tx, id);
    const ended = await lockOut(tx, ctx, id);
    await tx.directoryMember.deleteMany({ where: { identityId: id } });
    await tx.providerLink.deleteMany({ where: { identityId: id } });
    await tx.membership.deleteMany({ where: { userId: id } });
    await tx.passkey.deleteMany({ where: { identityId: id } });
    const at = new Date(ctx.services.clock.now());
    const agents = await disableAgentsOf(tx, ctx, id);
    const email = before.identity.email ?? before.userName;
    await noteFormerAddress(tx, id, email);
    // Still to be read in what they did, and no address any more: nobody signs in with it.
    await tx.identity.update({ where: { id }, data: { passwordHash: null, email: `${email} (removed ${id})` } });
    await tx.directoryUser.update({
      where: { identityId: id },
      data: { active: false, removedAt: at, updatedAt: at, nameKey: `removed ${id}` },
    });
    await requireAdminLeft(tx);
    await emitAudit(tx, ctx, {
      action: 'user.remove',
      subjectKind: 'user',
      subject: id,
      before: toScimDocument(before),
      after: { ...ended, agents },
    });
    await notifyChange(tx, { topic: 'people', id, userId: id });
    return null;
  });
}
