import { applyDocuments, checkDocument, completeSource, loadTemplate, suggestFromRecorded } from '@taskgate/services';
import { asCaller, implementer } from './implementer.ts';

const { documents } = implementer;

export const documentsRouter = documents.router({
  check: documents.check.handler(({ context, input }) => checkDocument(asCaller(context), input)),
  complete: documents.complete.handler(({ context, input }) => completeSource(asCaller(context), input)),
  template: documents.template.handler(({ context, input }) => loadTemplate(asCaller(context), input)),
  suggest: documents.suggest.handler(({ context, input }) => suggestFromRecorded(asCaller(context), input)),
  apply: documents.apply.handler(({ context, input }) => applyDocuments(asCaller(context), input)),
});
