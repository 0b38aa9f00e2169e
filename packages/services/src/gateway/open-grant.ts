import { createHash } from 'node:crypto';
import type { GrantLimits, PostgresCatalog, SecretValue } from '@taskgate/core';
import { readKeptCatalog, storeFreshCatalog } from '../catalog/stored-catalog.ts';
import type { ServiceContext } from '../context.ts';
import { pinTask, toResourceFacts } from '../grants/load-terms.ts';
import { labelOf } from '../people/user-view.ts';
import { leasePrincipal } from '../principals/lease-principal.ts';
import { requireSystem } from '../require-scope.ts';
import { openMaskKey } from '../resources/resource-secrets.ts';
import type { ResourceTarget } from '../resources/resource-target.ts';
import { requireActiveGrant } from './active-grant.ts';

export interface PinnedDocument {
  readonly name: string;
  readonly revision: number;
  readonly source: string;
}

export interface OpenGrant {
  readonly grantId: string;
  readonly identity: { readonly id: string; readonly label: string };
  /** `document`: SHA-256 of the source in hex, where it is narrower than the revision; else `null`. */
  readonly task: PinnedDocument & { readonly document: string | null };
  readonly policies: readonly PinnedDocument[];
  readonly resource: {
    readonly id: string;
    readonly name: string;
    readonly database: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly expiresAt: number;
  readonly limits: GrantLimits;
  readonly record: { readonly results: 'none' | 'masked' };
  readonly maskKey: SecretValue;
}

/** All that a session of this grant is decided by: the grant's own task revision, and the policies in force now. */
export async function openGrant(ctx: ServiceContext, grantId: string): Promise<OpenGrant> {
  requireSystem(ctx, 'gateway');
  const { db, clock, vault } = ctx.services;
  const grant = await requireActiveGrant(db, grantId, clock.now());
  const row = grant.task.resource;
  const resource = toResourceFacts(row);
  const pinned = await pinTask(db, { source: grant.task.source, limits: grant.limits }, resource);
  return {
    grantId,
    identity: { id: grant.identityId, label: labelOf(grant.identity) },
    task: {
      name: grant.task.name,
      revision: grant.taskRevision,
      source: pinned.source,
      document: grant.task.narrowed ? createHash('sha256').update(pinned.source).digest('hex') : null,
    },
    policies: pinned.policies.map(({ name, revision, source }) => ({ name, revision, source })),
    resource: { id: row.id, name: row.name, database: row.database, labels: resource.labels },
    expiresAt: grant.expiresAt.getTime(),
    limits: pinned.terms.limits,
    record: { results: pinned.terms.record.results },
    maskKey: openMaskKey(vault, row),
  };
}

/** What one connection of the grant opens the target with: the grant's own role, or the resource's credential. */
export async function leaseCredential(ctx: ServiceContext, grantId: string): Promise<ResourceTarget> {
  requireSystem(ctx, 'gateway');
  const grant = await requireActiveGrant(ctx.services.db, grantId, ctx.services.clock.now());
  return leasePrincipal(ctx, grant);
}

/** The catalog as last read; read now where asked, where there is none, or where it is older than `maxAgeMs`. */
export async function loadCatalog(
  ctx: ServiceContext,
  resourceId: string,
  options: { readonly refresh: boolean; readonly maxAgeMs?: number },
): Promise<PostgresCatalog> {
  requireSystem(ctx, 'gateway');
  const stored = options.refresh ? null : await readKeptCatalog(ctx.services, resourceId, options.maxAgeMs);
  return stored ?? storeFreshCatalog(ctx, resourceId);
}
