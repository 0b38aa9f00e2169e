import { contract, type TokenTrial } from '@taskgate/contracts';
import { matchClaims, SecretValue, TaskgateError } from '@taskgate/core';
import { readUnverified, verifyIssuerToken } from '@taskgate/identity';
import type * as z from 'zod';
import type { ServiceContext } from '../context.ts';
import { ISSUER_SELECT, toIssuerTerms } from '../issuers/issuer-view.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';

/** Says of a pasted token what would become of it. It is kept nowhere, and a single use is not used up. */
export async function tryToken(ctx: ServiceContext, input: unknown): Promise<z.infer<typeof TokenTrial>> {
  requireScope(ctx, 'people:write');
  const wish = parseInput(inputOf(contract.machines.tryToken), input);
  const { db, clock, issuerKeys } = ctx.services;
  const issuer = await db.issuer.findUnique({ where: { name: wish.issuer }, select: ISSUER_SELECT });
  if (issuer === null) throw new TaskgateError('not-found', `there is no issuer \`${wish.issuer}\``);
  const token = new SecretValue(wish.token.trim());
  const claims = readUnverified(token)?.claims ?? null;
  const verdict = await verifyIssuerToken(token, toIssuerTerms(issuer), {
    audiences: [wish.audience ?? issuer.audience],
    now: clock.now(),
    keys: issuerKeys,
  });
  const { matches, verdicts } = matchClaims(wish.claims, claims ?? {});
  return {
    claims,
    genuine: verdict.ok
      ? { ok: true, code: null, detail: `signed by \`${issuer.name}\`, for this audience, and it holds now` }
      : { ok: false, code: verdict.refusal, detail: verdict.detail },
    verdicts: [...verdicts],
    accepted: verdict.ok && matches,
  };
}
