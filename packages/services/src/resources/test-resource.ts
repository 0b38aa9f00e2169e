import { contract, type ResourceTestResult } from '@taskgate/contracts';
import { SecretValue, TaskgateError } from '@taskgate/core';
import type { PrincipalsMode } from '@taskgate/policy';
import type * as z from 'zod';
import { readCatalog } from '../catalog/read-catalog.ts';
import type { ServiceContext } from '../context.ts';
import { emitAudit } from '../emit-audit.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { checkWallTwo, type WallTwoView } from '../principals/check-wall-two.ts';
import { requireScope } from '../require-scope.ts';
import { withTransaction } from '../with-transaction.ts';
import { type ConnectStage, connectResource } from './connect-resource.ts';
import { givenFields } from './given-fields.ts';
import { openPasswords } from './resource-secrets.ts';
import { mayReuseSecret, type ResourceTarget } from './resource-target.ts';
import { RESOURCE_SELECT } from './resource-view.ts';
import { checkHost, secretNeeded, targetOf, toTarget } from './save-resource.ts';

export type ResourceTestView = z.infer<typeof ResourceTestResult>;
type Step = ResourceTestView['steps'][number];

const TestInput = inputOf(contract.resources.test);
type Given = z.output<typeof TestInput>;

/**
 * Connects step by step, with what is given in place of what is kept; saves nothing. What goes wrong at the target is a
 * step that failed, not an error. The kept secret is only sent where it was given for.
 */
export async function testResource(ctx: ServiceContext, input: unknown): Promise<ResourceTestView> {
  requireScope(ctx, 'resource:write');
  const given = givenFields(parseInput(TestInput, input), input);
  const { id, target, principals } = await findTarget(ctx, given);
  const result = await tryTarget(ctx, target, principals);
  await withTransaction(ctx, (tx) =>
    emitAudit(tx, ctx, {
      action: 'resource.test',
      subjectKind: 'resource',
      subject: id ?? given.name,
      before: null,
      after: {
        host: target.host,
        port: target.port,
        username: target.username,
        ok: result.ok,
        serverVersion: result.serverVersion,
      },
    }),
  );
  return result;
}

interface Found {
  readonly id: string | null;
  readonly target: ResourceTarget;
  readonly principals: PrincipalsMode;
}

async function findTarget(ctx: ServiceContext, given: Given): Promise<Found> {
  const row = await ctx.services.db.resource.findUnique({
    where: { name: given.name },
    select: {
      ...RESOURCE_SELECT,
      credential: { select: { ...RESOURCE_SELECT.credential.select, sealed: true, pending: true } },
    },
  });
  const kept = row === null ? null : targetOf(row);
  const { host = kept?.host, port = kept?.port, database = kept?.database, username = kept?.username } = given;
  const principals = given.principals ?? (row?.principals as PrincipalsMode | undefined) ?? 'when-possible';
  const tlsMode = given.tlsMode ?? kept?.tls.mode;
  const tlsCa = given.tlsCa === undefined ? (kept?.tls.ca ?? null) : given.tlsCa;
  if (!host || !port || !database || !username || !tlsMode)
    throw new TaskgateError(
      'bad-input',
      `there is no resource \`${given.name}\` yet: give host, port, database, tlsMode, username and secret`,
    );
  checkHost(host);
  const target = toTarget({ host, port, database, tlsMode, tlsCa, username });
  if (given.secret !== undefined)
    return { id: row?.id ?? null, principals, target: { ...target, secret: new SecretValue(given.secret) } };
  if (!row?.credential || !kept || !mayReuseSecret(kept, target)) throw secretNeeded(row !== null);
  return {
    id: row.id,
    principals,
    target: { ...target, ...openPasswords(ctx.services.vault, row.id, row.credential) },
  };
}

const DONE: Readonly<Record<ConnectStage, string>> = {
  connect: 'the server answers',
  tls: 'the connection is encrypted',
  authenticate: 'the credential is accepted',
};

/** Tries `target`; every failure is in the result. */
async function tryTarget(
  ctx: ServiceContext,
  target: ResourceTarget,
  principals: PrincipalsMode,
): Promise<ResourceTestView> {
  const { clock } = ctx.services;
  const steps: Step[] = [];
  let stage: Step['name'] = 'connect';
  let since = clock.monotonicMs();
  const finish = (ok: boolean, message: string): void => {
    const now = clock.monotonicMs();
    steps.push({ name: stage, ok, message, durationMs: Math.round((now - since) * 10) / 10 });
    since = now;
  };
  const enter = (next: Step['name']): void => {
    if (next === stage) return;
    if (stage !== 'catalog' && stage !== 'principals') finish(true, stage === 'tls' ? tlsMessage(target) : DONE[stage]);
    stage = next;
  };
  try {
    const client = await connectResource(target, { onStage: enter });
    try {
      enter('catalog');
      const catalog = await readCatalog(client);
      finish(true, `Postgres ${formatVersion(catalog.serverVersion)}, ${catalog.relations.length} relations`);
      stage = 'principals';
      const wallTwo = await checkWallTwo(client, new Date(clock.now()));
      const asked = principals === 'per-grant' && wallTwo.state === 'missing';
      finish(!asked, principals === 'none' ? 'turned off: all tasks use the credential' : wallTwoMessage(wallTwo));
      return { ok: !asked, steps, serverVersion: catalog.serverVersion, wallTwo };
    } finally {
      await client.end().catch(() => {});
    }
  } catch (error) {
    finish(
      false,
      error instanceof TaskgateError ? error.message : 'the catalog could not be read with this credential',
    );
    return { ok: false, steps, serverVersion: null, wallTwo: null };
  }
}

function tlsMessage(target: ResourceTarget): string {
  switch (target.tls.mode) {
    case 'verify-full':
      return 'encrypted, and the certificate proves the host';
    case 'verify-ca':
      return 'encrypted, and the certificate comes from the CA; the host name is not checked';
    default:
      return 'encrypted; who answers is not checked, so prefer `verify-full`';
  }
}

function wallTwoMessage(wallTwo: WallTwoView): string {
  switch (wallTwo.state) {
    case 'whole':
      return 'each grant gets a role of its own, with its task’s rights and no others';
    case 'partial':
      return 'each grant gets a role of its own; the target gives more to everybody, or less to the credential';
    case 'missing':
      return `all tasks use the credential: ${wallTwo.lacking.map((one) => one.what).join('; ')}`;
  }
}

/** `180004` is 18.4. */
const formatVersion = (version: number): string => `${Math.floor(version / 10_000)}.${version % 10_000}`;
