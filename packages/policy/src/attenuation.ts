import type { RuleSource } from './policy-document.ts';

/** In what a child could be wider than its parent. */
export const ATTENUATION_DIMENSIONS = [
  'statement-class',
  'relation',
  'column',
  'function',
  'estimate', // an allow rule's condition on the rows that the planner expects
  'mask',
  'hold',
  'deny',
  'affects',
  'limit',
  'end',
  'who', // who may activate it, and the terms of that
  'record',
  'resource',
] as const;
export type AttenuationDimension = (typeof ATTENUATION_DIMENSIONS)[number];

export interface AttenuationProblem {
  readonly dimension: AttenuationDimension;
  /** Names what is wider; lower case, no full stop, names in backticks. */
  readonly message: string;
  /** The rule of the child that is wider; `null` where something of the parent's is missing from it. */
  readonly rule: RuleSource | null;
}

export type Attenuation =
  | { readonly ok: true }
  | { readonly ok: false; readonly problems: readonly AttenuationProblem[] };
