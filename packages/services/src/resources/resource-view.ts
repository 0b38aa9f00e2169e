import type { CatalogSummary, Resource } from '@taskgate/contracts';
import type { PostgresCatalog } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import { type PrincipalsMode, policyApplies } from '@taskgate/policy';
import type * as z from 'zod';
import { toResourceFacts } from '../grants/load-terms.ts';
import { loadPoliciesInForce } from '../policies/load-policies-in-force.ts';
import type { WallTwoView } from '../principals/check-wall-two.ts';
import { nextRotationAt, type RotationTimes } from './next-rotation.ts';
import type { TlsModeName } from './resource-target.ts';

export type ResourceView = z.infer<typeof Resource>;
export type CatalogSummaryView = z.infer<typeof CatalogSummary>;

/** Everything of a resource but its keys. */
export const RESOURCE_SELECT = {
  id: true,
  name: true,
  type: true,
  host: true,
  port: true,
  database: true,
  tlsMode: true,
  tlsCa: true,
  labels: true,
  principals: true,
  wallTwo: true,
  rotateMs: true,
  createdAt: true,
  updatedAt: true,
  credential: {
    select: { username: true, setAt: true, rotatedAt: true, rotationFailedAt: true, rotationFailure: true },
  },
} as const;

export interface ResourceRow {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly tlsMode: string;
  readonly tlsCa: string | null;
  readonly labels: unknown;
  readonly principals: string;
  readonly wallTwo: unknown;
  readonly rotateMs: bigint | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly credential:
    | ({ readonly username: string; readonly rotatedAt: Date | null; readonly rotationFailure: string | null } & Pick<
        RotationTimes,
        'setAt' | 'rotationFailedAt'
      >)
    | null;
}

/** What an admin may change, as it is kept in audit rows and compared. */
export function toResourceAudit(row: ResourceRow): object {
  const { name, host, port, database, tlsMode, tlsCa, labels, principals, rotateMs, credential } = row;
  return {
    name,
    host,
    port,
    database,
    tlsMode,
    tlsCa,
    labels,
    principals,
    rotateMs: rotateMs === null ? null : Number(rotateMs),
    username: credential?.username,
    credentialSetAt: credential?.setAt,
  };
}

/** `withTasks`: whether the caller may see tasks and policies at all. */
export async function toResourceViews(
  db: Transaction,
  rows: readonly ResourceRow[],
  withTasks: boolean,
): Promise<ResourceView[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  // Counted in the store: a catalog can be megabytes.
  const catalogs = await db.$queryRaw<
    { resourceId: string; version: string; readAt: Date; relations: number; serverVersion: number }[]
  >`SELECT "resourceId", "version", "readAt", jsonb_array_length("content"->'relations') AS relations,
           ("content"->>'serverVersion')::int AS "serverVersion"
      FROM catalog_versions WHERE "current" AND "resourceId" = ANY(${ids})`;
  const tasks = withTasks
    ? await db.task.findMany({
        where: { resourceId: { in: ids } },
        select: { name: true, resourceId: true },
        orderBy: { name: 'asc' },
      })
    : [];
  const policies = withTasks ? await loadPoliciesInForce(db) : [];
  return rows.map((row) => {
    const catalog = catalogs.find((found) => found.resourceId === row.id);
    const facts = toResourceFacts(row);
    return {
      id: row.id,
      name: row.name,
      type: 'postgres',
      host: row.host,
      port: row.port,
      database: row.database,
      tlsMode: row.tlsMode as TlsModeName,
      tlsCa: row.tlsCa,
      labels: { ...facts.labels },
      username: row.credential?.username ?? '',
      principals: row.principals as PrincipalsMode,
      wallTwo: row.wallTwo as WallTwoView | null,
      credentialSetAt: (row.credential?.setAt ?? row.createdAt).toISOString(),
      rotation: toRotation(row),
      catalog: catalog
        ? {
            version: catalog.version,
            readAt: catalog.readAt.toISOString(),
            relations: catalog.relations,
            serverVersion: catalog.serverVersion,
          }
        : null,
      tasks: tasks.filter((task) => task.resourceId === row.id).map((task) => task.name),
      policies: policies.filter((policy) => policyApplies(policy.document, facts)).map((policy) => policy.name),
      createdAt: row.createdAt.toISOString(),
      updatedAt: row.updatedAt.toISOString(),
    };
  });
}

function toRotation({ rotateMs, credential }: ResourceRow): ResourceView['rotation'] {
  const everyMs = rotateMs === null ? null : Number(rotateMs);
  if (credential === null) return { everyMs, nextAt: null, rotatedAt: null, failure: null };
  const { rotatedAt, rotationFailedAt, rotationFailure } = credential;
  const nextAt = nextRotationAt({ ...credential, rotateMs });
  return {
    everyMs,
    nextAt: nextAt?.toISOString() ?? null,
    rotatedAt: rotatedAt?.toISOString() ?? null,
    failure: rotationFailedAt === null ? null : { at: rotationFailedAt.toISOString(), message: rotationFailure ?? '' },
  };
}

export function toCatalogSummary(catalog: PostgresCatalog): CatalogSummaryView {
  return {
    version: catalog.version,
    relations: catalog.relations.map(({ schema, name, kind, columns }) => ({
      schema,
      name,
      kind,
      columns: columns.map((column) => ({ name: column.name, typeName: column.typeName })),
    })),
  };
}
