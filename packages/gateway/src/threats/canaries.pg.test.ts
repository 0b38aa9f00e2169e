import { expect, test } from 'vitest';
import { printCanaryReport, runCanaries } from '../testing/canary-run.ts';

/** The long run of the same: `pnpm canaries <seed> <queries>`. */
test('1.2, 1.4, W22 no canary of a masked cell is in any byte of the answers to thousands of generated queries', async () => {
  const report = await runCanaries({ seed: 20_261_126, queries: 2_000 });
  process.stdout.write(`canaries: ${printCanaryReport(report)}\n`);
  expect(report.leaks).toEqual([]);
  expect(report.told).toEqual([]);
  expect(report.returned).toBeGreaterThan(800);
  expect(report.refused).toBeGreaterThan(400);
  expect(report.failed).toBeGreaterThan(10);
  expect(report.compared).toBeGreaterThan(1_000);
}, 600_000);
