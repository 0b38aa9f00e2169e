import type {
  ApprovalTerms,
  BudgetDimension,
  GrantEndReason,
  GrantLimits,
  MaskName,
  PostgresCatalog,
  Reason,
  SecretValue,
} from '@taskgate/core';

/**
 * What the data path needs of the control plane, and nothing more: the gateway knows no database, no Prisma and no
 * vault. Every call may fail (`store-unavailable`): the caller refuses, never guesses.
 */
/** How young a catalog must be: read at the target now, or, with `maxAgeMs`, where nobody has read it since. */
export interface CatalogLoad {
  readonly refresh: boolean;
  readonly maxAgeMs?: number;
}

export interface ControlPlane {
  /** Who could be behind this user name. An unknown task gets a salt too, the same one each time, and no candidates. */
  findCandidates(task: string): Promise<Candidates>;
  /** Everything a session of this grant is decided by, pinned now. Throws `grant-ended` or `grant-expired`. */
  openGrant(grantId: string): Promise<OpenGrant>;
  /** Opens the sealed credential for one connection. Throws `grant-ended` where the grant is not active. */
  leaseCredential(grantId: string): Promise<LeasedCredential>;
  /** Current policies for the grant's resource: asked again when {@link ControlPlaneEvents} says that something changed. */
  loadCatalog(resourceId: string, options: CatalogLoad): Promise<PostgresCatalog>;

  /** Redeems a one-time console ticket, once. */
  redeemTicket(ticket: string): Promise<{ readonly grantId: string }>;

  /** Notes what was used of a grant's budget and reserves more; never more in all than its limits, whoever else asks. */
  reserveBudget(report: BudgetReport): Promise<readonly BudgetGrantedLine[]>;
  /** At a gateway's start: what one of this name had reserved before counts as used. */
  forfeitBudgets(gatewayName: string): Promise<void>;

  /** Writes the session's row; fails where the grant has reached its `connections`. */
  startSession(session: NewSession): Promise<StartedSession>;
  /** The installation's key of operation journals: base64 of 32 bytes, the same at each start. */
  journalKey(): Promise<SecretValue>;
  /** The key of a session that a crash left open, from its recording's header. */
  openSessionKey(sessionId: string, wrappedKey: Uint8Array): Promise<SecretValue>;
  /** What the recording says has happened, at least once and idempotent by (session, sequence). */
  indexSession(sessionId: string, batch: SessionIndexBatch): Promise<void>;
  /** Live sessions that a gateway of this name started and did not end: after a crash they are taken up from the spool. */
  unfinishedSessions(gatewayName: string): Promise<readonly { readonly sessionId: string }[]>;

  openHold(hold: NewHold): Promise<{ readonly holdId: string; readonly url: string }>;
  holdState(holdId: string): Promise<HoldState>;
  /** Lets the statement through, once: false where it was used, ended, or bound to or signed for anything else. */
  redeemHold(holdId: string, forwarded: ForwardedStatement): Promise<boolean>;
  closeHold(holdId: string, outcome: 'timed-out' | 'cancelled'): Promise<void>;

  /** Where a refusal is explained. */
  explainUrl(decisionId: string): string;
  /** Where a person asks for a grant of that task, for who comes without a token. */
  requestUrl(task: string): string;

  /** Tells of changes until `signal` aborts. Notifications can be lost: the source re-reads after a reconnect and says `resync`. */
  watch(listener: (event: ControlPlaneEvent) => void, signal: AbortSignal): void;
}

export type ControlPlaneEvent =
  | {
      readonly kind: 'grant-ended';
      readonly grantId: string;
      readonly reason: GrantEndReason;
    }
  | { readonly kind: 'session-ended'; readonly sessionId: string } // an admin or reviewer ends one connection
  | { readonly kind: 'hold-changed'; readonly holdId: string }
  | { readonly kind: 'policy-changed' } // a task or policy revision was published, labels changed
  | { readonly kind: 'catalog-changed'; readonly resourceId: string }
  | { readonly kind: 'resync' }
  | { readonly kind: 'alive' }; // nothing changed: the store still answers

export interface Candidates {
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** Active grants first, then recently ended ones (only to name the error); capped. */
  readonly verifiers: readonly {
    readonly grantId: string;
    readonly storedKey: Uint8Array;
    readonly serverKey: Uint8Array;
    readonly status: 'active' | 'expired' | 'ended';
    readonly endReason: string | null;
  }[];
}

export interface PinnedDocument {
  readonly name: string;
  readonly revision: number;
  /** The YAML; parsed by packages/policy, once a revision. */
  readonly source: string;
}

