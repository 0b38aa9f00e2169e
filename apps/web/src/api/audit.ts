import { loadAudit } from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { audit } = implementer;

export const auditRouter = audit.router({
  list: audit.list.handler(({ context, input }) => loadAudit(asCaller(context), input)),
});
