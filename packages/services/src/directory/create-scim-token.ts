import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import { createToken, hashToken } from '@taskgate/identity';
import { newId, type ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { proveSignedIn } from '../passkeys/prove-person.ts';
import { withPeople } from '../people/with-people.ts';
import { requirePerson } from '../require-scope.ts';
import { SCIM_TOKEN_SELECT, type ScimTokenView, toScimTokenView } from './load-directory.ts';
import { requireDirectoryRights } from './require-directory-rights.ts';

const MAX_STANDING = 10;

/** What a directory presents. Only a sign-in makes one, as of API tokens: a stolen token must not outlive itself in others. */
export async function createScimToken(
  ctx: ServiceContext,
  input: unknown,
): Promise<{ scimToken: ScimTokenView; token: string }> {
  const actor = requirePerson(ctx, 'people:write');
  const { name, adopts, ttlMs, proof } = parseInput(inputOf(contract.directory.createToken), input);
  await proveSignedIn(ctx, proof);
  const { services } = ctx;
  const token = createToken('scim', services.randomBytes);
  return withPeople(ctx, async (tx) => {
    const now = services.clock.now();
    const standing = { revokedAt: null, expiresAt: { gt: new Date(now) } };
    if ((await tx.scimToken.count({ where: standing })) >= MAX_STANDING)
      throw new TaskgateError('rate-limited', `there are ${MAX_STANDING} SCIM tokens; revoke some first`);
    await requireDirectoryRights(tx, ctx, { adopts });
    const row = await tx.scimToken.create({
      data: {
        id: newId(services, 'scm'),
        name,
        hash: hashToken(token),
        adopts,
        createdById: actor.identityId,
        createdAt: new Date(now),
        expiresAt: new Date(now + ttlMs),
      },
      select: SCIM_TOKEN_SELECT,
    });
    const view = toScimTokenView(row);
    await emitAudit(tx, ctx, {
      action: 'scim-token.create',
      subjectKind: 'scim-token',
      subject: row.id,
      before: null,
      after: view,
    });
    await notifyChange(tx, { topic: 'people', id: row.id });
    return { scimToken: view, token: token.reveal((text) => text) };
  });
}
