import { TaskgateError } from '@taskgate/core';
import { ProviderError } from '@taskgate/identity';
import type { SamlProof } from '@taskgate/identity/saml';
import type { Services } from '../context.ts';
import type { ClientFacts } from '../people/verify-sign-in.ts';
import { samlIdpOf, samlSpOf, settingsOf } from '../providers/provider-row.ts';
import { withTransaction } from '../with-transaction.ts';
import { REFUSAL_OF_FAULT } from './finish-oidc-sign-in.ts';
import { acceptProof, findEnabledProvider, type ProvenSignIn, takeFlow } from './sign-in-flow.ts';
import { refuseSignIn } from './sign-in-refused.ts';

/**
 * The response of a SAML identity provider, as a form of its own page posted it: without our cookies, so that the browser
 * is asked for with the code. Throws {@link SignInRefused}.
 */
export async function finishSamlSignIn(
  services: Services,
  input: { readonly provider: string /** Base64, as it was posted. */; readonly response: string },
  client: ClientFacts,
): Promise<ProvenSignIn> {
  const provider = await findEnabledProvider(services, input.provider, client);
  const settings = settingsOf(provider);
  if (settings.kind !== 'saml') throw new TaskgateError('not-found', 'this provider answers elsewhere');
  const { finishSaml, readInResponseTo } = await import('@taskgate/identity/saml');
  try {
    const key = readInResponseTo(input.response);
    const flow = await takeFlow(services, provider, { key, browser: 'asked-later' }, client);
    const proof = await finishSaml(samlIdpOf(settings), samlSpOf(services, provider.name), {
      response: input.response,
      requestId: flow.requestKey,
      nowMs: services.clock.now(),
      attributes: {
        email: settings.emailAttribute,
        name: settings.nameAttribute,
        groups: settings.groupsAttribute,
        subject: settings.subjectAttribute,
      },
    });
    await useAssertion(services, provider.id, proof);
    return await acceptProof(services, provider, flow, proof, client);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    throw await refuseSignIn(
      services,
      { provider: provider.name, refusal: REFUSAL_OF_FAULT[error.fault], reason: error.message },
      client,
    );
  }
}

/** Once only (SAML 2.0 Profiles 4.1.4.5), whichever request it is brought for. No audit row: the sign-in has its own. */
async function useAssertion(services: Services, providerId: string, proof: SamlProof): Promise<void> {
  const { assertionId, usableUntilMs } = proof;
  const { count } = await withTransaction({ services }, async (tx) => {
    await tx.usedAssertion.deleteMany({ where: { expiresAt: { lt: new Date(services.clock.now()) } } });
    return tx.usedAssertion.createMany({
      data: [{ providerId, assertionId, expiresAt: new Date(usableUntilMs) }],
      skipDuplicates: true,
    });
  });
  if (count !== 1) throw new ProviderError('not-valid', 'this assertion has been used already');
}
