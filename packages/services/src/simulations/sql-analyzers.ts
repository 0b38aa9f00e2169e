import type { SqlAnalyzer } from '@taskgate/sql';

const analyzers = new Map<number, Promise<SqlAnalyzer>>();

/** The analyzer of one major version, loaded when it is first needed: the parser is some megabytes of WebAssembly. */
export function sqlAnalyzer(serverVersion: number): Promise<SqlAnalyzer> {
  const major = Math.floor(serverVersion / 10_000);
  const analyzer = analyzers.get(major) ?? import('@taskgate/sql').then((sql) => sql.createSqlAnalyzer(major));
  analyzers.set(major, analyzer);
  analyzer.catch(() => analyzers.delete(major));
  return analyzer;
}
