import fs from 'node:fs';
import path from 'node:path';
import { buildCatalog, SecretValue } from '@taskgate/core';
import { expect, it } from 'vitest';
import { createMemoryControlPlane } from '../testing/memory-control-plane.ts';
import { createDecisionContexts } from './decision-context.ts';

it('many sessions that ask for a fresh catalog at once share two readings, the second begun after all had asked', async () => {
  let reads = 0;
  let running = 0;
  let most = 0;
  const controlPlane = createMemoryControlPlane({
    credential: {
      host: '',
      port: 0,
      database: 'shop',
      tls: { mode: 'disable', ca: null },
      username: '',
      secret: new SecretValue(''),
    },
    async readCatalog() {
      reads += 1;
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return buildCatalog({ version: `v${reads}` });
    },
  });
  const { grant } = controlPlane.addGrant({
    task: 'sales-report',
    taskSource: fs.readFileSync(
      path.join(import.meta.dirname, '../../../policy/src/fixtures/sales-report.task.yaml'),
      'utf8',
    ),
    policySources: [],
    database: 'shop',
  });
  const contexts = createDecisionContexts(controlPlane, { now: () => 0, monotonicMs: () => 0 });
  const loaded = await Promise.all(Array.from({ length: 50 }, () => contexts.load(grant, { refresh: true })));
  expect([reads, most]).toEqual([2, 1]);
  expect(loaded.map(({ catalog }) => catalog.version)).toEqual(['v1', ...Array(49).fill('v2')]);
  expect((await contexts.load(grant, { refresh: true })).catalog.version).toBe('v3');
});
