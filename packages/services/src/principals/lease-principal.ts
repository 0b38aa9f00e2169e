import { createHash } from 'node:crypto';
import { SecretValue, TaskgateError } from '@taskgate/core';
import type { Client } from 'pg';
import {
  connectStored,
  loadTarget,
  readStoredCatalog,
  type StoredTarget,
  storeFreshCatalog,
} from '../catalog/stored-catalog.ts';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { type ActiveGrant, requireActiveGrant } from '../gateway/active-grant.ts';
import { pinTask, toResourceFacts } from '../grants/load-terms.ts';
import { notifyChange } from '../live/notify-change.ts';
import { requireSystem } from '../require-scope.ts';
import type { ResourceTarget } from '../resources/resource-target.ts';
import { translateStoreError, withTransaction } from '../with-transaction.ts';
import { dropPrincipal } from './drop-principal.ts';
import { loadInstallationId } from './installation-id.ts';
import { type Issued, issuePrincipal } from './issue-principal.ts';
import { CatalogOutdated } from './plan-grants.ts';
import { grantRoleName, markOf } from './principal-names.ts';
import { taskPrivileges } from './task-privileges.ts';

const PASSWORD_BYTES = 32;
/** SQLSTATEs of a GRANT on what is not there any more, or whose catalog row somebody changed at the same moment. */
const OUTDATED = ['42P01', '42703', '42883', '3F000', 'XX000', '55P03', '40P01'];
const ATTEMPTS = 3;

const context = (grantId: string): string => `principal:${grantId}`;

/** One at a time for a grant in this process; others wait for it at the target. */
const inFlight = new WeakMap<object, Map<string, Promise<ResourceTarget>>>();

/**
 * What a connection of this grant opens the target with: its own role, made now where it is not there yet or its
 * privileges have changed, or the resource's credential where the resource says so or nothing else is possible.
 * Throws `principal-unavailable` where the resource insists; any other failure is never answered with more rights.
 */
export async function leasePrincipal(ctx: ServiceContext, grant: ActiveGrant): Promise<ResourceTarget> {
  requireSystem(ctx, 'gateway', 'timer');
  const stored = await loadTarget(ctx, grant.task.resource.id);
  if (stored.principals === 'none') return stored.target;
  const { row, basis } = await loadPrincipal(ctx, grant, stored);
  if (row.basis === basis) {
    if (row.state === 'made' && row.roleName !== null && row.sealed !== null)
      return {
        ...stored.target,
        username: row.roleName,
        secret: ctx.services.vault.openSecret(row.sealed, context(grant.id)),
      };
    if (row.state === 'own-credential' && stored.principals === 'when-possible') return stored.target;
  }
  const running = inFlight.get(ctx.services) ?? new Map<string, Promise<ResourceTarget>>();
  inFlight.set(ctx.services, running);
  const known = running.get(grant.id);
  if (known !== undefined) return known;
  const making = makePrincipal(ctx, grant, stored, basis).finally(() => running.delete(grant.id));
  running.set(grant.id, making);
  return making;
}

interface StoredPrincipal {
  readonly roleName: string | null;
  readonly state: string | null;
  readonly sealed: Uint8Array | null;
  readonly basis: string | null;
}

/**
 * The grant's principal as the store has it (all `null` where it has none), and the hash of all that its privileges follow
 * from now: the same basis, the same privileges.
 */
async function loadPrincipal(
  ctx: ServiceContext,
  grant: ActiveGrant,
  stored: StoredTarget,
): Promise<{ readonly row: StoredPrincipal; readonly basis: string }> {
  interface Found extends StoredPrincipal {
    readonly version: string | null;
    readonly policies: readonly { readonly name: string; readonly publishedRevision: number | null }[];
  }
  const [row] = await ctx.services.db.$queryRaw<Found[]>`
      select p."roleName", p.state, p.sealed, p.basis, c.version, coalesce((
        select json_agg(json_build_object('name', o.name, 'publishedRevision', o."publishedRevision") order by o.name)
        from policies o), '[]') as policies
      from (select) one
      left join principals p on p."grantId" = ${grant.id}
      left join catalog_versions c on c."resourceId" = ${grant.task.resource.id} and c.current`.catch(
    (error: unknown) => {
      throw translateStoreError(error);
    },
  );
  const { taskId, taskRevision } = grant;
  const { version, policies } = row!;
  const basis = [
    taskId,
    taskRevision,
    stored.updatedAt.getTime(),
    stored.wallTwoState,
    version ?? undefined,
    policies.map(({ name, publishedRevision }) => ({ name, publishedRevision })),
  ];
  return { row: row!, basis: createHash('sha256').update(JSON.stringify(basis)).digest('hex') };
}

