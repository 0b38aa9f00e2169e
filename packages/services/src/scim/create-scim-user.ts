import type { Prisma, Transaction } from '@taskgate/db';
import { newId, type ServiceContext } from '../context.ts';
import { scimAddressOf } from '../directory/load-directory.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { endSignIns } from '../people/end-access.ts';
import { isOfLockedByHand } from '../people/former-address.ts';
import { requireAdminLeft } from '../people/require-admin-left.ts';
import { syncMemberships } from '../people/sync-memberships.ts';
import { withPeople } from '../people/with-people.ts';
import { requireSystem } from '../require-scope.ts';
import type { ScimJson } from './apply-patch.ts';
import { lockOut } from './lock-out.ts';
import { mayTakeOver } from './may-take-over.ts';
import { ScimError } from './scim-error.ts';
import { DIRECTORY_USER_SELECT, type ParsedScimUser, parseScimUser, toScimUser } from './scim-user.ts';

/**
 * A person that the directory keeps from now on: a new one, also where it removed one of this address before; or, where its
 * token may take people over, one who was here with this e-mail address. A lock that an admin set stays, for whoever is
 * given an address of somebody locked too. Throws {@link ScimError}.
 */
export async function createScimUser(ctx: ServiceContext, body: ScimJson): Promise<ScimJson> {
  requireSystem(ctx, 'scim');
  const user = parseScimUser(body);
  const { services } = ctx;
  return withPeople(ctx, async (tx) => {
    const at = new Date(services.clock.now());
    const active = user.active ?? true;
    const { id, how } = await findPlace(tx, ctx, user);
    const row = await tx.directoryUser.create({
      data: {
        identityId: id,
        userName: user.userName,
        nameKey: user.userName.toLowerCase(),
        externalId: user.externalId,
        active,
        attributes: user.attributes as Prisma.InputJsonObject,
        createdAt: at,
        updatedAt: at,
      },
      select: DIRECTORY_USER_SELECT,
    });
    await tx.identity.update({ where: { id }, data: { name: user.name } });
    if (how === 'taken over') {
      // Whoever came in by a provider as somebody of this address may not be whom the directory means.
      await tx.providerLink.deleteMany({ where: { identityId: id } });
      await endSignIns(tx, ctx, [id]);
    }
    const ended = active ? null : await lockOut(tx, ctx, id);
    await requireAdminLeft(tx);
    const memberships = await syncMemberships(tx, ctx, [id]);
    await emitAudit(tx, ctx, {
      action: how === 'taken over' ? 'user.adopt' : 'user.create',
      subjectKind: 'user',
      subject: id,
      before: null,
      after: { userName: user.userName, email: user.email, name: user.name, active, how, ended, memberships },
    });
    await notifyChange(tx, { topic: 'people', id, userId: id });
    const { identity } = await tx.directoryUser.findUniqueOrThrow({
      where: { identityId: id },
      select: { identity: { select: { email: true, name: true, disabledAt: true } } },
    });
    return toScimUser({ ...row, identity }, scimAddressOf(services));
  });
}

async function findPlace(
  tx: Transaction,
  ctx: ServiceContext,
  { userName, email, name }: ParsedScimUser,
): Promise<{ readonly id: string; readonly how: 'new' | 'new, locked by hand before' | 'taken over' }> {
  if ((await tx.directoryUser.count({ where: { nameKey: userName.toLowerCase() } })) > 0)
    throw new ScimError(409, 'uniqueness', `there is a user \`${userName}\` already`);
  const here = await tx.identity.findUnique({
    where: { email },
    select: { id: true, directoryUser: { select: { identityId: true } } },
  });
  if (here === null) {
    const id = newId(ctx.services, 'usr');
    const createdAt = new Date(ctx.services.clock.now());
    const lockedByHand = await isOfLockedByHand(tx, email);
    const disabledAt = lockedByHand ? createdAt : null;
    await tx.identity.create({ data: { id, email, name, createdAt, disabledAt, lockedByHand } });
    return { id, how: lockedByHand ? 'new, locked by hand before' : 'new' };
  }
  if (here.directoryUser !== null)
    throw new ScimError(409, 'uniqueness', `the e-mail address \`${email}\` is another user's`);
  if (!(await mayTakeOver(tx, ctx)))
    throw new ScimError(
      409,
      'uniqueness',
      `somebody here has the e-mail address \`${email}\` already, and this token may not take people over`,
    );
  return { id: here.id, how: 'taken over' };
}
