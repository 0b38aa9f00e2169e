import type { ApprovalTerms, GrantLimits } from '@taskgate/core';
import { narrowestLimits } from './narrowest-limits.ts';
import { policyApplies, type ResourceFacts } from './policy-applies.ts';
import type { PolicyDocument, StepUp, TaskDocument } from './policy-document.ts';

export interface GrantTerms {
  readonly reasonRequired: boolean;
  readonly ticketRequired: boolean;
  readonly approvals: ApprovalTerms | null;
  readonly stepUp: StepUp;
  readonly ttlMs: number;
  readonly limits: GrantLimits;
  readonly record: {
    readonly results: 'none' | 'masked';
    readonly durability: 'crash';
    /** Groups named as readers by all who name any. Empty: no group. */
    readonly readers: readonly string[];
    /** The longest that anybody asks for, since a record may not be lost early; `null`: no end. */
    readonly keepMs: number | null;
  };
}

/** What a grant of the task starts from: the narrowest of the task and of every policy that applies to the resource. */
export function grantTerms(
  task: TaskDocument,
  policies: readonly PolicyDocument[],
  resource: ResourceFacts,
): GrantTerms {
  const all = [task, ...policies.filter((policy) => policyApplies(policy, resource))];
  const readers = all.flatMap(({ record }) => (record.readers === null ? [] : [record.readers]));
  const kept = all.flatMap(({ record }) => (record.keepMs === null ? [] : [record.keepMs]));
  return {
    reasonRequired: task.access.reasonRequired,
    ticketRequired: task.access.ticketRequired,
    approvals: task.access.approvals,
    stepUp: task.access.stepUp,
    ttlMs: task.access.ttlMs,
    limits: narrowestLimits(all.map(({ limits }) => limits)),
    record: {
      results: all.some(({ record }) => record.results === 'none') ? 'none' : 'masked',
      durability: 'crash',
      readers: (readers[0] ?? []).filter((group) => readers.every((list) => list.includes(group))),
      keepMs: kept.length === 0 ? null : Math.max(...kept),
    },
  };
}
