import type { GrantEndReason } from '@taskgate/core';

export const CHANGE_TOPICS = [
  'grants',
  'holds',
  'sessions',
  'tasks',
  'policies',
  'workflows',
  'resources',
  'people',
  'machines',
  'audit',
] as const;
export type ChangeTopic = (typeof CHANGE_TOPICS)[number];

/** The one channel of NOTIFY. */
export const CHANGE_CHANNEL = 'taskgate';

/**
 * What is told when something changed: names and ids, never the data. `id` is what the HTTP API addresses it by: the
 * name of a task, policy or resource, the id of anything else.
 */
export interface Change {
  readonly topic: ChangeTopic;
  readonly id: string | null;
  /** What happened, where somebody acts on it. */
  readonly change?: 'ended' | 'end-requested' | 'published' | 'labels' | 'catalog';
  /** With `grants` and `ended`. */
  readonly reason?: GrantEndReason;
  /** Database id of a resource whose catalog changed. */
  readonly resourceId?: string;
  /** Whose it is: decides who hears of it. */
  readonly userId?: string;
  /** Groups that may decide it: decides who hears of it. */
  readonly groups?: readonly string[];
}

interface RawExecutor {
  $executeRaw(query: TemplateStringsArray, ...values: unknown[]): Promise<unknown>;
}

/** Postgres refuses payloads of 8000 bytes and more; only the list of groups can grow that long. */
const MAX_PAYLOAD_BYTES = 7_900;

/** Delivered at commit, and only then: listeners never hear of what was rolled back. */
export const notifyChange = (tx: RawExecutor, change: Change): Promise<void> => notifyChanges(tx, [change]);

export async function notifyChanges(tx: RawExecutor, changes: readonly Change[]): Promise<void> {
  const payloads = changes.map((change) => {
    const payload = JSON.stringify(change);
    return payload.length > MAX_PAYLOAD_BYTES ? JSON.stringify({ ...change, groups: undefined }) : payload;
  });
  await tx.$executeRaw`select pg_notify(${CHANGE_CHANNEL}, payload) from unnest(${payloads}::text[]) as payload`;
}
