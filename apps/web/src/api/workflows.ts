import { loadWorkflow, loadWorkflowRevisions, loadWorkflows, publishWorkflow, saveWorkflow } from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { workflows } = implementer;

export const workflowsRouter = workflows.router({
  list: workflows.list.handler(({ context }) => loadWorkflows(asCaller(context))),
  get: workflows.get.handler(({ context, input }) => loadWorkflow(asCaller(context), input)),
  revisions: workflows.revisions.handler(({ context, input }) => loadWorkflowRevisions(asCaller(context), input)),
  save: workflows.save.handler(({ context, input }) => saveWorkflow(asCaller(context), input)),
  publish: workflows.publish.handler(({ context, input }) => publishWorkflow(asCaller(context), input)),
});
