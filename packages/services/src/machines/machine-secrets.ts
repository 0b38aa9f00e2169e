import { contract } from '@taskgate/contracts';
import { MACHINE_SCOPES, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type { IdentityActor, ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { issueApiToken } from '../people/issue-api-token.ts';
import { requireMayBe } from '../people/require-may-be.ts';
import { isDisabled, USER_SELECT } from '../people/user-view.ts';
import { withPeople } from '../people/with-people.ts';
import { requirePerson } from '../require-scope.ts';
import { loadMachineView, noMachine } from './load-machines.ts';
import { type MachineView, toSecretView } from './machine-view.ts';

const MAX_STANDING = 10;

interface NewSecret {
  readonly secret: MachineView['secrets'][number];
  /** Shown this once. */
  readonly token: string;
}

/** A static secret of a machine or an agent: an API token with the scopes of machines, for 90 days at most. */
export async function createMachineSecret(ctx: ServiceContext, input: unknown): Promise<NewSecret> {
  requireSignIn(requirePerson(ctx, 'people:write'));
  const { id, name, ttlMs } = parseInput(inputOf(contract.machines.createSecret), input);
  return withPeople(ctx, (tx) => issue(tx, ctx, id, { name, ttlMs }));
}

/** A new secret in the place of an old one, which goes on for `overlapMs` so that nothing stops meanwhile. */
export async function rotateMachineSecret(ctx: ServiceContext, input: unknown): Promise<NewSecret> {
  requireSignIn(requirePerson(ctx, 'people:write'));
  const { id, secretId, overlapMs } = parseInput(inputOf(contract.machines.rotateSecret), input);
  return withPeople(ctx, async (tx) => {
    const old = await standingSecret(tx, ctx, id, secretId);
    const created = await issue(tx, ctx, id, {
      name: old.name,
      ttlMs: old.expiresAt.getTime() - old.createdAt.getTime(),
    });
    const until = new Date(Math.min(old.expiresAt.getTime(), ctx.services.clock.now() + overlapMs));
    await tx.apiToken.update({ where: { id: secretId }, data: { expiresAt: until } });
    await emitAudit(tx, ctx, {
      action: 'api-token.rotate',
      subjectKind: 'api-token',
      subject: secretId,
      before: { name: old.name, expiresAt: old.expiresAt },
      after: { name: old.name, expiresAt: until, replacedBy: created.secret.id },
    });
    return created;
  });
}

export async function revokeMachineSecret(ctx: ServiceContext, input: unknown): Promise<MachineView> {
  requirePerson(ctx, 'people:write');
  const { id, secretId } = parseInput(inputOf(contract.machines.revokeSecret), input);
  return withPeople(ctx, async (tx) => {
    const { name } = await standingSecret(tx, ctx, id, secretId);
    const revokedAt = new Date(ctx.services.clock.now());
    await tx.apiToken.update({ where: { id: secretId }, data: { revokedAt } });
    await emitAudit(tx, ctx, {
      action: 'api-token.revoke',
      subjectKind: 'api-token',
      subject: secretId,
      before: { name, revokedAt: null },
      after: { name, revokedAt },
    });
    await notifyChange(tx, { topic: 'machines', id });
    return loadMachineView(ctx, tx, id);
  });
}

/** A stolen token must not make others that outlive it. */
function requireSignIn(actor: IdentityActor): void {
  if (actor.via !== 'session')
    throw new TaskgateError('forbidden', 'a token cannot make secrets; sign in to the web and make one there');
}

async function issue(
  tx: Transaction,
  ctx: ServiceContext,
  identityId: string,
  wish: { readonly name: string; readonly ttlMs: number },
): Promise<NewSecret> {
  const now = ctx.services.clock.now();
  // Disabled at this moment, it must not get a secret that outlives that.
  await tx.$queryRaw`SELECT id FROM identities WHERE id = ${identityId} FOR UPDATE`;
  const owner = await tx.identity.findUnique({
    where: { id: identityId, kind: { in: ['machine', 'agent'] } },
    select: USER_SELECT,
  });
  if (owner === null) throw noMachine(identityId);
  await requireMayBe(tx, ctx, owner);
  if (isDisabled(owner)) throw new TaskgateError('invalid-state', 'it is disabled; a secret of it would open nothing');
  const standing = { identityId, revokedAt: null, expiresAt: { gt: new Date(now) } };
  if ((await tx.apiToken.count({ where: standing })) >= MAX_STANDING)
    throw new TaskgateError('rate-limited', `it has ${MAX_STANDING} secrets; revoke some first`);
  const { row, token } = await issueApiToken(tx, ctx, {
    identityId,
    name: wish.name,
    scopes: MACHINE_SCOPES,
    expiresAt: new Date(now + wish.ttlMs),
  });
  await notifyChange(tx, { topic: 'machines', id: identityId });
  return { secret: toSecretView(row), token: token.reveal((text) => text) };
}

async function standingSecret(tx: Transaction, ctx: ServiceContext, identityId: string, id: string) {
  const row = await tx.apiToken.findFirst({
    where: {
      ...{ id, identityId, revokedAt: null, expiresAt: { gt: new Date(ctx.services.clock.now()) } },
      identity: { kind: { in: ['machine', 'agent'] } },
    },
    select: { name: true, createdAt: true, expiresAt: true },
  });
  if (row === null) throw new TaskgateError('not-found', `there is no such secret \`${id}\` (any more)`);
  return row;
}
