import { Narrowing, ShortText, Slug } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import * as z from 'zod';
import type { IdentityActor, ServiceContext, Services } from '../context.ts';
import { activateGrant } from '../grants/activate-grant.ts';
import type { ConnectView } from '../grants/connect-strings.ts';
import { loadGrant } from '../grants/load-grants.ts';
import { mintGrant } from '../grants/mint-grant.ts';
import { requestGrant } from '../grants/request-grant.ts';
import type { GrantView } from '../grants/to-grant-view.ts';
import { parseInput } from '../parse-input.ts';
import type { ClientFacts } from '../people/verify-sign-in.ts';
import { OAuthRefusal } from './oauth-refusal.ts';
import { type ResolvedToken, resolveToken } from './resolve-token.ts';

/** The parameters of the form; `narrow` is JSON already parsed. */
const ExchangeInput = z.object({
  subjectToken: z.string().min(1).max(65_536),
  subjectTokenType: z.string().max(100),
  actorToken: z.string().min(1).max(65_536).nullable().default(null),
  actorTokenType: z.string().max(100).nullable().default(null),
  /** A task or a workflow; of a grant's token without one: the same task again, narrower. */
  audience: Slug.nullable().default(null),
  /** Goes on with what waited for an approval. */
  grantId: z.string().max(60).nullable().default(null),
  narrow: Narrowing.nullable().default(null),
  ttlMs: z.number().int().min(1_000).nullable().default(null),
  reason: ShortText.nullable().default(null),
  ticket: z.string().trim().min(1).max(100).nullable().default(null),
});

export interface ExchangedToken {
  readonly token: string;
  readonly grant: GrantView;
  /** `null` for a workflow's grant, which opens nothing itself. */
  readonly connect: ConnectView | null;
}

/**
 * A grant for a token (RFC 8693). The subject is whose authority it is: an outside JWT of a machine, an API token, or
 * the token of a grant, below which the new one then stands. The actor, where there is one, is who will hold it: an
 * agent of the subject, or the machine that a step is for. Throws {@link OAuthRefusal}.
 */
export async function exchangeToken(
  services: Services,
  input: z.input<typeof ExchangeInput>,
  client: ClientFacts,
): Promise<ExchangedToken> {
  try {
    const wish = parseInput(ExchangeInput, input);
    // RFC 8693, section 2.1. An agent whose secret is missing must not act unnamed.
    if (wish.actorToken === null && wish.actorTokenType !== null)
      throw new OAuthRefusal('invalid_request', '`actor_token_type` is there, and `actor_token` is missing or empty');
    const subject = await resolveToken(
      services,
      { value: wish.subjectToken, type: wish.subjectTokenType, name: 'subject_token' },
      client,
    );
    const actor =
      wish.actorToken === null
        ? null
        : await resolveToken(
            services,
            { value: wish.actorToken, type: wish.actorTokenType ?? '', name: 'actor_token' },
            client,
          );
    if (actor !== null) await requireActorFor(services, actor, subject);
    let made =
      subject.grantId === null
        ? await openOwn(services, actor?.actor ?? subject.actor, wish)
        : await openBelow(services, subject.grantId, subject.actor, actor?.actor ?? null, wish);
    // Nobody has to approve it, but its owner has to confirm it: that says how.
    if (made.token === null && made.grant.state === 'approved')
      made = await activateGrant({ services, actor: actor?.actor ?? subject.actor }, { id: made.grant.id });
    if (made.token !== null) return { token: made.token, grant: made.grant, connect: made.connect };
    throw pending(made.grant);
  } catch (error) {
    throw toRefusal(error);
  }
}

type Wish = z.output<typeof ExchangeInput>;
interface Made {
  readonly grant: GrantView;
  readonly token: string | null;
  readonly connect: ConnectView | null;
}

