import type { Decision } from '@taskgate/core';
import type { TransactionStatus } from '@taskgate/protocol-postgres';
import type { OpenGrant } from '../control-plane.ts';
import type { GatewayPorts } from '../ports.ts';
import type { SessionRecorder } from '../recording/session-recorder.ts';
import type { DecidedStatement, DecisionContext } from './decision-context.ts';
import type { GrantBudget, LimitReached } from './grant-budget.ts';
import { NameTable, type Portal, type PreparedStatement } from './name-tables.ts';
import type { OperationRun, RunPorts } from './operation-run.ts';
import type { ExpectedReply } from './reply.ts';
import type { Interruption } from './statement-timer.ts';

/** Who watches a session from inside the gateway: the browser's console shows masks and verdicts that no message carries. */
export interface SessionObserver {
  onDecision(decisionId: string, decided: DecidedStatement, decision: Decision): void;
  onShape: RunPorts['onShape'];
}

/** What the two directions of one session share. Only this gateway's single thread touches it. */
export interface SessionState {
  readonly sessionId: string;
  readonly ports: GatewayPorts;
  /** Settings as the target reported them when it was opened. */
  readonly parametersAtStart: ReadonlyMap<string, string>;
  readonly via: 'postgres' | 'console';
  grant: OpenGrant;
  context: DecisionContext;
  /** Its task takes nothing away ({@link CompiledPolicySet.unrestricted}): recorded, not contained, for all of its life. */
  readonly uncontained: boolean;
  /** Policies, catalog or labels may have changed: load again before the next decision. */
  contextStale: boolean;
  /** A statement that may change the catalog has run. */
  catalogStale: boolean;
  readonly recorder: SessionRecorder;
  readonly runPorts: RunPorts;
  readonly budget: GrantBudget;
  readonly observer: SessionObserver | null;
  readonly statements: NameTable<PreparedStatement>;
  readonly portals: NameTable<Portal>;
  readonly replies: ExpectedReply[];
  transaction: TransactionStatus;
  /** Between CopyInResponse and the client's CopyDone or CopyFail. */
  copyIn: OperationRun | null;
  /** Something was bound or executed since the last ReadyForQuery: outside a block, an implicit transaction is open. */
  batchOpen: boolean;
  /** A block may have ended since the last ReadyForQuery: `transaction` may say one that is over. */
  blockEnded: boolean;
  /** The target failed inside an extended batch whose Sync has not come yet: what comes before it is dropped. */
  skipToSync: boolean;
  /** The gate has cancelled what runs: its error at the target is replaced by this. */
  interruption: Interruption | null;
  /** A simple query that the gate runs by the extended protocol, to check `affects` before it commits. */
  converted: boolean;
  /** The last operation that was done: what fails at the Sync behind it (a deferred constraint) undid it. */
  lastRun: OperationRun | null;
  /** It kept within its limit and waits for its commit. */
  convertedRun: { readonly run: OperationRun; readonly tag: string; readonly complete: Uint8Array } | null;
  /** A write that stands passed the budget: until the next ReadyForQuery the client is told nothing but this. */
  withheld: { readonly reached: LimitReached; readonly told: boolean } | null;
}

/** Of a list, whatever it holds: a Bind may have 65,535 parameters of nothing. */
const ENTRY_BYTES = 8;

export function createNameTables(): Pick<SessionState, 'statements' | 'portals'> {
  return {
    statements: new NameTable<PreparedStatement>(({ text }) => text.length),
    portals: new NameTable<Portal>(({ parameters, parameterFormats, resultFormats }) =>
      parameters.reduce(
        (sum, value) => sum + ENTRY_BYTES + (value?.length ?? 0),
        (parameterFormats.length + resultFormats.length) * ENTRY_BYTES,
      ),
    ),
  };
}
