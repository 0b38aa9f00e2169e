import { CATALOG_FORMAT, type PostgresCatalog, type SecretValue, TaskgateError } from '@taskgate/core';
import type { Prisma, Transaction } from '@taskgate/db';
import type { PrincipalsMode } from '@taskgate/policy';
import type { Client } from 'pg';
import type { ServiceContext, Services } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { notifyChange } from '../live/notify-change.ts';
import { checkWallTwo, type WallTwoView } from '../principals/check-wall-two.ts';
import type { ConnectOptions } from '../resources/connect-resource.ts';
import { connectResource, isRefusal } from '../resources/connect-resource.ts';
import { openPasswords } from '../resources/resource-secrets.ts';
import type { ResourceTarget, TlsModeName } from '../resources/resource-target.ts';
import { translateStoreError, withTransaction } from '../with-transaction.ts';
import { readCatalog } from './read-catalog.ts';

/** Older ones are of no more use: a decision names its version, and the recording holds what was decided. */
const KEPT_VERSIONS = 5;

/** The resource's current catalog as last read; `null` where it was not read yet, or the resource has changed since. */
export async function readStoredCatalog(db: Transaction, resourceId: string): Promise<PostgresCatalog | null> {
  const row = await db.catalogVersion
    .findFirst({ where: { resourceId, current: true }, select: { content: true } })
    .catch((error: unknown) => {
      throw translateStoreError(error);
    });
  const catalog = (row?.content ?? null) as unknown as PostgresCatalog | null;
  // Read by an older version of the gate, which kept less.
  return catalog?.format === CATALOG_FORMAT ? catalog : null;
}

const KEPT_IN_MEMORY = 20;
const kept = new WeakMap<Services, Map<string, PostgresCatalog>>();

/**
 * As `readStoredCatalog`, without reading again what has not changed: catalogs are large, and every session asks. `null`
 * too where it was last read longer ago than `maxAgeMs`.
 */
export async function readKeptCatalog(
  services: Services,
  resourceId: string,
  maxAgeMs = Number.POSITIVE_INFINITY,
): Promise<PostgresCatalog | null> {
  const current = await services.db.catalogVersion
    .findFirst({ where: { resourceId, current: true }, select: { version: true, readAt: true } })
    .catch((error: unknown) => {
      throw translateStoreError(error);
    });
  if (current === null || services.clock.now() - current.readAt.getTime() > maxAgeMs) return null;
  const own = kept.get(services) ?? new Map<string, PostgresCatalog>();
  kept.set(services, own);
  const known = own.get(resourceId);
  if (known?.version === current.version) return known;
  const catalog = await readStoredCatalog(services.db, resourceId);
  own.delete(resourceId);
  if (own.size >= KEPT_IN_MEMORY) own.delete(own.keys().next().value!);
  if (catalog !== null) own.set(resourceId, catalog);
  return catalog;
}

/** Reads the catalog at the target and makes it the current one. The caller has checked who may ask. */
export async function storeFreshCatalog(
  ctx: ServiceContext,
  resourceId: string,
  options: { readonly deadlineMs?: number } = {},
): Promise<PostgresCatalog> {
  const stored = await loadTarget(ctx, resourceId);
  const { name, updatedAt } = stored;
  const client = await connectStored(ctx, stored, options);
  const [catalog, wallTwo] = await (async () => {
    try {
      const read = await readCatalog(client);
      // What it would say is shown, and decides nothing: a catalog without it is as good.
      return [read, await checkWallTwo(client, new Date(ctx.services.clock.now())).catch(() => undefined)] as const;
    } finally {
      await client.end().catch(() => {});
    }
  })();
  await withTransaction(ctx, async (tx) => {
    const [locked] = await tx.$queryRaw<{ updatedAt: Date }[]>`
      SELECT "updatedAt" FROM resources WHERE id = ${resourceId} FOR UPDATE`;
    // Read from where the resource no longer points: it must not become what decisions are made on.
    if (locked?.updatedAt.getTime() !== updatedAt.getTime())
      throw new TaskgateError('conflict', `the resource \`${name}\` was changed meanwhile; try again`);
    // Not what was changed by a person: `updatedAt` stays.
    await tx.resource.update({ where: { id: resourceId }, data: wallTwo === undefined ? {} : { wallTwo } });
    await makeCurrent(tx, ctx, { resourceId, name, catalog });
  });
  return catalog;
}

