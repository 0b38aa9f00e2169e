import { type ClaimPattern, type IssuerKind, reviewClaims, TaskgateError } from '@taskgate/core';
import type { Prisma, Transaction } from '@taskgate/db';

export interface ProofWish {
  readonly issuer: string;
  readonly audience: string | null;
  readonly claims: readonly ClaimPattern[];
}

/**
 * Binds an identity to claims of an issuer, instead of to what it was bound to. Throws `bad-input` for patterns that let
 * strangers in. The caller writes the audit row.
 */
export async function putClaimBinding(tx: Transaction, identityId: string, wish: ProofWish | null): Promise<void> {
  if (wish === null) {
    await tx.claimBinding.deleteMany({ where: { identityId } });
    return;
  }
  const issuer = await tx.issuer.findUnique({ where: { name: wish.issuer } });
  if (issuer === null)
    throw problem('proof.issuer', `there is no issuer \`${wish.issuer}\`; make it first, on the tab of issuers`);
  const [first] = reviewClaims(issuer.kind as IssuerKind, issuer.url, wish.claims).problems;
  if (first !== undefined) throw problem('proof.claims', first);
  const bound = {
    issuerId: issuer.id,
    audience: wish.audience,
    claims: wish.claims.map(({ claim, pattern }) => ({ claim, pattern })) satisfies Prisma.InputJsonArray,
  };
  await tx.claimBinding.upsert({ where: { identityId }, create: { identityId, ...bound }, update: bound });
}

const problem = (path: string, message: string): TaskgateError =>
  new TaskgateError('bad-input', message, { problems: [{ path, message, position: null }] });
