import { contract } from '@taskgate/contracts';
import { SecretValue, TaskgateError } from '@taskgate/core';
import { hashPassword } from '@taskgate/identity';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { proveCaller } from '../passkeys/prove-person.ts';
import { requireScope } from '../require-scope.ts';
import { endAccess, endSignIns, revokeGrantsBeyond } from './end-access.ts';
import { findGroups } from './find-groups.ts';
import { forgetFormerAddress } from './former-address.ts';
import { keptByHand } from './kept-by-hand.ts';
import { requireAdminLeft } from './require-admin-left.ts';
import { requireAdmin, requireNoEscalation, requireNoMore } from './require-no-escalation.ts';
import { requireUnnamed } from './require-unnamed.ts';
import { BY_HAND, groupsOf, toUserView, USER_VIEW_SELECT, type UserView } from './user-view.ts';
import { withPeople } from './with-people.ts';

/**
 * Disabling a person ends their sign-ins, API tokens, grants, connections and the SCIM tokens that they made, in the same transaction; leaving a
 * group ends the grants that came with it; a new password ends sign-ins and tokens.
 */
export async function updateUser(ctx: ServiceContext, input: unknown): Promise<UserView> {
  requireScope(ctx, 'people:write');
  const { id, name, groups, password, proof, disabled } = parseInput(inputOf(contract.people.updateUser), input);
  // A stolen sign-in of an admin must not become a password of the thief's.
  if (password !== undefined && ctx.actor.kind !== 'system' && ctx.actor.identityId === id)
    throw new TaskgateError(
      'forbidden',
      'change your own password under Settings, Password, where the current one is asked for',
    );
  if (password !== undefined) {
    requireAdmin(ctx, 'whoever sets the password of somebody can be them');
    await proveCaller(ctx, proof);
  }
  const passwordHash = password === undefined ? null : await hashPassword(new SecretValue(password));
  return withPeople(ctx, async (tx) => {
    const before = await tx.identity.findUnique({ where: { id, kind: 'person' }, select: USER_VIEW_SELECT });
    if (before === null) throw new TaskgateError('not-found', `there is no person \`${id}\``);
    const found = groups === undefined ? null : await findGroups(tx, groups);
    // Their new password, or their group, would be a way to what they may; to disable them is none.
    const onlyDisables = disabled === true && name === undefined && password === undefined && found === null;
    (onlyDisables ? requireNoMore : requireNoEscalation)(ctx, [...groupsOf(before), ...(found ?? [])]);
    const groupIds =
      found === null
        ? null
        : keptByHand(
            'groups',
            before.memberships.map(({ source, group }) => ({ id: group.id, label: group.name, source })),
            found.map(({ id: groupId }) => groupId),
          );
    const at = new Date(ctx.services.clock.now());
    const disabledAt = disabled === undefined ? before.disabledAt : disabled ? (before.disabledAt ?? at) : null;
    // Who has left may have left everything behind, their groups too: what they have is no measure of what they had.
    if (disabled === false && before.disabledAt !== null) {
      requireAdmin(ctx, 'this person was locked out');
      await forgetFormerAddress(tx, before.email!);
    }
    if (name !== undefined && name !== before.name) await requireUnnamed(tx, ctx, name);
    if (disabled === false && before.directoryUser !== null) requireActiveThere(before.directoryUser);
    const after = await tx.identity.update({
      where: { id },
      data: {
        disabledAt,
        lockedByHand: disabled ?? before.lockedByHand,
        ...(name === undefined ? {} : { name }),
        ...(passwordHash === null ? {} : { passwordHash }),
        ...(groupIds === null
          ? {}
          : { memberships: { deleteMany: { source: BY_HAND }, create: groupIds.map((groupId) => ({ groupId })) } }),
      },
      select: USER_VIEW_SELECT,
    });
    await requireAdminLeft(tx);
    const newlyDisabled = disabledAt !== null && before.disabledAt === null;
    const ended = newlyDisabled
      ? await endAccess(tx, ctx, [id])
      : passwordHash !== null
        ? await endSignIns(tx, ctx, [id])
        : null;
    if (!newlyDisabled && found !== null) await revokeGrantsBeyond(tx, ctx, [id]);
    await emitAudit(tx, ctx, {
      action: 'user.update',
      subjectKind: 'user',
      subject: id,
      before: toUserView(before),
      after: { ...toUserView(after), passwordChanged: passwordHash !== null, ended },
    });
    await notifyChange(tx, { topic: 'people', id, userId: id });
    return toUserView(after);
  });
}

/** Each lifts its own lock: what the directory says is not undone here, where it would say it again. */
function requireActiveThere({
  active,
  removedAt,
}: {
  readonly active: boolean;
  readonly removedAt: Date | null;
}): void {
  if (removedAt !== null)
    throw new TaskgateError(
      'invalid-state',
      'the directory has removed this person for good; for whoever has the address now, make a new person',
    );
  if (!active)
    throw new TaskgateError('invalid-state', 'this person is inactive in the directory; activate them there first');
}
