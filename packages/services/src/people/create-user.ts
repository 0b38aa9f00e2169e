import { contract } from '@taskgate/contracts';
import { SecretValue, TaskgateError } from '@taskgate/core';
import { hashPassword } from '@taskgate/identity';
import { newId, type ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { proveCaller } from '../passkeys/prove-person.ts';
import { requireScope } from '../require-scope.ts';
import { findGroups } from './find-groups.ts';
import { forgetFormerAddress, isOfLockedByHand } from './former-address.ts';
import { requireAdmin, requireNoEscalation } from './require-no-escalation.ts';
import { requireUnnamed } from './require-unnamed.ts';
import { toUserView, USER_VIEW_SELECT, type UserView } from './user-view.ts';
import { withPeople } from './with-people.ts';

/** E-mail addresses are kept in lower case: one person, however they write it. */
export async function createUser(ctx: ServiceContext, input: unknown): Promise<UserView> {
  requireScope(ctx, 'people:write');
  const { email: given, name, groups, password, proof } = parseInput(inputOf(contract.people.createUser), input);
  const email = given.toLowerCase();
  // Nor by a person of the thief's making, who then changes others.
  if (password !== undefined) {
    requireAdmin(ctx, 'whoever gives somebody a password can be them');
    await proveCaller(ctx, proof);
  }
  const passwordHash = password === undefined ? null : await hashPassword(new SecretValue(password));
  return withPeople(ctx, async (tx) => {
    if ((await tx.identity.count({ where: { email } })) > 0)
      throw new TaskgateError('conflict', `there is a person with the e-mail address \`${email}\` already`);
    if (await isOfLockedByHand(tx, email))
      requireAdmin(ctx, 'somebody who had this e-mail address was locked out by an admin');
    await forgetFormerAddress(tx, email);
    const found = await findGroups(tx, groups);
    requireNoEscalation(ctx, found);
    // Conditions may go by them.
    for (const said of [email, name]) await requireUnnamed(tx, ctx, said);
    const user = await tx.identity.create({
      data: {
        id: newId(ctx.services, 'usr'),
        email,
        name,
        passwordHash,
        createdAt: new Date(ctx.services.clock.now()),
        memberships: { create: found.map(({ id: groupId }) => ({ groupId })) },
      },
      select: USER_VIEW_SELECT,
    });
    const view = toUserView(user);
    await emitAudit(tx, ctx, {
      action: 'user.create',
      subjectKind: 'user',
      subject: user.id,
      before: null,
      after: view,
    });
    await notifyChange(tx, { topic: 'people', id: user.id, userId: user.id });
    return view;
  });
}
