import { TaskgateError } from '@taskgate/core';
import { implementer } from './implementer.ts';

const { audit } = implementer;

export const auditRouter = audit.router({
  list: audit.list.handler(() => {
    throw new TaskgateError('not-supported', '`audit.list` is not there yet');
  }),
});
