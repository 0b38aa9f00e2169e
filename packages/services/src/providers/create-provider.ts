import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import { newId, type ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { proveSignedIn } from '../passkeys/prove-person.ts';
import { withPeople } from '../people/with-people.ts';
import { requireScope } from '../require-scope.ts';
import {
  checkSettings,
  PROVIDER_SELECT,
  type ProviderView,
  sealClientSecret,
  toProviderAudit,
  toProviderView,
} from './provider-row.ts';
import { requireProviderRights } from './require-provider-rights.ts';

export async function createProvider(ctx: ServiceContext, input: unknown): Promise<ProviderView> {
  requireScope(ctx, 'people:write');
  const { clientSecret, proof, ...wish } = parseInput(inputOf(contract.providers.create), input);
  await proveSignedIn(ctx, proof);
  checkSettings(wish.settings);
  const { services } = ctx;
  return withPeople(ctx, async (tx) => {
    if ((await tx.signInProvider.count({ where: { name: wish.name } })) > 0)
      throw new TaskgateError('conflict', `there is a sign-in provider \`${wish.name}\` already`);
    const id = newId(services, 'prv');
    const at = new Date(services.clock.now());
    const sealedSecret =
      clientSecret === null || wish.settings.kind !== 'oidc'
        ? null
        : sealClientSecret(services.vault, id, clientSecret);
    const row = await tx.signInProvider.create({
      data: { id, ...wish, kind: wish.settings.kind, sealedSecret, createdAt: at, updatedAt: at },
      select: PROVIDER_SELECT,
    });
    await requireProviderRights(tx, ctx, row);
    await emitAudit(tx, ctx, {
      action: 'sign-in-provider.create',
      subjectKind: 'sign-in-provider',
      subject: id,
      before: null,
      after: toProviderAudit(row),
    });
    await notifyChange(tx, { topic: 'people', id: row.name });
    return toProviderView(tx, services, row);
  });
}
