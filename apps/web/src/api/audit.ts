import { pending } from '@/lib/pending.ts';
import { implementer } from './implementer.ts';

const { audit } = implementer;

export const auditRouter = audit.router({
  list: audit.list.handler(() => pending('audit.list')),
});
