import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { proveSignedIn } from '../passkeys/prove-person.ts';
import { syncMemberships } from '../people/sync-memberships.ts';
import { withPeople } from '../people/with-people.ts';
import { requireScope } from '../require-scope.ts';
import { endProviderAccess, peopleOfProvider } from './end-provider-access.ts';
import {
  checkSettings,
  findProvider,
  identityOf,
  PROVIDER_SELECT,
  type ProviderView,
  sealClientSecret,
  settingsOf,
  toProviderAudit,
  toProviderView,
} from './provider-row.ts';
import { requireProviderRights } from './require-provider-rights.ts';

/**
 * Changes what is given and keeps the rest. Turned off, the ways in that it opened end and so do the memberships that it gave. Pointed at
 * another issuer it is another provider: nobody it knew is known any more.
 */
export async function updateProvider(ctx: ServiceContext, input: unknown): Promise<ProviderView> {
  requireScope(ctx, 'people:write');
  const { name, clientSecret, settings, proof, ...given } = parseInput(inputOf(contract.providers.update), input);
  await proveSignedIn(ctx, proof);
  if (settings !== undefined) checkSettings(settings);
  const { services } = ctx;
  return withPeople(ctx, async (tx) => {
    const before = await findProvider(tx, name);
    await requireProviderRights(tx, ctx, before);
    const old = settingsOf(before);
    const next = settings ?? old;
    if (next.kind !== old.kind)
      throw new TaskgateError('bad-input', 'a provider stays OpenID Connect or SAML; add another one');
    // Else whoever may edit a provider could read its secret, by pointing it at a server of their own.
    const elsewhere =
      next.kind === 'oidc' && old.kind === 'oidc' && (next.issuer !== old.issuer || next.clientId !== old.clientId);
    if (elsewhere && before.sealedSecret !== null && clientSecret === undefined) {
      const message = 'give the client secret again: it was given for another issuer or client';
      throw new TaskgateError('bad-input', message, {
        problems: [{ path: 'clientSecret', message, position: null }],
      });
    }
    const another = identityOf(next) !== identityOf(old);
    const row = await tx.signInProvider.update({
      where: { id: before.id },
      data: {
        ...(given.title === undefined ? {} : { title: given.title }),
        ...(given.enabled === undefined ? {} : { enabled: given.enabled }),
        ...(given.emailTrust === undefined ? {} : { emailTrust: given.emailTrust }),
        ...(given.createPeople === undefined ? {} : { createPeople: given.createPeople }),
        settings: next,
        ...(clientSecret === undefined || next.kind !== 'oidc'
          ? {}
          : {
              sealedSecret: clientSecret === null ? null : sealClientSecret(services.vault, before.id, clientSecret),
            }),
        updatedAt: new Date(services.clock.now()),
      },
      select: PROVIDER_SELECT,
    });
    await requireProviderRights(tx, ctx, row);
    const people = await peopleOfProvider(tx, row.id);
    const ended =
      another || !row.enabled ? await endProviderAccess(tx, ctx, { providerId: row.id, forgets: another }) : null;
    if (another) await tx.providerLink.deleteMany({ where: { providerId: row.id } });
    const memberships = another || row.enabled !== before.enabled ? await syncMemberships(tx, ctx, people) : [];
    await emitAudit(tx, ctx, {
      action: 'sign-in-provider.update',
      subjectKind: 'sign-in-provider',
      subject: row.id,
      before: toProviderAudit(before),
      after: {
        ...toProviderAudit(row),
        secretChanged: clientSecret !== undefined,
        unlinked: another ? people.length : 0,
        ended,
        memberships,
      },
    });
    await notifyChange(tx, { topic: 'people', id: name });
    return toProviderView(tx, services, another ? await findProvider(tx, name) : row);
  });
}
