import pg from 'pg';
import { inject } from 'vitest';
import { insideOf } from './system.ts';

/** A query at the demo target itself, past the gate, as its superuser: what really happened there. */
export async function targetQuery<Row extends pg.QueryResultRow = pg.QueryResultRow>(
  sql: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: insideOf(inject('system')).targetSuperuserUrl });
  await client.connect();
  try {
    return (await client.query<Row>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}