/** Who acts must be somebody: an agent only for whom it acts for, and never with the token of a grant. */
async function requireActorFor(services: Services, actor: ResolvedToken, subject: ResolvedToken): Promise<void> {
  if (actor.grantId !== null || actor.actor.kind === 'person')
    throw new OAuthRefusal('invalid_request', 'the `actor_token` must be of a machine or an agent');
  if (actor.actor.kind === 'agent') {
    const { actsForId } = await services.db.identity.findUniqueOrThrow({
      where: { id: actor.actor.identityId },
      select: { actsForId: true },
    });
    // The subject may be the agent itself, with the token of a grant of its own.
    if (actsForId !== subject.actor.identityId && actor.actor.identityId !== subject.actor.identityId)
      throw new OAuthRefusal(
        'invalid_grant',
        `agent \`${actor.actor.name}\` does not act for \`${subject.actor.email}\``,
      );
  }
  if (actor.actor.kind === 'machine' && subject.grantId === null)
    throw new OAuthRefusal('invalid_request', 'a machine acts for itself: send its token as the `subject_token`');
}

/** A grant of somebody's own: asked for, and activated where nobody has to approve it (any more). */
async function openOwn(services: Services, actor: IdentityActor, wish: Wish): Promise<Made> {
  const ctx: ServiceContext = { services, actor };
  const { audience } = wish;
  let grant: GrantView;
  if (wish.grantId !== null) grant = await loadGrant(ctx, { id: wish.grantId });
  else {
    if (audience === null) throw new OAuthRefusal('invalid_target', 'name a task or a workflow as the `audience`');
    const isWorkflow = (await services.db.workflow.count({ where: { name: audience } })) > 0;
    const target = isWorkflow ? { workflow: audience } : { task: audience };
    const { narrow, reason, ticket, ttlMs } = wish;
    grant = await requestGrant(ctx, { ...target, ...(narrow === null ? {} : { narrow }), reason, ticket, ttlMs });
  }
  if (grant.state === 'requested') return { grant, token: null, connect: null };
  return activateGrant(ctx, { id: grant.id });
}

/** A grant below another: a step of its workflow, or the same task narrower. */
async function openBelow(
  services: Services,
  parentId: string,
  owner: IdentityActor,
  holder: IdentityActor | null,
  wish: Wish,
): Promise<Made> {
  const ctx: ServiceContext = { services, actor: owner };
  if (wish.grantId !== null) {
    const grant = await loadGrant(ctx, { id: wish.grantId });
    if (grant.state === 'requested') return { grant, token: null, connect: null };
    // It is started by whose it is.
    return activateGrant({ services, actor: holder ?? owner }, { id: grant.id });
  }
  const parent = await loadGrant(ctx, { id: parentId });
  // To name the parent's own task is to name none.
  const step = wish.audience !== null && wish.audience !== parent.task ? wish.audience : undefined;
  return mintGrant(ctx, {
    parentId,
    ...(step === undefined ? {} : { task: step }),
    ...(wish.narrow === null ? {} : { narrow: wish.narrow }),
    ttlMs: wish.ttlMs,
    reason: wish.reason,
    ...(holder === null ? {} : { identityId: holder.identityId }),
  });
}

const pending = (grant: GrantView): OAuthRefusal =>
  new OAuthRefusal(
    'authorization_pending',
    `${grant.id} waits for approval by ${grant.approvalsNeeded} of ${grant.approvers.join(', ')}`,
    { grant_id: grant.id },
  );

/** Ours in OAuth's words: what is asked for too widely is the target's, what is not proven is the token's. */
function toRefusal(error: unknown): unknown {
  if (!(error instanceof TaskgateError)) return error;
  const { code, message, problems } = error;
  const more = { code, problems };
  switch (code) {
    case 'bad-input':
      return new OAuthRefusal('invalid_request', message, more);
    case 'not-found':
    case 'forbidden':
    case 'invalid-state':
    case 'wider-than-parent':
      return new OAuthRefusal('invalid_target', message, more);
    case 'step-up-required':
      return new OAuthRefusal('authorization_pending', message, more);
    case 'wrong-token':
    case 'grant-ended':
    case 'grant-expired':
      return new OAuthRefusal('invalid_grant', message, more);
    default:
      return error;
  }
}
