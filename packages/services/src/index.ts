export * from './context.ts';
export { type AuditEntry, emitAudit } from './emit-audit.ts';
export { CHANGE_CHANNEL, type Change, type ChangeTopic, notifyChange } from './live/notify-change.ts';
export { requireScope, requireSystem, requireUser } from './require-scope.ts';
export { translateStoreError, withTransaction } from './with-transaction.ts';
