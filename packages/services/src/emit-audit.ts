import { SecretValue } from '@taskgate/core';
import { isSecretColumn, Prisma, type Transaction } from '@taskgate/db';
import { newId, type ServiceContext } from './context.ts';
import { notifyChange } from './live/notify-change.ts';

export interface AuditEntry {
  /** `<noun>.<verb>`, such as `grant.approve`. */
  readonly action: string;
  readonly subjectKind:
    | 'user'
    | 'group'
    | 'web-session'
    | 'api-token'
    | 'resource'
    | 'task'
    | 'policy'
    | 'grant'
    | 'hold'
    | 'session'
    | 'recording'
    | 'operations'
    | 'view'
    | 'simulation'
    | 'setting';
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

/** Writes the change's audit row in the change's own transaction. Secret columns and bytes never get into it. */
export async function emitAudit(tx: Transaction, ctx: ServiceContext, entry: AuditEntry): Promise<void> {
  const { actor, services } = ctx;
  const id = newId(services, 'aud');
  await tx.auditRow.create({
    data: {
      id,
      at: new Date(services.clock.now()),
      actorId: actor.kind !== 'system' ? actor.identityId : null,
      via: actor.via,
      action: entry.action,
      subjectKind: entry.subjectKind,
      subject: entry.subject,
      actId: ctx.actId ?? null,
      before: entry.before === null ? Prisma.DbNull : (redactForAudit(entry.before) as Prisma.InputJsonObject),
      after: entry.after === null ? Prisma.DbNull : (redactForAudit(entry.after) as Prisma.InputJsonObject),
    },
  });
  await notifyChange(tx, { topic: 'audit', id });
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
const SECRET_INPUTS = new Set(['password', 'secret', 'token']);
const isSecretName = (name: string): boolean => isSecretColumn(name) || SECRET_INPUTS.has(name);
