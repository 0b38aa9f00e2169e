import type { Decision, Obligations, Reason, SqlOperation } from '@taskgate/core';
import { checkAccesses } from './check-accesses.ts';
import { affectedRowsMax, checkAffects } from './check-affects.ts';
import { checkClass } from './check-class.ts';
import { checkFunctions, functionsOutside } from './check-functions.ts';
import { checkMaskEscapes } from './check-mask-escapes.ts';
import { checkMasks, outputMasks } from './check-masks.ts';
import type { CompiledPolicySet } from './compile-policy-set.ts';
import { type EstimatedRows, estimateExceeded, hasEstimates, rulesAt } from './estimate-conditions.ts';
import { firesInWords } from './fires-in-words.ts';
import { matchingDenies } from './matching-denies.ts';
import { holdTerms, matchingHolds } from './matching-holds.ts';
import { allowedReasons, distinctReasons, GATE, reasonOfRule } from './reason.ts';

const MAX_REASONS = 10;
/** PREPARE and DECLARE hold one statement, which cannot hold another. */
const MAX_INNER_DEPTH = 2;

/**
 * Decides one statement. Deny beats hold beats allow, the order of rules never matters, what no rule allows is
 * denied, and so is what cannot be understood. Never throws: if deciding fails, it denies.
 *
 * PREPARE and EXPLAIN run nothing, so they are never held for what their statement would do; EXECUTE and FETCH are
 * `harmless` here: whoever forwards them applies the decision on the statement they name.
 *
 * `rows`: what the target's planner expects, where it was asked: {@link dependsOnEstimate} says whether it must be.
 */
export function decide(
  operation: SqlOperation,
  set: CompiledPolicySet,
  rows: EstimatedRows = Number.POSITIVE_INFINITY,
): Decision {
  try {
    const decision = decideAt(operation, rulesAt(set, rows), 0, set);
    if (decision.outcome !== 'deny' || !hasEstimates(set)) return decision;
    if (decideAt(operation, rulesAt(set, 0), 0, set).outcome === 'deny') return decision;
    return {
      ...decision,
      reasons: [estimateExceeded(operation, set, rows), ...decision.reasons].slice(0, MAX_REASONS),
    };
  } catch {
    const reason: Reason = {
      code: 'rule-failed',
      rule: GATE,
      message: 'the statement could not be decided on',
      wouldAllow: 'simplify the statement, or report it to an admin',
      position: null,
    };
    return { outcome: 'deny', reasons: [reason], obligations: strictest(operation, set), approvals: null };
  }
}

/**
 * Whether the statement's decision turns on how many rows the planner expects. Never where it is denied however few they
 * are: such a statement is not shown to the target. More rows only narrow, so the two ends say it all.
 */
export function dependsOnEstimate(operation: SqlOperation, set: CompiledPolicySet): boolean {
  if (!hasEstimates(set)) return false;
  const [fewest, most] = [decide(operation, set, 0), decide(operation, set)];
  return fewest.outcome !== 'deny' && JSON.stringify(fewest) !== JSON.stringify(most);
}

/** `whole`: all rules, whatever is expected: an `affects` limit is not lost with its rule. */
function decideAt(operation: SqlOperation, set: CompiledPolicySet, depth: number, whole: CompiledPolicySet): Decision {
  if (set.unrestricted) return decideUnrestricted(operation, set);
  if (operation.unknowns.length > 0) return denial(operation, set, operation.unknowns.map(unknownReason));
  const { effect } = operation;
  const innerOperation = effect?.kind === 'prepare' || effect?.kind === 'declare' ? effect.statement : null;
  if (depth >= MAX_INNER_DEPTH)
    return denial(operation, set, [
      unknownReason({ message: 'a statement within a statement within a statement', position: null }),
    ]);
  const inner = innerOperation === null ? null : decideAt(innerOperation, set, depth + 1, whole);

  const denials = [
    ...set.failures,
    ...matchingDenies(operation, set),
    ...checkClass(operation, set),
    ...checkFunctions(operation, set),
    ...checkAccesses(operation, set),
    ...checkMasks(operation, set),
    ...checkMaskEscapes(operation, set),
    ...checkAffects(operation, whole),
    ...(inner?.outcome === 'deny' ? inner.reasons : []),
  ];
  if (denials.length > 0) return denial(operation, set, denials);

  const obligations: Obligations = {
    outputMasks: outputMasks(operation, set),
    columnMasks: set.columnMasks,
    detectors: set.detectors,
    affectsMax: affectedRowsMax(operation, whole),
  };
  const holds = matchingHolds(operation, set);
  if (innerOperation !== null && effect?.kind === 'declare') holds.push(...matchingHolds(innerOperation, set));
  if (holds.length > 0) {
    const terms = holdTerms(holds);
    if (!terms.ok) return denial(operation, set, [terms.reason]);
    const { from, count } = terms.approvals;
    const fires = firesInWords(operation);
    const reasons = distinctReasons(
      holds.map(({ reference }) =>
        reasonOfRule(
          'held-by-rule',
          reference,
          `\`${operation.label}\` needs approval by rule \`${reference.rule}\` of ${reference.kind} \`${reference.name}\`${fires === null ? '' : `; ${fires}`}`,
          `it runs once ${count} of ${from.map((group) => `\`${group}\``).join(' or ')} ${count === 1 ? 'approves' : 'approve'}`,
        ),
      ),
    );
    return {
      outcome: 'hold',
      reasons: reasons.slice(0, MAX_REASONS),
      obligations: holds.some(({ dryRun }) => dryRun === true) ? { ...obligations, dryRun: true } : obligations,
      approvals: terms.approvals,
    };
  }
  return {
    outcome: 'allow',
    reasons: allowedReasons(operation, set).slice(0, MAX_REASONS),
    obligations,
    approvals: null,
  };
}

/**
 * Nothing is taken away, so nothing has to be understood. What reaches past the database (programs and files of its
 * machine, other servers) stays refused where it is seen: a bar against accidents, since code at the server can do it too.
 */
function decideUnrestricted(operation: SqlOperation, set: CompiledPolicySet): Decision {
  const denials = [
    ...operation.unknowns.filter(({ code }) => code === 'outside').map(unknownReason),
    ...functionsOutside(operation),
  ];
  if (denials.length > 0) return denial(operation, set, denials);
  return {
    outcome: 'allow',
    reasons: allowedReasons(operation, set).slice(0, MAX_REASONS),
    obligations: { outputMasks: outputMasks(operation, set), columnMasks: [], detectors: [], affectsMax: null },
    approvals: null,
  };
}

function denial(operation: SqlOperation, set: CompiledPolicySet, reasons: readonly Reason[]): Decision {
  return {
    outcome: 'deny',
    reasons: distinctReasons(reasons).slice(0, MAX_REASONS),
    obligations: strictest(operation, set),
    approvals: null,
  };
}

/** On a denial nothing is shown anyway; if it were, it would be redacted. */
function strictest(operation: SqlOperation, set: CompiledPolicySet): Obligations {
  return {
    outputMasks: redactAll(operation),
    columnMasks: set.columnMasks,
    detectors: set.detectors,
    affectsMax: 0,
  };
}

function redactAll(operation: SqlOperation): Obligations['outputMasks'] {
  try {
    return operation.output?.map(() => 'redact' as const) ?? [];
  } catch {
    return []; // not an operation at all
  }
}

const unknownReason = (unknown: Pick<SqlOperation['unknowns'][number], 'message' | 'position'>): Reason => ({
  code: 'not-understood',
  rule: GATE,
  message: unknown.message,
  wouldAllow: null,
  position: unknown.position,
});
