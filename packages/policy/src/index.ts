export {
  type CompiledPolicySet,
  compilePolicySet,
  type PolicySetInput,
  type PolicyWarning,
} from './compile-policy-set.ts';
export { decide } from './decide.ts';
export { type GrantTerms, grantTerms } from './grant-terms.ts';
export { mayActivate } from './may-activate.ts';
export { parsePolicy } from './parse-policy.ts';
export { parseTask } from './parse-task.ts';
export { policyApplies, type ResourceFacts } from './policy-applies.ts';
export * from './policy-document.ts';
