import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { requireAdminLeft } from '../people/require-admin-left.ts';
import { requireSystem } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { findDirectoryUser } from './load-scim-users.ts';
import { lockOut } from './lock-out.ts';
import { toScimDocument } from './scim-user.ts';

/**
 * DELETE: locked out for good. The row stays, as what they did names it; but no group, and no subject of a provider, is
 * left to whoever gets their e-mail address next. Throws {@link ScimError}.
 */
export async function removeScimUser(ctx: ServiceContext, id: string): Promise<null> {
  requireSystem(ctx, 'scim');
  return withTransaction(
    ctx,
    async (tx) => {
      const before = await findDirectoryUser(tx, id);
      const ended = await lockOut(tx, ctx, id);
      await tx.directoryMember.deleteMany({ where: { identityId: id } });
      await tx.providerLink.deleteMany({ where: { identityId: id } });
      await tx.membership.deleteMany({ where: { userId: id } });
      const at = new Date(ctx.services.clock.now());
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
        after: ended,
      });
      await notifyChange(tx, { topic: 'people', id, userId: id });
      return null;
    },
    { alone: 'people' },
  );
}
