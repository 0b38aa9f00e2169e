import { pending } from '@/lib/pending.ts';
import { implementer } from './implementer.ts';

const { documents } = implementer;

export const documentsRouter = documents.router({
  check: documents.check.handler(() => pending('documents.check')),
  complete: documents.complete.handler(() => pending('documents.complete')),
  template: documents.template.handler(() => pending('documents.template')),
  apply: documents.apply.handler(() => pending('documents.apply')),
});
