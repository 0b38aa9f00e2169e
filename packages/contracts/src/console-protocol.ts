import * as z from 'zod';
import { MaskName, Outcome, Reason } from './shapes.ts';

/**
 * The console's WebSocket (`/console` at the gateway): JSON text messages, at most 1 MiB each from the browser. The
 * first is `open` with a one-time ticket; anything else first, or an Origin that is not the web's, closes the socket.
 * One statement text runs at a time; `id` is the client's own number for it.
 */
export const ConsoleRequest = z.discriminatedUnion('type', [
  z.object({ type: z.literal('open'), ticket: z.string().max(200) }),
  z.object({ type: z.literal('preflight'), id: z.number().int(), sql: z.string().max(1_048_576) }),
  z.object({
    type: z.literal('run'),
    id: z.number().int(),
    sql: z.string().max(1_048_576),
    maxRows: z.number().int().min(1).max(100_000).default(10_000),
  }),
  z.object({ type: z.literal('cancel') }),
]);
export type ConsoleRequest = z.infer<typeof ConsoleRequest>;

export const StatementVerdict = z.object({
  label: z.string(),
  statementClass: z.string(),
  outcome: Outcome,
  reasons: z.array(Reason),
  masks: z.array(z.object({ column: z.string(), mask: MaskName })),
});
export type StatementVerdict = z.infer<typeof StatementVerdict>;

export const ConsoleEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('ready'),
    sessionId: z.string(),
    task: z.string(),
    resource: z.string(),
    expiresAt: z.string(),
  }),
  z.object({ type: z.literal('verdict'), id: z.number().int(), statements: z.array(StatementVerdict) }),
  z.object({
    type: z.literal('notice'),
    id: z.number().int(),
    severity: z.string(),
    message: z.string(),
    link: z.string().nullable(),
  }),
  z.object({
    type: z.literal('columns'),
    id: z.number().int(),
    columns: z.array(z.object({ name: z.string(), typeOid: z.number().int(), mask: MaskName.nullable() })),
  }),
  z.object({ type: z.literal('rows'), id: z.number().int(), rows: z.array(z.array(z.string().nullable())) }),
  z.object({ type: z.literal('complete'), id: z.number().int(), tag: z.string(), truncated: z.boolean() }),
  /** A refusal or the target's own error; `link` explains a refusal. */
  z.object({
    type: z.literal('error'),
    id: z.number().int(),
    sqlstate: z.string(),
    message: z.string(),
    detail: z.string().nullable(),
    hint: z.string().nullable(),
    position: z.number().int().nullable(),
    link: z.string().nullable(),
  }),
  z.object({
    type: z.literal('done'),
    id: z.number().int(),
    transaction: z.enum(['idle', 'open', 'failed']),
    durationMs: z.number(),
  }),
  z.object({ type: z.literal('ended'), code: z.string(), message: z.string() }),
]);
export type ConsoleEvent = z.infer<typeof ConsoleEvent>;
