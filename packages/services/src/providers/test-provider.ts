import { contract, type ProviderTestResult } from '@taskgate/contracts';
import type * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { findProvider, oidcIssuerOf, samlIdpOf, settingsOf } from './provider-row.ts';

/** Asks the provider what can be asked without signing in. What fails is a step of the answer, not an error. */
export async function testProvider(ctx: ServiceContext, input: unknown): Promise<z.infer<typeof ProviderTestResult>> {
  requireScope(ctx, 'people:write');
  const { name } = parseInput(inputOf(contract.providers.test), input);
  const { services } = ctx;
  const row = await findProvider(services.db, name);
  const settings = settingsOf(row);
  const steps =
    settings.kind === 'oidc'
      ? await (await import('@taskgate/identity/oidc')).testOidc(oidcIssuerOf(services.vault, row, settings))
      : (await import('@taskgate/identity/saml')).testSaml(samlIdpOf(settings), services.clock.now());
  return { ok: steps.every((step) => step.ok), steps: [...steps] };
}
