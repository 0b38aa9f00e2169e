export { evaluateCondition } from './activation-condition.ts';
export { attenuate } from './attenuate.ts';
export {
  ATTENUATION_DIMENSIONS,
  type Attenuation,
  type AttenuationDimension,
  type AttenuationProblem,
} from './attenuation.ts';
export {
  compareDecisions,
  DECISION_CHANGES,
  type DecisionChange,
  type DecisionDifference,
  type MaskDifference,
} from './compare-decisions.ts';
export {
  type CompiledPolicySet,
  compilePolicySet,
  type PolicySetInput,
  type PolicyWarning,
} from './compile-policy-set.ts';
export { type Completion, completeDocument, type KnownNames } from './complete-document.ts';
export { decide, dependsOnEstimate } from './decide.ts';
export {
  type DescriptionItem,
  type DescriptionSection,
  describePolicy,
  describeTask,
  describeWorkflow,
} from './describe.ts';
export { describeNarrowing, type NarrowingChange } from './describe-narrowing.ts';
export { didYouMean } from './did-you-mean.ts';
export { formatTask } from './format-task.ts';
export { type GrantTerms, grantTerms } from './grant-terms.ts';
export { type Activatable, type Activator, mayActivate } from './may-activate.ts';
export { type ColumnPattern, matchesColumn } from './name-pattern.ts';
export { type NarrowedTask, narrowTask, type TaskNarrowing } from './narrow-task.ts';
export { narrowestLimits } from './narrowest-limits.ts';
export { parsePolicy } from './parse-policy.ts';
export { parseResourceManifest } from './parse-resource-manifest.ts';
export { parseTask } from './parse-task.ts';
export { parseWorkflow } from './parse-workflow.ts';
export { policyApplies, type ResourceFacts } from './policy-applies.ts';
export * from './policy-document.ts';
export {
  type ExpandView,
  type PrincipalPrivileges,
  type PrivilegeOnRelation,
  principalPrivileges,
} from './principal-privileges.ts';
export { type ReachedRelation, reachOf } from './reach-of.ts';
export { type SourceDocument, splitDocuments } from './split-documents.ts';
export { type DoneOperation, type Suggestion, suggestTask } from './suggest-task.ts';
export { POLICY_TEMPLATE, TASK_TEMPLATE, WORKFLOW_TEMPLATE } from './templates.ts';
export { withoutText } from './without-text.ts';
