import type { ApprovalTerms, DetectorKind, GrantLimits, MaskName, Problem, StatementClass } from '@taskgate/core';
import type { FunctionPattern } from './function-pattern.ts';
import type { ColumnPattern, NamePattern, RelationPattern } from './name-pattern.ts';

export type ParseResult<T> =
  | { readonly ok: true; readonly document: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Where a rule stands in its source: `allow.1`, and its line from 1. */
export interface RuleSource {
  readonly path: string;
  readonly line: number;
}

export const RULE_VERBS = ['select', 'insert', 'update', 'delete', 'truncate', 'lock'] as const;
export type RuleVerb = (typeof RULE_VERBS)[number];

/** What a rule is about. */
export type RuleTarget = AccessTarget | StatementsTarget | FunctionsTarget;

export interface AccessTarget {
  readonly kind: 'access';
  readonly verb: RuleVerb;
  readonly relations: readonly RelationPattern[];
  /** `null`: every column. */
  readonly columns: readonly NamePattern[] | null;
}

export interface StatementsTarget {
  readonly kind: 'statements';
  readonly classes: readonly StatementClass[] | '*';
  /** `null`: wherever. */
  readonly on: readonly RelationPattern[] | null;
}

export interface FunctionsTarget {
  readonly kind: 'functions';
  readonly functions: readonly FunctionPattern[];
}

export interface AllowRule {
  readonly source: RuleSource;
  readonly target: RuleTarget;
  /** Rows a write may touch; `null`: no limit. */
  readonly affectsMax: number | null;
  /** It lets through statements of which the planner expects at most so many rows. */
  readonly estimateMax?: number | null;
}

/** In a task it also allows what it holds; in a policy it only holds. */
export interface HoldRule {
  readonly source: RuleSource;
  readonly target: AccessTarget | StatementsTarget;
  readonly affectsMax: number | null;
  readonly approvals: ApprovalTerms;
  /** It holds statements of which the planner expects more rows than this. */
  readonly estimateAbove?: number | null;
  /** In a task only: the statement is run before it is approved, and rolled back, to show what it would do. */
  readonly dryRun?: boolean;
}

export interface DenyRule {
  readonly source: RuleSource;
  readonly target: RuleTarget;
  /** It denies statements of which the planner expects more rows than this. */
  readonly estimateAbove?: number | null;
}

export type MaskRule =
  | {
      readonly kind: 'columns';
      readonly source: RuleSource;
      readonly columns: readonly ColumnPattern[];
      readonly mask: MaskName;
    }
  | { readonly kind: 'class'; readonly source: RuleSource; readonly class: string; readonly mask: MaskName }
  | {
      readonly kind: 'kinds';
      readonly source: RuleSource;
      readonly kinds: readonly { readonly kind: DetectorKind; readonly mask: MaskName }[];
    };

export interface ClassifyRule {
  readonly source: RuleSource;
  readonly columns: readonly ColumnPattern[];
  readonly class: string;
}

/** How sessions are recorded and who may read them; `null` where the document says nothing. */
export interface RecordTerms {
  readonly results: 'masked' | 'none' | null;
  readonly durability: 'crash' | null;
  readonly readers: readonly string[] | null;
  readonly keepMs: number | null;
}

export const STEP_UPS = ['none', 'activation', 'approval', 'both'] as const;
/** What of a task's access needs a fresh passkey. `both` is stricter than `activation` and `approval`, these than `none`. */
export type StepUp = (typeof STEP_UPS)[number];

export interface TaskDocument {
  readonly kind: 'Task';
  readonly name: string;
  readonly purpose: string;
  /** Name of the resource. */
  readonly resource: string;
  readonly who: {
    readonly groups: readonly string[];
    readonly machines: readonly string[];
    readonly agents: readonly string[];
  };
  readonly access: {
    readonly reasonRequired: boolean;
    readonly ticketRequired: boolean;
    readonly approvals: ApprovalTerms | null;
    readonly ttlMs: number;
    /** A CEL expression over `now` and `identity`. */
    readonly when: string | null;
    readonly stepUp: StepUp;
  };
  readonly allow: readonly AllowRule[];
  readonly hold: readonly HoldRule[];
  readonly deny: readonly DenyRule[];
  readonly mask: readonly MaskRule[];
  readonly limits: GrantLimits;
  readonly record: RecordTerms;
}

export interface PolicyDocument {
  readonly kind: 'Policy';
  readonly name: string;
  readonly purpose: string;
  readonly applies: {
    readonly all: boolean;
    readonly names: readonly string[];
    /** All of them must be on the resource. */
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly classify: readonly ClassifyRule[];
  readonly deny: readonly DenyRule[];
  readonly hold: readonly HoldRule[];
  readonly mask: readonly MaskRule[];
  readonly limits: GrantLimits;
  readonly record: RecordTerms;
}

/** One step of a workflow: a task, once the steps that it names have ended well. */
export interface WorkflowStep {
  readonly source: RuleSource;
  /** Name of the task; each is a step once. */
  readonly task: string;
  /** Tasks of other steps. */
  readonly after: readonly string[];
}

/** Several tasks, on whatever resources, as one thing that is asked for: its grant opens nothing itself. */
export interface WorkflowDocument {
  readonly kind: 'Workflow';
  readonly name: string;
  readonly purpose: string;
  readonly who: TaskDocument['who'];
  readonly access: TaskDocument['access'];
  readonly steps: readonly WorkflowStep[];
  /** What all of its steps use up together. */
  readonly limits: GrantLimits;
}

export const TLS_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const;
export type TlsMode = (typeof TLS_MODES)[number];

/** Whether each grant gets a role of its own at the target. */
export const PRINCIPALS_MODES = ['when-possible', 'per-grant', 'none'] as const;
export type PrincipalsMode = (typeof PRINCIPALS_MODES)[number];

export interface ResourceDocument {
  readonly kind: 'Resource';
  readonly name: string;
  readonly purpose: string;
  readonly type: 'postgres';
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly username: string;
  readonly tls: {
    readonly mode: TlsMode /** PEM, or `null` for the machine's own roots. */;
    readonly ca: string | null;
  };
  readonly labels: Readonly<Record<string, string>>;
  readonly principals: PrincipalsMode;
  /** How long the credential's password may stand before the gate sets another; `null`: only when asked. */
  readonly rotateMs: number | null;
  /** Where the credential is read once, before it is sealed; the document never holds it. */
  readonly secret: { readonly from: 'env'; readonly name: string } | { readonly from: 'file'; readonly path: string };
}
