import { matchClaims, SecretValue } from '@taskgate/core';
import type { Prisma, Transaction } from '@taskgate/db';
import { ADDRESS_LIMITS, readUnverified, type TokenRefusal, verifyIssuerToken } from '@taskgate/identity';
import type { IdentityActor, Services } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { ISSUER_SELECT, type IssuerRow, toIssuerTerms } from '../issuers/issuer-view.ts';
import { notifyChange } from '../live/notify-change.ts';
import { toActor } from '../people/to-actor.ts';
import { isDisabled, labelOf, USER_SELECT } from '../people/user-view.ts';
import { countAttemptOn, dropForgottenAttempts } from '../people/verify-sign-in.ts';
import { withTransaction } from '../with-transaction.ts';
import { readPatterns } from './machine-view.ts';

export type SubjectRefusal =
  | TokenRefusal
  | 'too-many-attempts'
  | 'unknown-issuer'
  | 'issuer-disabled'
  | 'no-machine-matches'
  | 'several-machines-match'
  | 'disabled'
  | 'used-already';

export type SubjectVerdict =
  | {
      readonly ok: true;
      /** The machine or agent, via `token-exchange`. */
      readonly actor: IdentityActor;
      readonly issuer: { readonly id: string; readonly name: string };
      readonly claims: Readonly<Record<string, unknown>>;
      /** When the token ends, epoch milliseconds. */
      readonly expiresAt: number;
    }
  | {
      readonly ok: false;
      readonly refusal: SubjectRefusal;
      /** For the log and for admins, who find it there and (where the issuer did sign the token) in the audit. */
      readonly detail: string;
      /** For the client: the same for every reason but too many attempts. */
      readonly answer: string;
    };

export interface SubjectOptions {
  /** Where the request comes from: refused tokens are counted by it. */
  readonly address: string;
  /** Of a machine or agent: whom the caller means, where a token fits several. It narrows, and never adds. */
  readonly name?: string | undefined;
}

const ANSWER = 'the token was not accepted; an admin of Taskgate finds the reason in its log and audit';
const MAX_BINDINGS = 2_000;

/**
 * Which machine or agent an outside issuer's token stands for. Refused tokens slow their address down. A token of a
 * single-use issuer is used up by an answer that is `ok`.
 */
export async function verifySubjectToken(
  services: Services,
  token: string,
  options: SubjectOptions,
): Promise<SubjectVerdict> {
  const key = `machine-token:${options.address}`;
  const waitMs = await withTransaction({ services }, (tx) =>
    countAttemptOn(tx, key, ADDRESS_LIMITS, services.clock.now()),
  );
  if (waitMs > 0) {
    const answer = `too many tokens were refused; try again in ${Math.ceil(waitMs / 1000)} seconds`;
    return { ok: false, refusal: 'too-many-attempts', detail: answer, answer };
  }
  const verdict = await judge(services, new SecretValue(token), options);
  if (!verdict.ok) {
    services.log.warn('a token of a machine was refused', {
      ...{ refusal: verdict.refusal, detail: verdict.detail, issuer: verdict.issuer?.name, address: options.address },
    });
    if (verdict.genuine && verdict.issuer !== null) await recordRefusal(services, verdict, options.address);
    return { ok: false, refusal: verdict.refusal, detail: verdict.detail, answer: ANSWER };
  }
  await withTransaction({ services }, async (tx) => {
    await tx.attemptWindow.updateMany({ where: { key, count: { gt: 0 } }, data: { count: { decrement: 1 } } });
  });
  await dropForgottenAttempts(services);
  return verdict;
}

interface Refused {
  readonly ok: false;
  readonly refusal: SubjectRefusal;
  readonly detail: string;
  readonly issuer: IssuerRow | null;
  /** The issuer did sign it. */
  readonly genuine: boolean;
}
type Accepted = Extract<SubjectVerdict, { readonly ok: true }>;

