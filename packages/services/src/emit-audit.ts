import { SecretValue } from '@taskgate/core';
import { isSecretColumn, type Prisma, type Transaction } from '@taskgate/db';
import { newId, type ServiceContext } from './context.ts';
import { CHANGE_CHANNEL, type Change } from './live/notify-change.ts';

export interface AuditEntry {
  /** `<noun>.<verb>`, such as `grant.approve`. */
  readonly action: string;
  readonly subjectKind:
    | 'user'
    | 'machine'
    | 'agent'
    | 'issuer'
    | 'group'
    | 'web-session'
    | 'api-token'
    | 'passkey'
    | 'resource'
    | 'task'
    | 'policy'
    | 'workflow'
    | 'grant'
    | 'hold'
    | 'session'
    | 'recording'
    | 'operations'
    | 'view'
    | 'simulation'
    | 'setting'
    | 'sign-in-provider'
    | 'scim-token'
    | 'directory'
    | 'directory-group';
  /** Its id. */
  readonly subject: string;
  /** What changed, as it was and as it is; `null`: nothing was there, or is. */
  readonly before: object | null;
  readonly after: object | null;
}

const MAX_STRING = 20_000;
const MAX_DEPTH = 8;
const MAX_ITEMS = 1_000;
const REDACTED = '[redacted]';

/** Writes the change's audit row in the change's own transaction, and gives its id. Secret columns and bytes never get into it. */
export async function emitAudit(tx: Transaction, ctx: ServiceContext, entry: AuditEntry): Promise<string> {
  const [id] = await emitAudits(tx, ctx, [entry]);
  return id!;
}

/** The rows of many changes of one kind, in one statement. Gives their ids, in the same order. */
export async function emitAudits(
  tx: Transaction,
  ctx: ServiceContext,
  entries: readonly AuditEntry[],
): Promise<readonly string[]> {
  const { actor, services } = ctx;
  const at = new Date(services.clock.now());
  const actorId = actor.kind !== 'system' ? actor.identityId : (actor.tokenId ?? null);
  const rows = entries.map(({ before, after, ...entry }) => {
    const id = newId(services, 'aud');
    const notice = JSON.stringify({ topic: 'audit', id } satisfies Change);
    return { ...entry, id, notice, before: redactForAudit(before), after: redactForAudit(after) };
  });
  // With their notices in one: every change writes one.
  await tx.$executeRaw`
    with given as (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as x(id text, action text, "subjectKind" text, subject text, before jsonb, after jsonb, notice text)
    ), written as (
      insert into audit (id, at, "actorId", via, action, "subjectKind", subject, "actId", before, after)
      select id, ${at}, ${actorId}, ${actor.via}, action, "subjectKind", subject, ${ctx.actId ?? null}, before, after
      from given
    )
    select pg_notify(${CHANGE_CHANNEL}, notice) from given`;
  return rows.map(({ id }) => id);
}

/** `value` as JSON, without what is secret, whatever its depth; too long texts and lists are cut. */
export function redactForAudit(value: unknown, depth = 0): Prisma.InputJsonValue | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value.length > MAX_STRING ? `${value.slice(0, MAX_STRING)}…` : value;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'object' || value instanceof Uint8Array || value instanceof SecretValue) return REDACTED;
  if (depth >= MAX_DEPTH) return '…';
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => redactForAudit(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, MAX_ITEMS)
      .map(([name, item]) => [name, isSecretName(name) ? REDACTED : redactForAudit(item, depth + 1)]),
  );
}

// Names of inputs that never are columns, and so have no class of their own.
const SECRET_INPUTS = new Set(['password', 'secret', 'token', 'clientSecret']);
const isSecretName = (name: string): boolean => isSecretColumn(name) || SECRET_INPUTS.has(name);