export interface OpenGrant {
  readonly grantId: string;
  readonly identity: { readonly id: string; readonly label: string };
  /** `document`: SHA-256 of the source in hex, where it is narrower than the revision; else `null`. */
  readonly task: PinnedDocument & { readonly document: string | null };
  readonly policies: readonly PinnedDocument[];
  readonly resource: {
    readonly id: string;
    readonly name: string;
    readonly database: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  readonly limits: GrantLimits;
  readonly record: { readonly results: 'none' | 'masked' };
  /** Keys the `hash` mask: the same value hashes alike within one resource. */
  readonly maskKey: SecretValue;
}

export interface LeasedCredential {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly tls: { readonly mode: 'disable' | 'require' | 'verify-ca' | 'verify-full'; readonly ca: string | null };
  readonly username: string;
  readonly secret: SecretValue;
  /** The password that is being set at the target just now: either may be the one that works. */
  readonly alternative?: SecretValue;
}

export interface BudgetReport {
  readonly grantId: string;
  /** Who has the slices: one life of a grant's counters at one gateway. */
  readonly holder: string;
  readonly gateway: string;
  readonly lines: readonly {
    readonly dimension: BudgetDimension;
    /** `null`: counted, not limited. */
    readonly limit: number | null;
    /** All that this holder has used since it began: saying it twice changes nothing. */
    readonly used: number;
    /** How much more it would have; 0: it only reports. */
    readonly want: number;
    /** Gives back first what it has: its limit has changed. */
    readonly release: boolean;
  }[];
  /** The holder is done: what it did not use goes back. Nothing, where it has closed or never reported. */
  readonly close: boolean;
}

export interface BudgetGrantedLine {
  readonly dimension: BudgetDimension;
  /** All that the holder was ever given. */
  readonly granted: number;
  /** What nobody has reserved yet. */
  readonly left: number;
}

export interface NewSession {
  readonly sessionId: string;
  readonly grantId: string;
  readonly protocol: 'postgres' | 'console';
  readonly clientAddress: string;
  readonly application: string;
  readonly gateway: string;
  readonly startedAt: number;
}

export interface StartedSession {
  /** 32 bytes: encrypts what is secret in the recording. */
  readonly sessionKey: SecretValue;
  /** The same key sealed under the vault's master key: stands in the recording's header. */
  readonly wrappedKey: Uint8Array;
}

/** What the store keeps of a session's recording for lists and searches; the recording itself is the truth. */
export interface SessionIndexBatch {
  readonly operations: readonly IndexedOperation[];
  readonly outcomes: readonly IndexedOutcome[];
  /** Set with the last batch. */
  readonly end: {
    readonly at: number;
    readonly reason: string;
    readonly detail: string | null;
    readonly interrupted: boolean;
    readonly head: { readonly count: number; readonly hash: string };
    readonly bytesIn: number;
    readonly bytesOut: number;
  } | null;
  /** Events indexed so far, to go on from. */
  readonly upTo: number;
}

export interface IndexedOperation {
  readonly seq: number;
  readonly at: number;
  readonly decisionId: string;
  readonly outcome: 'allow' | 'deny' | 'hold';
  readonly statementClass: string;
  readonly label: string;
  readonly fingerprint: string;
  readonly catalogVersion: string;
  readonly relations: readonly {
    readonly verb: string;
    readonly schema: string;
    readonly name: string;
    readonly columns: readonly string[];
    /** Columns by their class, where one has any. */
    readonly classes?: Readonly<Record<string, readonly string[]>>;
  }[];
  readonly reasons: readonly Reason[];
}

export interface IndexedOutcome {
  readonly decisionId: string;
  readonly outcome: 'done' | 'error' | 'refused' | 'cancelled' | 'skipped' | 'withheld' | 'unknown';
  readonly tag: string | null;
  readonly rows: number | null;
  readonly bytes: number;
  readonly maskedCells: number;
  readonly durationMs: number | null;
  readonly sqlstate: string | null;
}

/** What is about to be forwarded, as the gate holds it. */
export interface ForwardedStatement {
  readonly binding: string;
  readonly statement: string;
  readonly parameters: readonly (string | null)[];
}

export interface NewHold {
  readonly sessionId: string;
  readonly grantId: string;
  readonly decisionId: string;
  readonly statement: string;
  /** Text, or `\x` and hex for binary ones. */
  readonly parameters: readonly (string | null)[];
  /** Hex SHA-256 over statement, parameters, their formats, task revision, policies' revisions, catalog version and resource. */
  readonly binding: string;
  readonly statementClass: string;
  readonly relations: IndexedOperation['relations'];
  readonly reasons: readonly Reason[];
  readonly affectsMax: number | null;
  readonly approvals: ApprovalTerms;
  /** What the planner expects; `null`: not known. */
  readonly estimate: { readonly rows: number; readonly scanned: number } | null;
  /** What a dry run did before it was rolled back, where the task wants one. */
  readonly dryRun: DryRunEffect | null;
}

export interface DryRunEffect {
  /** `null`: it failed. */
  readonly rows: number | null;
  readonly sqlstate: string | null;
  /** Messages that triggers or functions raised. */
  readonly notices: number;
  readonly sample: ChangeSample;
}

/** A few of the rows that a write changes, masked as the task's own reads of them are. */
export interface ChangeSample {
  readonly columns: readonly { readonly name: string; readonly mask: MaskName | null }[];
  /** One value a column; `before` is `null` of a row that was not there, `after` of one that is gone. */
  readonly rows: readonly { readonly before: SampledValues | null; readonly after: SampledValues | null }[];
  /** Why there are no rows, or what of them is left out; `null`: nothing is. */
  readonly note: string | null;
}

/** Long ones are cut. */
export type SampledValues = readonly (string | null)[];

export interface HoldState {
  readonly state: 'waiting' | 'approved' | 'refused' | 'timed-out' | 'cancelled';
  readonly by: readonly string[];
  readonly comment: string | null;
}
