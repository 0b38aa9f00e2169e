import { contract, type Rotation } from '@taskgate/contracts';
import { SecretValue, TaskgateError } from '@taskgate/core';
import type { Client } from 'pg';
import type * as z from 'zod';
import { loadTarget, type StoredTarget } from '../catalog/stored-catalog.ts';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { encodeScramVerifier } from '../grants/scram-verifier.ts';
import { notifyChange } from '../live/notify-change.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { inTargetTransaction } from '../principals/issue-principal.ts';
import { literal, quoted } from '../principals/principal-names.ts';
import { requireScope, requireSystem } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { type ConnectOptions, connectResource, isRefusal } from './connect-resource.ts';
import { lockCredential } from './lock-credential.ts';
import { nextRotationAt } from './next-rotation.ts';
import { fingerprintOfGiven, openMaskKey, sealCredential } from './resource-secrets.ts';
import type { ResourceTarget } from './resource-target.ts';
import { findOnSameServer } from './same-server.ts';

export type RotationView = z.infer<typeof Rotation>;
export type RotationStep = RotationView['steps'][number]['name'];

const PASSWORD_BYTES = 32;
const SALT_BYTES = 16;
/** Five connections one after the other at most, and what is said over them. */
const ROTATION_MS = 120_000;

/** Tests stop a rotation before a step as a killed process would, or do something meanwhile: whatever this throws is not caught. */
export interface RotationOptions {
  readonly before?: (step: RotationStep) => unknown;
}

/**
 * Sets a new random password at the target and keeps it, once a new connection has proven that it works. Until then the
 * old one is kept; connections try both. A rotation that was interrupted is taken up with the password that it began
 * with. What goes wrong at the target is a step that failed. Throws `conflict` while another rotation runs, and
 * `invalid-state` where another resource signs in by the same role: it would be locked out.
 */
export async function rotateCredential(
  ctx: ServiceContext,
  input: unknown,
  options: RotationOptions = {},
): Promise<RotationView> {
  requireScope(ctx, 'resource:write');
  const { name } = parseInput(inputOf(contract.resources.rotate), input);
  const row = await ctx.services.db.resource.findUnique({
    where: { name },
    select: { id: true, credential: { select: { id: true } } },
  });
  if (row === null) throw new TaskgateError('not-found', `there is no resource \`${name}\``);
  if (row.credential === null)
    throw new TaskgateError('invalid-state', `\`${name}\` has no credential yet; give it one first`);
  const rotated = await rotate(ctx, row.id, { ...options, onlyIfDue: false });
  if (rotated === null) throw new TaskgateError('conflict', `the credential of \`${name}\` is being rotated already`);
  return rotated;
}

/**
 * Rotates what is due, and takes up what was interrupted. Run by the timer of every gateway: of several one does it.
 * Gives how many were rotated.
 */
export async function rotateDueCredentials(ctx: ServiceContext, options: RotationOptions = {}): Promise<number> {
  requireSystem(ctx, 'timer');
  const { db, clock, log } = ctx.services;
  const rows = await db.credential.findMany({
    where: { OR: [{ pending: { not: null } }, { resource: { rotateMs: { not: null } } }] },
    select: DUE_SELECT,
  });
  let rotated = 0;
  for (const row of rows) {
    if (!isDue(row, clock.now())) continue;
    try {
      const result = await rotate(ctx, row.resourceId, { ...options, onlyIfDue: true });
      if (result?.ok === true) rotated++;
    } catch (error) {
      if (!(error instanceof TaskgateError)) throw error;
      log.warn('a credential could not be rotated and will be tried again', {
        resource: row.resource.name,
        code: error.code,
      });
    }
  }
  return rotated;
}

const DUE_SELECT = {
  resourceId: true,
  pending: true,
  given: true,
  setAt: true,
  rotationFailedAt: true,
  resource: { select: { id: true, name: true, rotateMs: true, maskKey: true } },
} as const;

