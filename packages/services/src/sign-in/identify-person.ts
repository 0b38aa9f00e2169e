import { Email } from '@taskgate/contracts';
import type { SignInRefusal } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type { SignInProof } from '@taskgate/identity';
import { newId, type ServiceContext, type Services } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { disableAgentsOf, type EndedAccess, endAccess } from '../people/end-access.ts';
import { isOfLockedByHand } from '../people/former-address.ts';
import { syncMemberships } from '../people/sync-memberships.ts';
import { emailTrustOf, type ProviderRow } from '../providers/provider-row.ts';
import { SIGN_IN_ACTOR } from './sign-in-refused.ts';

/** The provider proved somebody who is nobody here, or may not come in. The message is for the audit alone. */
export class NotIdentified extends Error {
  override readonly name = 'NotIdentified';
  readonly refusal: SignInRefusal;
  readonly identityId: string | undefined;

  constructor(refusal: SignInRefusal, reason: string, identityId?: string) {
    super(reason);
    this.refusal = refusal;
    this.identityId = identityId;
  }
}

/**
 * The person that a provider's subject is, with memberships as its groups say now. By the link alone; without one, by the
 * e-mail address where the admin trusts this provider's word for it; else, where the provider may, as somebody new. Unless
 * the sign-in was begun (`startedById`) by who is signed in here as that person, nobody is linked by address who has a way
 * in of their own; of who has none, what they had before ends: it may be somebody else's.
 * Throws {@link NotIdentified}. No audit row where nothing changed: the sign-in writes its own.
 */
export async function identifyPerson(
  tx: Transaction,
  services: Services,
  provider: ProviderRow,
  proof: SignInProof,
  startedById: string | null,
): Promise<string> {
  const ctx: ServiceContext = { services, actor: SIGN_IN_ACTOR };
  const at = new Date(services.clock.now());
  const link = await tx.providerLink.findUnique({
    where: { providerId_subject: { providerId: provider.id, subject: proof.subject } },
    select: { identity: { select: { id: true, disabledAt: true } } },
  });
  const person = link?.identity ?? (await findOrCreate(tx, ctx, provider, proof));
  if (person.disabledAt !== null) throw new NotIdentified('disabled', 'the person is disabled', person.id);
  const groups = [...proof.groups];
  if (link === null) {
    const ended = person.id === startedById ? null : await takeFromOthers(tx, ctx, person.id);
    await tx.providerLink.create({
      data: {
        providerId: provider.id,
        subject: proof.subject,
        identityId: person.id,
        groups,
        createdAt: at,
        lastSignInAt: at,
      },
    });
    await emitAudit(tx, ctx, {
      action: 'user.link',
      subjectKind: 'user',
      subject: person.id,
      before: null,
      after: { provider: provider.name, subject: proof.subject, email: proof.email, ended },
    });
  } else
    await tx.providerLink.update({
      where: { providerId_subject: { providerId: provider.id, subject: proof.subject } },
      data: { groups, lastSignInAt: at },
    });
  const memberships = await syncMemberships(tx, ctx, [person.id]);
  if (memberships.length > 0)
    await emitAudit(tx, ctx, {
      action: 'user.sync-groups',
      subjectKind: 'user',
      subject: person.id,
      before: null,
      after: { provider: provider.name, memberships },
    });
  return person.id;
}

/**
 * Ends what whoever had the account before began, and could go on with, where its address alone links it. Throws {@link NotIdentified} where it has a way in already (a password, a
 * passkey, another provider): whoever runs a provider would be them, without what only they have; and whoever made the
 * account by another one would stay in it.
 */
async function takeFromOthers(
  tx: Transaction,
  ctx: ServiceContext,
  personId: string,
): Promise<EndedAccess & { readonly agents: number }> {
  // Waits for a passkey that is being registered, and for a password that is being set.
  await tx.$queryRaw`SELECT id FROM identities WHERE id = ${personId} FOR UPDATE`;
  const { passwordHash, _count } = await tx.identity.findUniqueOrThrow({
    where: { id: personId },
    select: {
      passwordHash: true,
      _count: { select: { passkeys: true, providerLinks: { where: { provider: { enabled: true } } } } },
    },
  });
  if (passwordHash !== null || _count.passkeys > 0 || _count.providerLinks > 0)
    throw new NotIdentified(
      'not-known-here',
      'this person has a password, a passkey or another provider here: they sign in with it and link this provider on the page Settings; who has lost it gets a new password of an admin for that, or is unlinked',
      personId,
    );
  // The account itself, its groups and its history stay.
  const ended = await endAccess(tx, ctx, [personId]);
  return { ...ended, agents: await disableAgentsOf(tx, ctx, personId) };
}

interface FoundPerson {
  readonly id: string;
  readonly disabledAt: Date | null;
}

async function findOrCreate(
  tx: Transaction,
  ctx: ServiceContext,
  provider: ProviderRow,
  proof: SignInProof,
): Promise<FoundPerson> {
  const trust = emailTrustOf(provider);
  const email = proof.email !== null && Email.safeParse(proof.email).success ? proof.email : null;
  const vouched = email !== null && (proof.emailVerified || trust === 'always');
  const here =
    email === null
      ? null
      : await tx.identity.findUnique({
          where: { email },
          select: {
            id: true,
            disabledAt: true,
            providerLinks: true,
            directoryUser: { select: { emailChanged: true } },
          },
        });
  if (here !== null) {
    if (trust === 'never')
      throw new NotIdentified(
        'not-known-here',
        'somebody here has this e-mail address, and this provider is not trusted to link by it',
        here.id,
      );
    if (!vouched)
      throw new NotIdentified('not-known-here', 'the provider does not say that it has verified the address', here.id);
    if (here.directoryUser?.emailChanged)
      throw new NotIdentified(
        'not-known-here',
        'the directory changed the e-mail address of this person, by a token that may not take people over or to one of somebody whom an admin disabled',
        here.id,
      );
    // Addresses are given to somebody else in time, subjects are not: this is another person, or was made anew.
    if (here.providerLinks.some(({ providerId }) => providerId === provider.id))
      throw new NotIdentified(
        'not-known-here',
        'the person with this e-mail address is linked to another subject of this provider; unlink them first',
        here.id,
      );
    return here;
  }
  if (!provider.createPeople)
    throw new NotIdentified('not-known-here', 'nobody here is linked to this subject, and the provider makes nobody');
  if (!vouched)
    throw new NotIdentified('not-known-here', 'a new person needs an e-mail address that the provider has verified');
  if (await isOfLockedByHand(tx, email))
    throw new NotIdentified(
      'disabled',
      'somebody who had this e-mail address was disabled by an admin, and then renamed or removed by the directory; an admin can make the new person by hand',
    );
  const created = await tx.identity.create({
    data: {
      id: newId(ctx.services, 'usr'),
      email,
      name: proof.name ?? email,
      createdAt: new Date(ctx.services.clock.now()),
    },
    select: { id: true, disabledAt: true },
  });
  await emitAudit(tx, ctx, {
    action: 'user.create',
    subjectKind: 'user',
    subject: created.id,
    before: null,
    after: { email, name: proof.name, provider: provider.name },
  });
  await notifyChange(tx, { topic: 'people', id: created.id, userId: created.id });
  return created;
}
