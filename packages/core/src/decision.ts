import type { DetectorKind, MaskName } from './mask.ts';
import type { ColumnName } from './operation.ts';
import type { SourcePosition } from './taskgate-error.ts';

/** Closed and stable; `docs/reasons.md` says what each means and what to check. */
export const REASON_CODES = [
  'allowed', // an allow rule matched
  'harmless', // needs no rule: transaction control, harmless settings, catalog look-ups of standard clients
  'not-allowed', // no allow rule covers the statement class or relation
  'column-not-allowed', // the relation is allowed, a column is not
  'denied-by-rule', // a deny rule matched
  'held-by-rule', // a hold rule matched
  'masked-column-used', // a masked column is used other than as a plain projection
  'function-not-allowed',
  'setting-not-allowed',
  'system-relation-not-allowed',
  'not-understood', // the analysis could not follow it
  'rule-failed', // a rule could not be evaluated: denies
  'affects-not-countable', // `affects`, or a limit of rows, cannot be enforced on this statement
  'affects-exceeded', // it touched more rows than the rule lets it
  'estimate-exceeded', // the planner expects more rows than the rule lets through
  'limit-reached', // rows, bytes, statements, duration of the grant
  'dry-run', // run before approval, and rolled back
  'hold-refused',
  'hold-timed-out',
  'hold-cancelled',
] as const;
export type ReasonCode = (typeof REASON_CODES)[number];

/** The rule behind a reason. `gate` stands for what holds always, whatever is written in tasks and policies. */
export interface RuleReference {
  readonly kind: 'task' | 'policy' | 'gate';
  readonly name: string;
  /** 0 for the gate itself. */
  readonly revision: number;
  /** Path of the rule in its source, such as `allow.1` or `hold.0`; empty where no single rule is meant. */
  readonly rule: string;
  /** Line of the rule in its source, from 1; `null` for the gate or where no single rule is meant. */
  readonly line: number | null;
}

export interface Reason {
  readonly code: ReasonCode;
  readonly rule: RuleReference;
  /** For the person: lower case, no full stop, names in backticks: "column `ssn` of `public.customers` is not allowed". */
  readonly message: string;
  /** What would be allowed instead, or how to ask; `null` when nothing can be said. */
  readonly wouldAllow: string | null;
  /** Place in the statement. */
  readonly position: SourcePosition | null;
}

/** Who must say yes, and for how long the question stands. */
export interface ApprovalTerms {
  /** Group names: a member of any may approve. Never empty. */
  readonly from: readonly string[];
  readonly count: number;
  readonly timeoutMs: number;
  /** The rule names the timeout itself: it then holds inside an open transaction too. */
  readonly explicitTimeout?: boolean;
  /** Each yes must be signed with a passkey. */
  readonly stepUp?: boolean;
}

/** What the gate must do when it lets the operation through. */
export interface Obligations {
  /** One entry an output column of the operation, in order; `null`: no column mask. Empty where there is no output. */
  readonly outputMasks: readonly (MaskName | null)[];
  /** Every masked column within the catalog, for the check against RowDescription's OIDs: strictest wins. */
  readonly columnMasks: readonly {
    readonly relationOid: number;
    readonly attnum: number;
    readonly column: ColumnName;
    readonly mask: MaskName;
  }[];
  /** What to look for in every text value, and how what was found is shown. */
  readonly detectors: readonly { readonly kind: DetectorKind; readonly mask: MaskName }[];
  /** Roll back and refuse where the write touched more rows; `null`: no limit. */
  readonly affectsMax: number | null;
  /** For `hold`: the reviewer is shown what it would do, by a dry run that is rolled back. */
  readonly dryRun?: boolean;
}

export interface Decision {
  readonly outcome: 'allow' | 'deny' | 'hold';
  /** Never empty. The first is the one to show. */
  readonly reasons: readonly Reason[];
  readonly obligations: Obligations;
  /** For `hold` only. */
  readonly approvals: ApprovalTerms | null;
}

/** Limits of a grant: the narrowest of its task's and of every policy that applies; `null`: none. */
export interface GrantLimits {
  readonly rows: number | null;
  readonly bytes: number | null;
  readonly statements: number | null;
  /** In which its statements run at the target, all together. */
  readonly durationMs: number | null;
  /** One statement at the target. */
  readonly statementMs: number | null;
  readonly idleMs: number | null;
  readonly connections: number | null;
}

/** What a grant uses up, across its sessions and gateways. `duration` in milliseconds. */
export const BUDGET_DIMENSIONS = ['rows', 'bytes', 'statements', 'duration'] as const;
export type BudgetDimension = (typeof BUDGET_DIMENSIONS)[number];

/** `null`: without limit. */
export const limitOf = (limits: GrantLimits, dimension: BudgetDimension): number | null =>
  limits[dimension === 'duration' ? 'durationMs' : dimension];

export const NO_LIMITS: GrantLimits = {
  rows: null,
  bytes: null,
  statements: null,
  durationMs: null,
  statementMs: null,
  idleMs: null,
  connections: null,
};
