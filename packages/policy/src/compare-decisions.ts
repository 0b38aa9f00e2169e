import type { ApprovalTerms, Decision, MaskName, SqlOperation } from '@taskgate/core';

export const DECISION_CHANGES = [
  'allowed-to-denied',
  'allowed-to-held',
  'held-to-denied',
  'denied-to-allowed',
  'denied-to-held',
  'held-to-allowed',
  'approvals-changed',
  'masks-changed',
  'rows-changed', // how many rows a write may touch
] as const;
export type DecisionChange = (typeof DECISION_CHANGES)[number];

export interface MaskDifference {
  /** Name of an output column, or the kind of what detectors look for. */
  readonly of: string;
  readonly before: MaskName | null;
  readonly after: MaskName | null;
}

export interface DecisionDifference {
  readonly change: DecisionChange;
  /** Of the columns that it shows, and of detectors. Empty where either is a denial. */
  readonly masks: readonly MaskDifference[];
}

/** What differs for a client between two decisions on one operation; `null` where nothing does. */
export function compareDecisions(
  operation: SqlOperation,
  before: Decision,
  after: Decision,
): DecisionDifference | null {
  const masks =
    before.outcome === 'deny' || after.outcome === 'deny'
      ? []
      : [...columnDifferences(operation, before, after), ...detectorDifferences(operation, before, after)];
  if (before.outcome !== after.outcome) {
    const words = { allow: 'allowed', hold: 'held', deny: 'denied' } as const;
    return { change: `${words[before.outcome]}-to-${words[after.outcome]}` as DecisionChange, masks };
  }
  if (before.outcome === 'deny') return null;
  if (!sameTerms(before.approvals, after.approvals)) return { change: 'approvals-changed', masks };
  if (masks.length > 0) return { change: 'masks-changed', masks };
  return before.obligations.affectsMax === after.obligations.affectsMax ? null : { change: 'rows-changed', masks };
}

function columnDifferences(operation: SqlOperation, before: Decision, after: Decision): readonly MaskDifference[] {
  return (operation.output ?? []).flatMap(({ name }, index) => {
    const [was, is] = [before.obligations.outputMasks[index] ?? null, after.obligations.outputMasks[index] ?? null];
    return was === is ? [] : [{ of: name, before: was, after: is }];
  });
}

/** Detectors look at what is sent: where nothing is, they change nothing. */
function detectorDifferences(operation: SqlOperation, before: Decision, after: Decision): readonly MaskDifference[] {
  if (operation.output === null && operation.copy?.direction !== 'out') return [];
  const maskOf = (decision: Decision, kind: string): MaskName | null =>
    decision.obligations.detectors.find((detector) => detector.kind === kind)?.mask ?? null;
  const kinds = new Set([...before.obligations.detectors, ...after.obligations.detectors].map(({ kind }) => kind));
  return [...kinds].flatMap((kind) => {
    const [was, is] = [maskOf(before, kind), maskOf(after, kind)];
    return was === is ? [] : [{ of: kind, before: was, after: is }];
  });
}

function sameTerms(a: ApprovalTerms | null, b: ApprovalTerms | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.count === b.count &&
    a.timeoutMs === b.timeoutMs &&
    (a.stepUp === true) === (b.stepUp === true) &&
    a.from.length === b.from.length &&
    a.from.every((group) => b.from.includes(group))
  );
}
