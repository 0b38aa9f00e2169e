import {
  createStatementGenerator,
  openServerOracle,
  openValueOracle,
  readTestCatalog,
  SAMPLE_SCHEMA,
  type TestDatabase,
} from '@taskgate/testkit';
import { createSqlAnalyzer } from '../index.ts';
import { compareLineage, compareValues, type Difference, isDisagreement } from './compare-lineage.ts';

export interface LineageRun {
  readonly seed: number;
  /** It ends after so many statements that the server took: never after a time, so that each machine asks the same. */
  readonly statements: number;
  /** The values are compared for one statement in so many. */
  readonly valuesOneIn: number;
  /** Statements of another source instead of the generator's: nothing of theirs is run, only resolved. */
  readonly source?: AsyncIterable<string> | Iterable<string>;
}

export interface LineageReport {
  readonly generated: number;
  /** Those that the server took: the others say nothing. */
  readonly compared: number;
  /** Executions by the oracle of values. */
  readonly executions: number;
  /** Statements that the analysis does not understand, and so refuses, by what it says. */
  readonly refused: ReadonlyMap<string, { readonly count: number; readonly example: string }>;
  readonly disagreements: readonly { readonly difference: Difference; readonly statement: string }[];
  /** Where the analysis names more than there is, by kind. */
  readonly wider: ReadonlyMap<string, number>;
}

/** Compares the analysis with the database's own resolution, statement by statement, in an empty database. */
export async function runLineage(database: TestDatabase, run: LineageRun): Promise<LineageReport> {
  await database.query(SAMPLE_SCHEMA);
  const catalog = await readTestCatalog(database);
  const serverMajor = Math.floor(catalog.serverVersion / 10_000);
  const analyzer = await createSqlAnalyzer(serverMajor);
  const oracle = await openServerOracle(await database.connect());
  const values = run.valuesOneIn > 0 ? await openValueOracle(await database.connect()) : null;
  const next = createStatementGenerator({ seed: run.seed, serverMajor, parameters: true, writesOneIn: 5 });
  const own = (function* () {
    for (;;) yield next().text;
  })();

  let [generated, compared, executions] = [0, 0, 0];
  const refused = new Map<string, { count: number; example: string }>();
  const disagreements: { difference: Difference; statement: string }[] = [];
  const wider = new Map<string, number>();
  for await (const statement of run.source ?? own) {
    if (compared >= run.statements) break;
    generated += 1;
    const answer = await oracle.ask(statement);
    if (answer === null) continue;
    compared += 1;
    const [operation] = analyzer.analyze(statement, catalog);
    const unknown = operation!.unknowns[0];
    if (unknown !== undefined) {
      const seen = refused.get(unknown.message);
      const example = seen === undefined || statement.length < seen.example.length ? statement : seen.example;
      refused.set(unknown.message, { count: (seen?.count ?? 0) + 1, example });
      continue;
    }
    const differences = [...compareLineage(operation!, answer, oracle, catalog)];
    if (values !== null && compared % run.valuesOneIn === 0) {
      const { differences: told, ran } = await compareValues(operation!, oracle, values, compared);
      executions += ran;
      differences.push(...told);
    }
    for (const difference of differences) {
      if (isDisagreement(difference)) disagreements.push({ difference, statement });
      else wider.set(difference.kind, (wider.get(difference.kind) ?? 0) + 1);
    }
  }
  return { generated, compared, executions, refused, disagreements, wider };
}

export function printLineageReport(report: LineageReport): string {
  const lines = [
    `${report.generated} statements generated, ${report.compared} taken by the server and compared, ${report.executions} executions with changed values`,
    `${report.disagreements.length} disagreements`,
    ...report.disagreements
      .slice(0, 20)
      .map(({ difference, statement }) => `  ${difference.kind}: ${difference.what}\n    ${statement}`),
    `the analysis names more than there is: ${[...report.wider].map(([kind, count]) => `${kind} ${count}`).join(', ') || 'never'}`,
    ...[...report.refused]
      .sort(([, one], [, other]) => other.count - one.count)
      .slice(0, 30)
      .map(([why, { count, example }]) => `not understood, ${count} times: ${why}\n    ${example.slice(0, 300)}`),
  ];
  return lines.join('\n');
}
