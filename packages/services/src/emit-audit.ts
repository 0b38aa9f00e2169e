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
  const { actor, services } = ctx;
  const id = newId(services, 'aud');
  const at = new Date(services.clock.now());
  const actorId = actor.kind !== 'system' ? actor.identityId : (actor.tokenId ?? null);
  const [before, after] = [entry.before, entry.after].map((value) =>
    value === null ? null : JSON.stringify(redactForAudit(value)),
  );
  // With its notice in one: every change writes one.
  await tx.$executeRaw`
    with written as (
      insert into audit (id, at, "actorId", via, action, "subjectKind", subject, "actId", before, after)
      values (${id}, ${at}, ${actorId}, ${actor.via}, ${entry.action}, ${entry.subjectKind}, ${entry.subject},
        ${ctx.actId ?? null}, ${before}::jsonb, ${after}::jsonb)
    )
    select pg_notify(${CHANGE_CHANNEL}, ${JSON.stringify({ topic: 'audit', id } satisfies Change)})`;
  return id;
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
