import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { type GrantLimits, NO_LIMITS, type PostgresCatalog, SecretValue, TaskgateError } from '@taskgate/core';
import type {
  ControlPlane,
  ControlPlaneEvent,
  HoldState,
  LeasedCredential,
  NewHold,
  NewSession,
  OpenGrant,
  SessionIndexBatch,
} from '../control-plane.ts';

export interface MemoryGrant {
  readonly token: string;
  readonly grant: OpenGrant;
  status: 'active' | 'expired' | 'ended';
}

/** The port, for tests of the data path alone: what the store would say is set by the test. */
export interface MemoryControlPlane extends ControlPlane {
  addGrant(input: {
    readonly task: string;
    readonly taskSource: string;
    readonly policySources: readonly string[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly database: string;
    readonly limits?: Partial<GrantLimits>;
    readonly ttlMs?: number;
  }): MemoryGrant;
  emit(event: ControlPlaneEvent): void;
  endGrant(grant: MemoryGrant, reason: 'completed' | 'expired' | 'revoked'): void;
  decideHold(holdId: string, state: HoldState): void;
  readonly holds: readonly (NewHold & { readonly holdId: string; state: HoldState; redeemed: boolean })[];
  readonly sessions: readonly NewSession[];
  readonly batches: readonly { readonly sessionId: string; readonly batch: SessionIndexBatch }[];
  readonly keys: ReadonlyMap<string, SecretValue>;
  readonly tickets: Map<string, string>;
  /** What the store still takes for live. */
  readonly unfinished: { readonly sessionId: string }[];
  /** Everything then fails as if the store were away. */
  down: boolean;
}

const ITERATIONS = 4096;

export function createMemoryControlPlane(options: {
  readonly credential: LeasedCredential;
  readonly readCatalog: () => Promise<PostgresCatalog>;
}): MemoryControlPlane {
  const salt = randomBytes(16);
  const journalKey = new SecretValue(randomBytes(32).toString('base64'));
  const grants: MemoryGrant[] = [];
  const listeners = new Set<(event: ControlPlaneEvent) => void>();
  const holds: (NewHold & { readonly holdId: string; state: HoldState; redeemed: boolean })[] = [];
  const sessions: NewSession[] = [];
  const batches: { sessionId: string; batch: SessionIndexBatch }[] = [];
  const keys = new Map<string, SecretValue>();
  const tickets = new Map<string, string>();
  const revisions = new Map<string, string[]>();
  const budgets = new Map<string, Map<string, { granted: number; spent: number }>>();
  /** Another source under the same name is another revision, as in the store. */
  const revisionOf = (name: string, source: string): number => {
    const sources = revisions.get(name) ?? [];
    revisions.set(name, sources);
    if (!sources.includes(source)) sources.push(source);
    return sources.indexOf(source) + 1;
  };
  let catalog: PostgresCatalog | null = null;
  const up = (): void => {
    if (plane.down) throw new TaskgateError('store-unavailable', 'the store is away');
  };
  const emit = (event: ControlPlaneEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const activeGrant = (grantId: string): MemoryGrant => {
    const found = grants.find(({ grant }) => grant.grantId === grantId);
    if (found?.status !== 'active') throw new TaskgateError('grant-ended', 'the grant has ended');
    return found;
  };
  const verifier = (token: string) => {
    const salted = pbkdf2Sync(token, salt, ITERATIONS, 32, 'sha256');
    const clientKey = createHmac('sha256', salted).update('Client Key').digest();
    return {
      storedKey: createHash('sha256').update(clientKey).digest(),
      serverKey: createHmac('sha256', salted).update('Server Key').digest(),
    };
  };

  const plane: MemoryControlPlane = {
    down: false,
    holds,
    sessions,
    batches,
    keys,
    tickets,
    emit,
    addGrant(input) {
      const token = `tgt_${randomBytes(24).toString('base64url')}`;
      const added: MemoryGrant = {
        token,
        status: 'active',
        grant: {
          grantId: `grt_${randomBytes(13).toString('hex')}`,
          identity: { id: 'usr_test', label: 'engineer@demo.test' },
          task: {
            name: input.task,
            revision: revisionOf(input.task, input.taskSource),
            source: input.taskSource,
            document: null,
          },
          policies: input.policySources.map((source, index) => ({
            name: `policy-${index}`,
            revision: revisionOf(`policy-${index}`, source),
            source,
          })),
          resource: {
            id: 'res_test',
            name: 'demo-shop',
            database: input.database,
            labels: input.labels ?? { env: 'production' },
          },
          expiresAt: Date.now() + (input.ttlMs ?? 3_600_000),
          limits: { ...NO_LIMITS, ...input.limits },
          record: { results: 'masked' },
          maskKey: new SecretValue('mask key of the test'),
        },
      };
      grants.push(added);
      return added;
    },
    endGrant(grant, reason) {
      grant.status = reason === 'expired' ? 'expired' : 'ended';
      emit({ kind: 'grant-ended', grantId: grant.grant.grantId, reason });
    },
    decideHold(holdId, state) {
      const found = holds.find((hold) => hold.holdId === holdId);
      if (found !== undefined && found.state.state === 'waiting') found.state = state;
      emit({ kind: 'hold-changed', holdId });
    },
    async findCandidates(task) {
      up();
      return {
        salt,
        iterations: ITERATIONS,
        verifiers: grants
          .filter(({ grant }) => grant.task.name === task)
          .map(({ token, grant, status }) => ({
            grantId: grant.grantId,
            ...verifier(token),
            status,
            endReason: status === 'active' ? null : status === 'expired' ? 'expired' : 'revoked',
          })),
      };
    },
    async openGrant(grantId) {
      up();
      return activeGrant(grantId).grant;
    },
    async leaseCredential(grantId) {
      up();
      activeGrant(grantId);
      return options.credential;
    },
    async loadCatalog(resourceId, { refresh, maxAgeMs }) {
      const before = catalog;
      if (catalog === null || refresh || maxAgeMs !== undefined) catalog = await options.readCatalog();
      if (before !== null && before.version !== catalog.version) emit({ kind: 'catalog-changed', resourceId });
      return catalog;
    },
    async redeemTicket(ticket) {
      const grantId = tickets.get(ticket);
      if (grantId === undefined) throw new TaskgateError('not-found', 'this ticket was used or never given');
      tickets.delete(ticket);
      return { grantId };
    },
    async reserveBudget({ grantId, lines, holder, close }) {
      up();
      return lines.map(({ dimension, limit, used, want, release }) => {
        const key = `${grantId} ${dimension}`;
        const slices = budgets.get(key) ?? new Map<string, { granted: number; spent: number }>();
        budgets.set(key, slices);
        const slice = slices.get(holder) ?? { granted: 0, spent: 0 };
        slices.set(holder, slice);
        slice.spent = Math.max(slice.spent, used);
        slice.granted = release || close ? slice.spent : Math.max(slice.granted, slice.spent);
        const left = Math.max(0, (limit ?? 0) - [...slices.values()].reduce((sum, { granted }) => sum + granted, 0));
        const more = close ? 0 : Math.min(left, want, Math.max(1, Math.ceil(left / 4)));
        slice.granted += more;
        return { dimension, granted: slice.granted, left: left - more };
      });
    },
    async forfeitBudgets() {
      for (const slices of budgets.values()) for (const slice of slices.values()) slice.spent = slice.granted;
    },
    async startSession(session) {
      up();
      sessions.push(session);
      const sessionKey = new SecretValue(randomBytes(32).toString('base64'));
      keys.set(session.sessionId, sessionKey);
      return { sessionKey, wrappedKey: randomBytes(60) };
    },
    async journalKey() {
      return journalKey;
    },
    async openSessionKey(sessionId) {
      const key = keys.get(sessionId);
      if (key === undefined) throw new TaskgateError('not-found', 'there is no such session');
      return key;
    },
    async indexSession(sessionId, batch) {
      up();
      batches.push({ sessionId, batch });
    },
    unfinished: [],
    async unfinishedSessions() {
      return plane.unfinished;
    },
    async openHold(hold) {
      up();
      const holdId = `hld_${randomBytes(13).toString('hex')}`;
      holds.push({ ...hold, holdId, state: { state: 'waiting', by: [], comment: null }, redeemed: false });
      return { holdId, url: `http://127.0.0.1:3000/inbox?sel=${holdId}` };
    },
    async holdState(holdId) {
      up();
      return holds.find((hold) => hold.holdId === holdId)!.state;
    },
    async redeemHold(holdId, { binding }) {
      up();
      const hold = holds.find((candidate) => candidate.holdId === holdId)!;
      if (hold.redeemed || hold.binding !== binding || hold.state.state !== 'approved') return false;
      hold.redeemed = true;
      return true;
    },
    async closeHold(holdId, outcome) {
      const hold = holds.find((candidate) => candidate.holdId === holdId)!;
      if (hold.state.state === 'waiting') hold.state = { state: outcome, by: [], comment: null };
    },
    requestUrl: (task) => `http://127.0.0.1:3000/requests/new?task=${encodeURIComponent(task)}`,
    explainUrl: (decisionId) => `http://127.0.0.1:3000/explain/${decisionId}`,
    watch(listener, signal) {
      listeners.add(listener);
      signal.addEventListener('abort', () => listeners.delete(listener), { once: true });
    },
  };
  return plane;
}
