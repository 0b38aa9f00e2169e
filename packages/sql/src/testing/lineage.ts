// `pnpm lineage <seed> <statements> [url]`: the analysis against the database's own resolution, for as long as it takes. `url`
// names an empty database of another server, so that every supported version can be asked.

import { startTestPostgres, type TestDatabase } from '@taskgate/testkit';
import pg from 'pg';
import { printLineageReport, runLineage } from './run-lineage.ts';

const [seed = '1', statements = '10000', url] = process.argv.slice(2);
const run = { seed: Number(seed), statements: Number(statements), valuesOneIn: 1 };

function openDatabase(connectionString: string): TestDatabase {
  const clients: pg.Client[] = [];
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString });
    await client.connect();
    clients.push(client);
    return client;
  };
  return {
    name: new URL(connectionString).pathname.slice(1),
    url: connectionString,
    connect,
    async query(sql, values) {
      const client = await connect();
      const result = (await client.query(sql, values && [...values])) as pg.QueryResult | pg.QueryResult[];
      return (Array.isArray(result) ? result.at(-1)! : result).rows;
    },
    async drop() {
      for (const client of clients) await client.end();
    },
  };
}

const postgres = url === undefined ? await startTestPostgres() : null;
const database = url === undefined ? await postgres!.createDatabase() : openDatabase(url);
const report = await runLineage(database, run);
process.stdout.write(`seed ${seed}: ${printLineageReport(report)}\n`);
await database.drop();
await postgres?.stop();
process.exitCode = report.disagreements.length === 0 ? 0 : 1;
