import { createSqlAnalyzer, type SqlAnalyzer } from './create-sql-analyzer.ts';

const analyzers = new Map<number, Promise<SqlAnalyzer>>();

/**
 * The one analyzer of this thread for a server's major version, loaded when it is first needed: each holds some
 * megabytes of WebAssembly, and what it has derived from the last catalogs. `serverVersion` as `server_version_num`.
 * @throws TaskgateError as {@link createSqlAnalyzer}.
 */
export function sqlAnalyzer(serverVersion: number): Promise<SqlAnalyzer> {
  const major = Math.floor(serverVersion / 10_000);
  let analyzer = analyzers.get(major);
  if (analyzer === undefined) {
    analyzer = createSqlAnalyzer(major);
    analyzers.set(major, analyzer);
    analyzer.catch(() => analyzers.delete(major));
  }
  return analyzer;
}
