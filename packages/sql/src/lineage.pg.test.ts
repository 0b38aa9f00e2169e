import { startTestPostgres, type TestPostgres } from '@taskgate/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { printLineageReport, runLineage } from './testing/run-lineage.ts';

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startTestPostgres();
});

afterAll(async () => {
  await postgres.stop();
});

/** The long run of the same: `pnpm lineage <seed> <statements>`. */
test('the database finds nothing that the analysis misses, in thousands of generated statements', async () => {
  const database = await postgres.createDatabase();
  const report = await runLineage(database, { seed: 20_261_126, statements: 3_000, valuesOneIn: 3 });
  process.stdout.write(`lineage: ${printLineageReport(report)}\n`);
  expect(report.disagreements).toEqual([]);
  expect(report.compared).toBeGreaterThanOrEqual(3_000);
  expect(report.executions).toBeGreaterThan(500);
  await database.drop();
}, 400_000);
