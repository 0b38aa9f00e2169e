import { TaskgateError } from '@taskgate/core';
import { ProviderError } from '@taskgate/identity';
import type { OidcSecrets } from '@taskgate/identity/oidc';
import type { Services } from '../context.ts';
import type { ClientFacts } from '../people/verify-sign-in.ts';
import { oidcIssuerOf, redirectUriOf, settingsOf } from '../providers/provider-row.ts';
import { acceptProof, findEnabledProvider, flowContext, type ProvenSignIn, takeFlow } from './sign-in-flow.ts';
import { refuseSignIn } from './sign-in-refused.ts';
import { keyOfState } from './start-provider-sign-in.ts';

const MAX_STATE_LENGTH = 200;

/** The answer of an OpenID Connect provider, as the browser brought it. Throws {@link SignInRefused}. */
export async function finishOidcSignIn(
  services: Services,
  input: {
    readonly provider: string;
    /** The query of the answer, with its question mark. */
    readonly query: string;
    readonly browser: string | null;
  },
  client: ClientFacts,
): Promise<ProvenSignIn> {
  const provider = await findEnabledProvider(services, input.provider, client);
  const settings = settingsOf(provider);
  if (settings.kind !== 'oidc') throw new TaskgateError('not-found', 'this provider answers elsewhere');
  const callback = new URL(input.query, redirectUriOf(services, provider.name));
  const state = callback.searchParams.get('state') ?? '';
  const key = state === '' || state.length > MAX_STATE_LENGTH ? null : keyOfState(state);
  const flow = await takeFlow(services, provider, { key, browser: input.browser }, client);
  const { finishOidc } = await import('@taskgate/identity/oidc');
  try {
    const proof = await finishOidc(oidcIssuerOf(services.vault, provider, settings), {
      callback,
      secrets: openSecrets(services, flow.id, flow.sealedSecrets),
      groupsClaim: settings.groupsClaim,
    });
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

export const REFUSAL_OF_FAULT = {
  refused: 'provider-refused',
  'not-valid': 'answer-not-valid',
  unreachable: 'provider-unreachable',
} as const;

function openSecrets(services: Services, flowId: string, sealed: Uint8Array | null): OidcSecrets {
  if (sealed === null) throw new TaskgateError('internal', 'a sign-in has lost its secrets');
  return services.vault.openSecret(sealed, flowContext(flowId)).reveal((text) => JSON.parse(text) as OidcSecrets);
}
