import type { Decision, ReasonCode } from '@taskgate/core';

/** A denial by the gate itself: what holds whatever is written in tasks and policies. */
export function gateDenial(code: ReasonCode, message: string, wouldAllow: string | null = null): Decision {
  return {
    outcome: 'deny',
    reasons: [
      {
        code,
        rule: { kind: 'gate', name: 'gate', revision: 0, rule: '', line: null },
        message,
        wouldAllow,
        position: null,
      },
    ],
    obligations: { outputMasks: [], columnMasks: [], detectors: [], affectsMax: null },
    approvals: null,
  };
}