/** One that was interrupted is due at once; one that failed waits as any other. */
function isDue(
  row: {
    readonly pending: Uint8Array | null;
    readonly setAt: Date;
    readonly rotationFailedAt: Date | null;
    readonly resource: { readonly rotateMs: bigint | null };
  },
  now: number,
): boolean {
  if (row.pending !== null && row.rotationFailedAt === null) return true;
  const next = nextRotationAt({ ...row, rotateMs: row.resource.rotateMs });
  return next !== null && next.getTime() <= now;
}

/**
 * Under a lock that goes with the process: of several gateways one rotates. `null`: another one is at it, or nothing is
 * due any more.
 */
async function rotate(
  ctx: ServiceContext,
  resourceId: string,
  options: RotationOptions & { readonly onlyIfDue: boolean },
): Promise<RotationView | null> {
  return withTransaction(
    ctx,
    async (tx) => {
      const { clock, log, vault } = ctx.services;
      if (!(await lockCredential(tx, resourceId))) return null;
      const row = await tx.credential.findUniqueOrThrow({ where: { resourceId }, select: DUE_SELECT });
      if (options.onlyIfDue && !isDue(row, clock.now())) return null;
      const shared = await whyShared(ctx, await loadTarget(ctx, resourceId));
      if (shared !== null && !options.onlyIfDue) throw new TaskgateError('invalid-state', shared);
      const pending = shared === null ? await keepNext(ctx, resourceId, row.pending) : row.pending;
      const { name, target } = await loadTarget(ctx, resourceId);
      const steps: RotationView['steps'] = [];
      const failure = shared ?? (await setAtTarget(ctx, target, steps, options));
      await options.before?.('keep');
      const at = new Date(clock.now());
      const { count } = await tx.credential.updateMany({
        where: { resourceId, pending },
        data:
          failure === null
            ? {
                sealed: pending!,
                pending: null,
                setAt: at,
                rotatedAt: at,
                rotationFailedAt: null,
                rotationFailure: null,
                // Kept by a version that did not note it: what is replaced is what somebody gave.
                given: row.given ?? fingerprintOfGiven(openMaskKey(vault, row.resource), target.secret),
              }
            : { rotationFailedAt: at, rotationFailure: failure },
      });
      if (count !== 1) throw new TaskgateError('conflict', `the credential of \`${name}\` was replaced meanwhile`);
      await emitAudit(tx, ctx, {
        action: failure === null ? 'resource.rotate' : 'resource.rotate-failed',
        subjectKind: 'resource',
        subject: resourceId,
        before: null,
        after: failure === null ? { username: target.username } : { username: target.username, failure },
      });
      await notifyChange(tx, { topic: 'resources', id: name, resourceId });
      if (failure === null) steps.push({ name: 'keep', ok: true, message: 'it is sealed in the vault', durationMs: 0 });
      else log.error('the credential of a resource could not be rotated', { resource: name, failure });
      return { ok: failure === null, steps };
    },
    { timeoutMs: ROTATION_MS },
  );
}

/** Which other resources sign in by this role at this server: their password would be changed with ours. `null`: none. */
async function whyShared(ctx: ServiceContext, own: StoredTarget): Promise<string | null> {
  const { host, port, username } = own.target;
  const rows = await ctx.services.db.resource.findMany({
    where: { id: { not: own.id }, credential: { username } },
    select: { id: true },
    orderBy: { name: 'asc' },
  });
  if (rows.length === 0) return null;
  const others = await findOnSameServer(ctx, own, await Promise.all(rows.map(({ id }) => loadTarget(ctx, id))));
  if (others.length === 0) return null;
  const names = others.map((other) => `\`${other.name}\``).join(', ');
  return `the password of \`${own.name}\` is not rotated: by the same role \`${username}\` at the server of \`${host}:${port}\` the gate signs in for ${names} too, which would be locked out; give each resource a role of its own`;
}

/**
 * Keeps the next password, sealed, before the target hears of it: whoever dies after that leaves nothing at the target
 * that the store does not know. One that was begun with stays: what was sent of it may still arrive.
 */