async function makePrincipal(
  ctx: ServiceContext,
  grant: ActiveGrant,
  stored: StoredTarget,
  basis: string,
): Promise<ResourceTarget> {
  const { db, vault, randomBytes } = ctx.services;
  // In the store first: whoever dies after this leaves nothing at the target that the store does not know of.
  const fresh = new SecretValue(Buffer.from(randomBytes(PASSWORD_BYTES)).toString('base64url'));
  const roleName = grantRoleName(grant.task.name, grant.id);
  await db.principal.createMany({
    data: [
      {
        grantId: grant.id,
        resourceId: grant.task.resource.id,
        roleName,
        state: 'making',
        sealed: new Uint8Array(vault.seal(fresh, context(grant.id))),
        createdAt: new Date(ctx.services.clock.now()),
      },
    ],
    skipDuplicates: true,
  });
  const row = await db.principal.findUniqueOrThrow({ where: { grantId: grant.id } });
  if (row.sealed === null) throw new TaskgateError('grant-ended', 'the grant has ended');
  const password = vault.openSecret(row.sealed, context(grant.id));
  const issued = await withTarget(ctx, stored, async (client) => {
    const made = await issueNow(ctx, client, grant, password);
    await settleIssued(ctx, client, { grant, roleName, basis, issued: made, before: row.state });
    return made;
  });
  if (issued.kind === 'made') return { ...stored.target, username: roleName, secret: password };
  if (stored.principals === 'per-grant')
    throw new TaskgateError(
      'principal-unavailable',
      `the resource \`${stored.name}\` gives each grant a role of its own, and this one cannot have it: ${issued.reason}`,
    );
  return stored.target;
}

/** Writes what came of it; a grant that has ended meanwhile leaves no role behind. */
async function settleIssued(
  ctx: ServiceContext,
  client: Client,
  given: {
    readonly grant: ActiveGrant;
    readonly roleName: string;
    readonly basis: string;
    readonly issued: Issued;
    readonly before: string;
  },
): Promise<void> {
  const { grant, roleName, basis, issued, before } = given;
  const state = issued.kind === 'made' ? 'made' : 'own-credential';
  const taskRole = issued.kind === 'made' ? issued.taskRole : null;
  const reason = issued.kind === 'made' ? null : issued.reason;
  try {
    // A role from before, which may do more than the task still allows.
    if (issued.kind === 'impossible' && before === 'made') await dropPrincipal(client, roleName);
    await withTransaction(ctx, async (tx) => {
      await requireActiveGrant(tx, grant.id, ctx.services.clock.now());
      const { count } = await tx.principal.updateMany({
        where: { grantId: grant.id, state: { in: ['making', 'made', 'own-credential'] } },
        data: { state, taskRole, reason, basis },
      });
      if (count !== 1) throw new TaskgateError('grant-ended', 'the grant has ended');
      await emitAudit(tx, ctx, {
        action: issued.kind === 'made' ? 'principal.make' : 'principal.decline',
        subjectKind: 'grant',
        subject: grant.id,
        before: before === 'making' ? null : { state: before },
        after: issued.kind === 'made' ? { role: roleName, taskRole } : { reason },
      });
      await notifyChange(tx, { topic: 'grants', id: grant.id, userId: grant.identityId });
    });
  } catch (error) {
    // What nobody keeps account of must not stay: better no connection than a role that outlives its grant.
    await dropPrincipal(client, roleName).catch(() => {});
    throw error;
  }
}

async function issueNow(
  ctx: ServiceContext,
  client: Client,
  grant: ActiveGrant,
  password: SecretValue,
): Promise<Issued> {
  const { db, randomBytes } = ctx.services;
  const resourceId = grant.task.resource.id;
  const mark = markOf(await loadInstallationId(ctx.services), resourceId);
  // Read behind the basis: what it was made from is never older than what the basis says.
  const facts = await db.resource.findUniqueOrThrow({
    where: { id: resourceId },
    select: { name: true, labels: true },
  });
  const resource = toResourceFacts(facts);
  const pinned = await pinTask(db, { source: grant.task.source, limits: grant.limits }, resource);
  const task = { name: grant.task.name, revision: grant.taskRevision };
  let catalog = (await readStoredCatalog(db, resourceId)) ?? (await storeFreshCatalog(ctx, resourceId));
  for (let attempt = 1; ; attempt++) {
    try {
      return await issuePrincipal(
        client,
        {
          mark,
          grantId: grant.id,
          roleName: grantRoleName(grant.task.name, grant.id),
          task,
          privileges: await taskPrivileges(task, pinned, resource, catalog),
          password,
          validUntil: grant.expiresAt,
          connections: pinned.terms.limits.connections,
        },
        randomBytes,
      );
    } catch (error) {
      if (!isOutdated(error) || attempt === ATTEMPTS) throw toPrincipalError(error);
      catalog = await storeFreshCatalog(ctx, resourceId);
    }
  }
}

const isOutdated = (error: unknown): boolean =>
  error instanceof CatalogOutdated ||
  (error instanceof Error && 'code' in error && OUTDATED.includes(String(error.code)));

function toPrincipalError(error: unknown): TaskgateError {
  if (error instanceof TaskgateError) return error;
  const code =
    error instanceof Error && 'code' in error && /^[0-9A-Z]{5}$/.test(String(error.code))
      ? ` (SQLSTATE ${String(error.code)})`
      : '';
  // The server's text can quote the statement, which has a verifier in it.
  return new TaskgateError('principal-unavailable', `the grant’s own role at the target could not be made${code}`);
}

export async function withTarget<T>(
  ctx: ServiceContext,
  stored: StoredTarget,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await connectStored(ctx, stored);
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}