async function makeCurrent(
  tx: Transaction,
  ctx: ServiceContext,
  read: { readonly resourceId: string; readonly name: string; readonly catalog: PostgresCatalog },
): Promise<void> {
  const { resourceId, name, catalog } = read;
  const { version } = catalog;
  const readAt = new Date(ctx.services.clock.now());
  const before = await tx.catalogVersion.findFirst({ where: { resourceId, current: true }, select: { version: true } });
  if (before?.version === version) {
    await tx.catalogVersion.update({ where: { resourceId_version: { resourceId, version } }, data: { readAt } });
    return;
  }
  await tx.catalogVersion.updateMany({ where: { resourceId, current: true }, data: { current: false } });
  await tx.catalogVersion.upsert({
    where: { resourceId_version: { resourceId, version } },
    create: { resourceId, version, readAt, current: true, content: catalog as unknown as Prisma.InputJsonObject },
    update: { current: true, readAt },
  });
  const outdated = await tx.catalogVersion.findMany({
    where: { resourceId },
    orderBy: { readAt: 'desc' },
    skip: KEPT_VERSIONS,
    select: { version: true },
  });
  await tx.catalogVersion.deleteMany({
    where: { resourceId, current: false, version: { in: outdated.map((row) => row.version) } },
  });
  await emitAudit(tx, ctx, {
    action: 'resource.read-catalog',
    subjectKind: 'resource',
    subject: resourceId,
    before: before === null ? null : { version: before.version },
    after: { version, relations: catalog.relations.length, serverVersion: catalog.serverVersion },
  });
  await notifyChange(tx, { topic: 'resources', id: name, change: 'catalog', resourceId });
}

export interface StoredTarget {
  readonly id: string;
  readonly name: string;
  readonly updatedAt: Date;
  readonly principals: PrincipalsMode;
  /** As last looked at; `null`: not yet. */
  readonly wallTwoState: WallTwoView['state'] | null;
  readonly target: ResourceTarget;
}

/** The stored resource with its credential opened. Throws `not-found`. */
export async function loadTarget(ctx: ServiceContext, resourceId: string): Promise<StoredTarget> {
  const row = await ctx.services.db.resource
    .findUnique({ where: { id: resourceId }, include: { credential: true } })
    .catch((error: unknown) => {
      throw translateStoreError(error);
    });
  if (!row?.credential)
    throw new TaskgateError('not-found', `there is no resource \`${resourceId}\` with a credential`);
  return {
    id: row.id,
    name: row.name,
    updatedAt: row.updatedAt,
    principals: row.principals as PrincipalsMode,
    wallTwoState: (row.wallTwo as WallTwoView | null)?.state ?? null,
    target: {
      host: row.host,
      port: row.port,
      database: row.database,
      tls: { mode: row.tlsMode as TlsModeName, ca: row.tlsCa },
      username: row.credential.username,
      ...openPasswords(ctx.services.vault, row.id, row.credential),
    },
  };
}

/**
 * Opens the stored resource. A password that was loaded a moment ago may have been rotated since: where it is refused,
 * what is stored now is tried. Throws as {@link connectResource}.
 */
export async function connectStored(
  ctx: ServiceContext,
  stored: StoredTarget,
  options: ConnectOptions = {},
): Promise<Client> {
  let { target } = stored;
  for (let turn = 1; ; turn++) {
    try {
      return await connectResource(target, options);
    } catch (error) {
      if (!isRefusal(error) || turn >= MAX_TURNS) throw error;
      const refused = target;
      ({ target } = await loadTarget(ctx, stored.id));
      if (!hasAnother(refused, target)) throw error;
    }
  }
}

/** It may be rotated again while it is tried. */
const MAX_TURNS = 5;

function hasAnother(refused: ResourceTarget, now: ResourceTarget): boolean {
  const isSame = (a: SecretValue, b: SecretValue): boolean => a.reveal((x) => b.reveal((y) => x === y));
  const known = [refused.secret, refused.alternative ?? refused.secret];
  return [now.secret, now.alternative ?? now.secret].some((secret) => !known.some((other) => isSame(other, secret)));
}
