import { isToken } from '@taskgate/identity';
import type { IdentityActor, Services } from '../context.ts';
import { verifySubjectToken } from '../machines/verify-subject-token.ts';
import { authenticateApiToken } from '../people/authenticate-api-token.ts';
import { authenticateGrantToken } from '../people/authenticate-grant-token.ts';
import type { ClientFacts } from '../people/verify-sign-in.ts';
import { OAuthRefusal } from './oauth-refusal.ts';

const TYPE = 'urn:ietf:params:oauth:token-type:';
export const ACCESS_TOKEN = `${TYPE}access_token`;
/** All three are JWTs to us; issuers call theirs an ID token, or just a JWT (RFC 8693, section 3). */
const JWT_TYPES: readonly string[] = [`${TYPE}jwt`, `${TYPE}id_token`];

export interface ResolvedToken {
  readonly actor: IdentityActor;
  /** The grant whose token it is; `null`: it is somebody's own. */
  readonly grantId: string | null;
}

/** Whose token that is. Throws {@link OAuthRefusal}: `invalid_request` for a type, `invalid_grant` for the token. */
export async function resolveToken(
  services: Services,
  token: { readonly value: string; readonly type: string; readonly name: 'subject_token' | 'actor_token' },
  client: ClientFacts,
): Promise<ResolvedToken> {
  const refused = (why: string): OAuthRefusal => new OAuthRefusal('invalid_grant', `the \`${token.name}\` ${why}`);
  if (JWT_TYPES.includes(token.type)) {
    const verdict = await verifySubjectToken(services, token.value, { address: client.address });
    if (!verdict.ok) throw refused(`was refused: ${verdict.answer}`);
    return { actor: verdict.actor, grantId: null };
  }
  if (token.type !== ACCESS_TOKEN)
    throw new OAuthRefusal(
      'invalid_request',
      `\`${token.name}_type\` must be one of ${[ACCESS_TOKEN, ...JWT_TYPES].map((type) => `\`${type}\``).join(', ')}`,
    );
  if (isToken(token.value, 'grant')) {
    const actor = await authenticateGrantToken(services, token.value);
    if (actor === null) throw refused('is of a grant that has ended, or of none');
    return { actor, grantId: actor.viaId };
  }
  const actor = await authenticateApiToken(services, token.value);
  if (actor === null) throw refused('is not valid, or has ended');
  return { actor, grantId: null };
}
