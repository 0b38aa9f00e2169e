import { contract } from '@taskgate/contracts';
import { type SecretValue, TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type * as z from 'zod';
import { newId, type ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { lockCredential } from './lock-credential.ts';
import { createMaskKey, fingerprintOfGiven, openCredential, openMaskKey, sealCredential } from './resource-secrets.ts';
import { isSameRole, mayReuseSecret, type ResourceTarget, type TlsModeName } from './resource-target.ts';
import { RESOURCE_SELECT, type ResourceRow, toResourceAudit } from './resource-view.ts';

const Create = inputOf(contract.resources.create);
const ResourceDocument = Create.omit({ secret: true });
/** A resource as `taskgate apply` and the API write it, without its secret. */
export type ResourceDocument = z.input<typeof ResourceDocument>;

export interface SavedResource {
  readonly id: string;
  readonly name: string;
  readonly outcome: 'created' | 'updated' | 'unchanged';
}

/**
 * Makes or changes the resource of that name, in the caller's transaction. `secret`: `null` keeps the sealed one, which
 * only works while the resource points where the secret was given for. `asBefore`: a secret that is the one given
 * before changes nothing, even where it was rotated since. Throws `bad-input`; `conflict` for a secret while a rotation
 * sets another.
 */
export async function saveResource(
  tx: Transaction,
  ctx: ServiceContext,
  document: unknown,
  secret: SecretValue | null,
  options: { readonly asBefore?: boolean } = {},
): Promise<SavedResource> {
  requireScope(ctx, 'resource:write');
  const wish = parseInput(ResourceDocument, document);
  checkHost(wish.host);
  const before = await tx.resource.findUnique({ where: { name: wish.name }, select: RESOURCE_SELECT });
  if (before !== null) await tx.$queryRaw`SELECT id FROM resources WHERE id = ${before.id} FOR UPDATE`;
  const target = toTarget(wish);
  if (secret === null && !(before !== null && mayReuseSecret(targetOf(before), target)))
    throw secretNeeded(before !== null);
  // What a manifest says each night was true until the gate set another password: it does not put the old one back.
  if (options.asBefore === true && secret !== null && before !== null && mayReuseSecret(targetOf(before), target))
    if (await isGivenAgain(tx, ctx, before.id, secret)) secret = null;
  if (before !== null && isSame(before, wish) && (secret === null || (await isKeptSecret(tx, ctx, before.id, secret))))
    return { id: before.id, name: before.name, outcome: 'unchanged' };

  const at = new Date(ctx.services.clock.now());
  const id = before?.id ?? newId(ctx.services, 'res');
  const { host, port, database, tlsMode, tlsCa, labels, principals } = wish;
  const rotateMs = wish.rotateMs === null ? null : BigInt(wish.rotateMs);
  const columns = { host, port, database, tlsMode, tlsCa, labels, principals, rotateMs, updatedAt: at };
  if (before === null) {
    const maskKey = createMaskKey(ctx.services.vault, id, ctx.services.randomBytes);
    await tx.resource.create({ data: { id, name: wish.name, type: wish.type, maskKey, createdAt: at, ...columns } });
  } else {
    await tx.resource.update({ where: { id }, data: columns });
    if (pointsElsewhere(before, wish))
      await tx.catalogVersion.updateMany({ where: { resourceId: id, current: true }, data: { current: false } });
  }
  if (secret !== null) {
    if (!(await lockCredential(tx, id)))
      throw new TaskgateError(
        'conflict',
        `the password of \`${wish.name}\` is being rotated at this moment; look at what came of it, and give another one then`,
      );
    // A rotation that was interrupted may have set its password already: until it is taken up, connections try both,
    // and however weak their TLS is by now, that one is only ever proven.
    const begun = before !== null && isSameRole(targetOf(before), target);
    const { maskKey } = await tx.resource.findUniqueOrThrow({ where: { id }, select: { maskKey: true } });
    const credential = {
      username: wish.username,
      sealed: sealCredential(ctx.services.vault, id, secret),
      setAt: at,
      given: fingerprintOfGiven(openMaskKey(ctx.services.vault, { id, maskKey }), secret),
      rotatedAt: null,
      ...(begun ? {} : { pending: null, rotationFailedAt: null, rotationFailure: null }),
    };
    await tx.credential.upsert({
      where: { resourceId: id },
      create: { id: newId(ctx.services, 'crd'), resourceId: id, ...credential },
      update: credential,
    });
  }
  const after = await tx.resource.findUniqueOrThrow({ where: { id }, select: RESOURCE_SELECT });
  await emitAudit(tx, ctx, {
    action: before === null ? 'resource.create' : 'resource.update',
    subjectKind: 'resource',
    subject: id,
    before: before === null ? null : toResourceAudit(before),
    after: { ...toResourceAudit(after), credentialReplaced: secret !== null },
  });
  const relabelled = before === null || !sameLabels(before.labels, labels);
  await notifyChange(tx, {
    topic: 'resources',
    id: wish.name,
    resourceId: id,
    ...(relabelled ? { change: 'labels' as const } : {}),
  });
  if (before !== null && pointsElsewhere(before, wish))
    await notifyChange(tx, { topic: 'resources', id: wish.name, resourceId: id, change: 'catalog' });
  return { id, name: wish.name, outcome: before === null ? 'created' : 'updated' };
}

type Wish = z.output<typeof ResourceDocument>;

/** Given again and the same: an `apply` that runs every night leaves no trace of nothing. */
async function isKeptSecret(tx: Transaction, ctx: ServiceContext, id: string, secret: SecretValue): Promise<boolean> {
  const row = await tx.credential.findUnique({ where: { resourceId: id }, select: { sealed: true } });
  if (row === null) return false;
  const kept = openCredential(ctx.services.vault, id, row.sealed);
  return kept.reveal((a) => secret.reveal((b) => a === b));
}

/** Whether it is what somebody gave last, whatever was rotated since. */
async function isGivenAgain(tx: Transaction, ctx: ServiceContext, id: string, secret: SecretValue): Promise<boolean> {
  const row = await tx.resource.findUnique({
    where: { id },
    select: { id: true, maskKey: true, credential: { select: { given: true } } },
  });
  const given = row?.credential?.given;
  if (!row || !given) return false;
  return Buffer.from(given).equals(fingerprintOfGiven(openMaskKey(ctx.services.vault, row), secret));
}

export const toTarget = (
  wish: Pick<Wish, 'host' | 'port' | 'database' | 'tlsMode' | 'tlsCa' | 'username'>,
): Omit<ResourceTarget, 'secret' | 'alternative'> => ({
  host: wish.host,
  port: wish.port,
  database: wish.database,
  tls: { mode: wish.tlsMode, ca: wish.tlsCa },
  username: wish.username,
});

export const targetOf = (row: ResourceRow): Omit<ResourceTarget, 'secret' | 'alternative'> => ({
  host: row.host,
  port: row.port,
  database: row.database,
  tls: { mode: row.tlsMode as TlsModeName, ca: row.tlsCa },
  username: row.credential?.username ?? '',
});

/** A slash would make it the path of a socket on this machine. Throws `bad-input`. */
export function checkHost(host: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9.:_-]*$/.test(host)) return;
  const message = 'give a host name or an IP address';
  throw new TaskgateError('bad-input', `\`host\` is not valid: ${message}`, {
    problems: [{ path: 'host', message, position: null }],
  });
}

export function secretNeeded(exists: boolean): TaskgateError {
  const message = exists
    ? 'give the secret again: the kept one is only ever sent to the host, port and user it was given for, over TLS no weaker'
    : 'a new resource needs the secret of its credential';
  return new TaskgateError('bad-input', message, { problems: [{ path: 'secret', message, position: null }] });
}

const pointsElsewhere = (before: ResourceRow, wish: Wish): boolean =>
  before.host !== wish.host ||
  before.port !== wish.port ||
  before.database !== wish.database ||
  before.credential?.username !== wish.username;

const isSame = (before: ResourceRow, wish: Wish): boolean =>
  !pointsElsewhere(before, wish) &&
  before.tlsMode === wish.tlsMode &&
  before.principals === wish.principals &&
  (before.rotateMs === null ? null : Number(before.rotateMs)) === wish.rotateMs &&
  before.tlsCa === wish.tlsCa &&
  sameLabels(before.labels, wish.labels);

const sameLabels = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b);
const canonical = (labels: unknown): string =>
  JSON.stringify(Object.entries(labels ?? {}).sort(([x], [y]) => (x < y ? -1 : 1)));