async function judge(services: Services, token: SecretValue, options: SubjectOptions): Promise<Accepted | Refused> {
  const read = readUnverified(token);
  if (read === null) return refused(null, 'not-a-token', 'it is not a signed JSON Web Token of at most 16 KB');
  const issuer = await findIssuer(services, read.claims);
  if (issuer === null)
    return refused(null, 'unknown-issuer', `there is no issuer \`${String(read.claims.iss).slice(0, 200)}\` here`);
  if (issuer.disabledAt !== null) return refused(issuer, 'issuer-disabled', `issuer \`${issuer.name}\` is disabled`);

  const bindings = await services.db.claimBinding.findMany({
    where: { issuerId: issuer.id },
    orderBy: { identityId: 'asc' },
    take: MAX_BINDINGS,
    select: BINDING_SELECT,
  });
  const audienceOf = (binding: BindingRow): string => binding.audience ?? issuer.audience;
  const verdict = await verifyIssuerToken(token, toIssuerTerms(issuer), {
    audiences: [...new Set([issuer.audience, ...bindings.map(audienceOf)])],
    now: services.clock.now(),
    keys: services.issuerKeys,
  });
  if (!verdict.ok) return refused(issuer, verdict.refusal, verdict.detail);

  const aud = [verdict.claims.aud].flat();
  const meant = bindings.filter(
    (binding) =>
      aud.includes(audienceOf(binding)) && (options.name === undefined || binding.identity.name === options.name),
  );
  const matching = meant.filter((binding) => matchClaims(readPatterns(binding.claims), verdict.claims).matches);
  const [found, another] = matching;
  if (found === undefined)
    return genuineRefused(issuer, 'no-machine-matches', whyNone(meant, verdict.claims, options.name));
  if (another !== undefined)
    return genuineRefused(
      issuer,
      'several-machines-match',
      `it fits ${matching.slice(0, 5).map(nameOf).join(' and ')}: make their patterns tell them apart, or name one in the request`,
    );
  return accept(services, issuer, found, { ...verdict, claims: verdict.claims });
}

const BINDING_SELECT = {
  identityId: true,
  audience: true,
  claims: true,
  identity: { select: USER_SELECT },
} as const satisfies Prisma.ClaimBindingSelect;
type BindingRow = Prisma.ClaimBindingGetPayload<{ select: typeof BINDING_SELECT }>;

const refused = (issuer: IssuerRow | null, refusal: SubjectRefusal, detail: string): Refused => ({
  ...{ ok: false, refusal, detail, issuer, genuine: false },
});
const genuineRefused = (issuer: IssuerRow, refusal: SubjectRefusal, detail: string): Refused => ({
  ...{ ok: false, refusal, detail, issuer, genuine: true },
});

/** By `iss`, exactly; of a JWT-SVID, which need not have it, by the trust domain of its subject. */
async function findIssuer(services: Services, claims: Readonly<Record<string, unknown>>): Promise<IssuerRow | null> {
  const { iss, sub } = claims;
  const domain = typeof sub === 'string' ? /^spiffe:\/\/[^/]{1,255}(?=\/)/.exec(sub)?.[0] : undefined;
  const wanted: Prisma.IssuerWhereInput[] = [
    ...(typeof iss === 'string' ? [{ url: iss, kind: { not: 'spiffe' } }] : []),
    ...(domain === undefined ? [] : [{ url: domain, kind: 'spiffe' }]),
  ];
  if (wanted.length === 0) return null;
  return services.db.issuer.findFirst({ where: { OR: wanted }, select: ISSUER_SELECT, orderBy: { kind: 'asc' } });
}

