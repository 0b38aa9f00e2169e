import { parentPort } from 'node:worker_threads';
import type { PostgresCatalog, SqlOperation } from '@taskgate/core';
import { sqlAnalyzer } from '@taskgate/sql';

/** To the worker, in this order: a catalog comes before the first text that is read with it. */
export type AnalysisRequest =
  | { readonly kind: 'catalog'; readonly catalog: PostgresCatalog }
  | { readonly kind: 'forget'; readonly version: string }
  | { readonly kind: 'text'; readonly text: string; readonly version: string };

/** From the worker: `ready` once, then one answer a text, in order. */
export type AnalysisAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'operations'; readonly operations: readonly SqlOperation[] };

const catalogs = new Map<string, PostgresCatalog>();

async function analyze(text: string, catalog: PostgresCatalog): Promise<readonly SqlOperation[]> {
  return (await sqlAnalyzer(catalog.serverVersion)).analyze(text, catalog);
}

function answer(message: AnalysisAnswer): void {
  parentPort!.postMessage(message);
}

parentPort!.on('message', (request: AnalysisRequest) => {
  if (request.kind === 'catalog') catalogs.set(request.catalog.version, request.catalog);
  else if (request.kind === 'forget') catalogs.delete(request.version);
  // A text is the last message until its answer is there: whatever fails ends this thread, and its statement is refused.
  else
    void analyze(request.text, catalogs.get(request.version)!).then((operations) =>
      answer({ kind: 'operations', operations }),
    );
});
answer({ kind: 'ready' });
