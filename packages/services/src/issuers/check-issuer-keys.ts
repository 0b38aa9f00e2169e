import { contract, type IssuerKeysReport } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import { createIssuerKeys, FetchError } from '@taskgate/identity';
import type * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { ISSUER_SELECT, toIssuerTerms } from './issuer-view.ts';

/** Asks for the keys now, whatever is kept of them. Throws `bad-input` saying why they cannot be had. */
export async function checkIssuerKeys(ctx: ServiceContext, input: unknown): Promise<z.infer<typeof IssuerKeysReport>> {
  requireScope(ctx, 'people:write');
  const { name } = parseInput(inputOf(contract.issuers.checkKeys), input);
  const row = await ctx.services.db.issuer.findUnique({ where: { name }, select: ISSUER_SELECT });
  if (row === null) throw new TaskgateError('not-found', `there is no issuer \`${name}\``);
  try {
    const { jwks, from } = await createIssuerKeys(() => ctx.services.clock.now()).get(toIssuerTerms(row), null);
    return {
      from,
      keys: jwks.keys.map((key) => ({ kid: key.kid ?? null, type: key.kty ?? '', algorithm: key.alg ?? null })),
    };
  } catch (error) {
    if (error instanceof FetchError) throw new TaskgateError('bad-input', error.message);
    throw error;
  }
}