/** In one transaction with the machine's row: a disabled one, or a token that was used, is found out however they race. */
async function accept(
  services: Services,
  issuer: IssuerRow,
  binding: BindingRow,
  verified: {
    readonly claims: Accepted['claims'];
    readonly expiresAt: number;
    readonly useHash: Uint8Array<ArrayBuffer>;
  },
): Promise<Accepted | Refused> {
  const { claims, expiresAt, useHash } = verified;
  return withTransaction({ services }, async (tx) => {
    await tx.$queryRaw`SELECT id FROM identities WHERE id = ${binding.identityId} FOR UPDATE`;
    const row = await tx.identity.findUniqueOrThrow({ where: { id: binding.identityId }, select: USER_SELECT });
    if (isDisabled(row))
      return genuineRefused(issuer, 'disabled', `${nameOf(binding)}, or whom it acts for, is disabled`);
    // Its keys may have taken their time.
    if ((await tx.issuer.count({ where: { id: issuer.id, disabledAt: null } })) === 0)
      return genuineRefused(issuer, 'issuer-disabled', `issuer \`${issuer.name}\` is disabled`);
    if (issuer.singleUse && !(await useUp(tx, services, issuer, expiresAt, useHash)))
      return genuineRefused(issuer, 'used-already', `this token of ${nameOf(binding)} was used before`);
    const actor = toActor(row, { via: 'token-exchange', viaId: issuer.id, limitedTo: null });
    const at = new Date(services.clock.now());
    const { count } = await tx.claimBinding.updateMany({
      where: { identityId: row.id, issuerId: issuer.id },
      data: { lastUsedAt: at },
    });
    if (count === 0) return genuineRefused(issuer, 'no-machine-matches', `${nameOf(binding)} is not bound any more`);
    await emitAudit(
      tx,
      { services, actor },
      {
        action: `${row.kind}.prove`,
        subjectKind: row.kind === 'agent' ? 'agent' : 'machine',
        subject: row.id,
        before: null,
        after: { issuer: issuer.name, ...shownClaims(claims) },
      },
    );
    await notifyChange(tx, { topic: 'machines', id: row.id });
    return { ok: true, actor, issuer: { id: issuer.id, name: issuer.name }, claims, expiresAt };
  });
}

/** False where it was used before. Kept until the token could not be believed any more, whatever the clocks say. */
async function useUp(
  tx: Transaction,
  services: Services,
  issuer: IssuerRow,
  expiresAt: number,
  hash: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const now = new Date(services.clock.now());
  await tx.$executeRaw`DELETE FROM used_tokens WHERE hash IN (
    SELECT hash FROM used_tokens WHERE "expiresAt" < ${now} LIMIT 1000 FOR UPDATE SKIP LOCKED)`;
  const until = new Date(expiresAt + issuer.skewMs + 60_000);
  const { count } = await tx.usedToken.createMany({
    data: [{ issuerId: issuer.id, hash, expiresAt: until }],
    skipDuplicates: true,
  });
  return count === 1;
}

async function recordRefusal(services: Services, verdict: Refused, address: string): Promise<void> {
  const ctx = { services, actor: { kind: 'system', via: 'sign-in' } } as const;
  await withTransaction(ctx, (tx) =>
    emitAudit(tx, ctx, {
      action: 'machine.refuse',
      subjectKind: 'issuer',
      subject: verdict.issuer!.id,
      before: null,
      after: { refusal: verdict.refusal, detail: verdict.detail, address },
    }),
  );
}

/** What of a token its record keeps: who it was about, and by which run. */
function shownClaims(claims: Readonly<Record<string, unknown>>): object {
  const wanted = ['sub', 'jti', 'ref', 'sha', 'run_id', 'actor', 'pipeline_id', 'job_id', 'user_login'];
  const shown = wanted.filter((name) => typeof claims[name] === 'string' || typeof claims[name] === 'number');
  return Object.fromEntries(shown.map((name) => [name, String(claims[name]).slice(0, 300)]));
}

const nameOf = ({ identity }: BindingRow): string => `${identity.kind} \`${labelOf(identity)}\``;

/** Of those that nearly fit which claim was it: what an admin needs who wonders why a job is refused. */
function whyNone(
  meant: readonly BindingRow[],
  claims: Readonly<Record<string, unknown>>,
  name: string | undefined,
): string {
  const near = meant
    .map((binding) => {
      const { verdicts } = matchClaims(readPatterns(binding.claims), claims);
      return { binding, wrong: verdicts.filter(({ matches }) => !matches), right: verdicts.filter((v) => v.matches) };
    })
    .sort((a, b) => b.right.length - a.right.length)
    .slice(0, 3);
  if (near.length === 0)
    return name === undefined
      ? 'no machine is bound to this issuer and audience'
      : `no machine \`${name}\` is bound to it`;
  const texts = near.map(({ binding, wrong }) => {
    const whys = wrong.map(
      ({ claim, pattern, given }) =>
        `\`${claim}\` ${given === null ? 'is missing' : `is \`${given}\``}, not \`${pattern}\``,
    );
    return `${nameOf(binding)}: ${whys.join('; ')}`;
  });
  return `no machine fits. ${texts.join('. ')}`;
}