function keepNext(
  ctx: ServiceContext,
  resourceId: string,
  begun: Uint8Array<ArrayBuffer> | null,
): Promise<Uint8Array<ArrayBuffer>> {
  const { vault, randomBytes } = ctx.services;
  const next = new SecretValue(Buffer.from(randomBytes(PASSWORD_BYTES)).toString('base64url'));
  const pending = begun ?? sealCredential(vault, resourceId, next);
  return withTransaction(ctx, async (tx) => {
    await tx.credential.update({
      where: { resourceId },
      data: { pending, rotationFailedAt: null, rotationFailure: null },
    });
    return pending;
  });
}

/** Says what went wrong, or `null`: the new password is set and a new connection was opened with it. */
async function setAtTarget(
  ctx: ServiceContext,
  stored: ResourceTarget,
  steps: RotationView['steps'],
  options: RotationOptions,
): Promise<string | null> {
  const { clock, randomBytes } = ctx.services;
  const { alternative, ...old } = stored;
  if (alternative === undefined) throw new TaskgateError('internal', 'no password to be set was kept');
  const next: ResourceTarget = { ...old, secret: alternative };
  const user = quoted(old.username);
  const step = async <T>(name: RotationStep, message: string, work: () => Promise<T>): Promise<T> => {
    await options.before?.(name);
    const since = clock.monotonicMs();
    const done = (ok: boolean, said: string): void => {
      steps.push({ name, ok, message: said, durationMs: Math.round((clock.monotonicMs() - since) * 10) / 10 });
    };
    try {
      const result = await work();
      done(true, message);
      return result;
    } catch (error) {
      const said = wordsOf(error);
      done(false, said);
      throw new StepFailed(said);
    }
  };
  const set = (client: Client, secret: SecretValue): Promise<void> =>
    inTargetTransaction(client, async () => {
      const verifier = await encodeScramVerifier(secret, randomBytes(SALT_BYTES));
      // A role set for the user would change nothing but another's password, or be refused; and a target that loses
      // its last moments must not lose this one.
      await client.query(`SET LOCAL ROLE NONE; SET LOCAL synchronous_commit = on`);
      await client.query(`ALTER ROLE ${user} PASSWORD ${literal(verifier)}`);
    });
  let client: Client | null = null;
  try {
    const opened = await step('connect', `\`${old.username}\` is signed in`, () => openEither(old, next));
    client = opened;
    await step('set', 'the target has the new password, as a verifier', () => set(opened, next.secret));
    try {
      await step('try', 'a new connection was opened with it', () => tryOut(next, { inClear: false }));
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
      await set(opened, old.secret);
      await opened.end();
      await tryOut(old);
      return `${error.message}; the old password was set again`;
    }
    return null;
  } catch (error) {
    if (error instanceof StepFailed) return error.message;
    if (isFromTarget(error))
      return `the new password does not work, and the old one could not be set again: ${wordsOf(error)}`;
    throw error;
  } finally {
    await client?.end().catch(() => {});
  }
}

class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

/** Which of the two works is not known after an interruption, and does not matter: the new one is set (again). */
async function openEither(old: ResourceTarget, next: ResourceTarget): Promise<Client> {
  try {
    return await connectResource(old);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return await connectResource(next, { inClear: false });
  }
}

async function tryOut(target: ResourceTarget, options?: ConnectOptions): Promise<void> {
  const client = await connectResource(target, options);
  try {
    await client.query('SELECT 1');
  } finally {
    await client.end().catch(() => {});
  }
}

const isFromTarget = (error: unknown): boolean =>
  error instanceof TaskgateError || (error instanceof Error && 'code' in error);

/** Never the server's own text: it can quote the statement, which has a verifier in it. */
function wordsOf(error: unknown): string {
  if (error instanceof TaskgateError) return error.message;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === '42501') return 'the target does not let this user change its own password';
  return /^[0-9A-Z]{5}$/.test(code) ? `the target refused (SQLSTATE ${code})` : 'the connection to the target failed';
}
