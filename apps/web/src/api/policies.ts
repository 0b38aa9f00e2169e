import {
  loadPolicies,
  loadPolicy,
  loadPolicyRevisions,
  loadPolicyUsage,
  publishPolicy,
  savePolicy,
} from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { policies } = implementer;

export const policiesRouter = policies.router({
  list: policies.list.handler(({ context }) => loadPolicies(asCaller(context))),
  get: policies.get.handler(({ context, input }) => loadPolicy(asCaller(context), input)),
  revisions: policies.revisions.handler(({ context, input }) => loadPolicyRevisions(asCaller(context), input)),
  save: policies.save.handler(({ context, input }) => savePolicy(asCaller(context), input)),
  usage: policies.usage.handler(({ context, input }) => loadPolicyUsage(asCaller(context), input)),
  publish: policies.publish.handler(({ context, input }) => publishPolicy(asCaller(context), input)),
});
