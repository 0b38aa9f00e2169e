import { loadOperations } from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { operations } = implementer;

export const operationsRouter = operations.router({
  list: operations.list.handler(({ context, input }) => loadOperations(asCaller(context), input)),
});
