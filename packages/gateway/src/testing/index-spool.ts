// Indexes what lies in the spool of the first argument as at a start, and says how many operations that were.

import type { ControlPlane } from '../control-plane.ts';
import { createFolderArchive } from '../recording/recording-archive.ts';
import { createSpool } from '../recording/spool.ts';
import { createSpoolIndexer } from '../recording/spool-indexer.ts';

const [directory = '', archive = ''] = process.argv.slice(2);
const spool = createSpool(directory);
let operations = 0;
const controlPlane = {
  indexSession: async (_sessionId: string, batch: { readonly operations: readonly unknown[] }) => {
    operations += batch.operations.length;
  },
} as unknown as ControlPlane;
const indexer = createSpoolIndexer({
  spool,
  archive: createFolderArchive(archive),
  controlPlane,
  log: { info: () => undefined, warn: console.error, error: console.error },
});
for (const sessionId of spool.list()) indexer.touch(sessionId);
await indexer.drain(AbortSignal.timeout(20_000));
process.stdout.write(JSON.stringify({ operations, left: spool.list().length }));
