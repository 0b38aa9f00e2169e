import { loadApproval } from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { approvals } = implementer;

export const approvalsRouter = approvals.router({
  get: approvals.get.handler(({ context, input }) => loadApproval(asCaller(context), input)),
});
