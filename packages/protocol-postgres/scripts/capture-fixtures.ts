/**
 * Writes `src/fixtures/*.hex`: what real clients and a real server say to each other, recorded by a proxy that knows
 * nothing of messages. Needs psql and pgbench on PATH and a throwaway server without TLS that PGPORT, PGUSER and
 * PGPASSWORD name, made with `initdb -A scram-sha-256`. The password ends up in the fixtures: use `fixture-password`.
 *
 *   PGPORT=5999 PGUSER=postgres PGPASSWORD=fixture-password node scripts/capture-fixtures.ts
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { ALWAYS_FAILS_STATEMENT } from '../src/denial.ts';

interface Chunk {
  readonly direction: '>' | '<';
  readonly bytes: Buffer;
}

const fixtures = join(import.meta.dirname, '..', 'src', 'fixtures');
const scratch = mkdtempSync(join(tmpdir(), 'capture-'));
const environment = { PGSSLMODE: 'disable', PGGSSENCMODE: 'disable', PGDATABASE: 'postgres', PGHOST: '127.0.0.1' };
const BYTES_PER_LINE = 60;

function format(chunks: readonly Chunk[]): string {
  let text = '';
  for (const { direction, bytes } of chunks)
    for (let at = 0; at < bytes.length; at += BYTES_PER_LINE)
      text += `${direction} ${bytes.subarray(at, at + BYTES_PER_LINE).toString('hex')}\n`;
  return text;
}

/** Records each connection that `use` makes to the port it is given, in the order in which they were opened. */
async function record(
  name: string,
  use: (port: number, seen: () => Buffer) => Promise<void>,
  keep: 'all' | 'last' = 'all',
): Promise<void> {
  const connections: Chunk[][] = [];
  const proxy = createServer((client) => {
    const chunks: Chunk[] = [];
    connections.push(chunks);
    const server = connect(Number(process.env.PGPORT), '127.0.0.1');
    client.on('data', (bytes) => {
      chunks.push({ direction: '>', bytes });
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      chunks.push({ direction: '<', bytes });
      client.write(bytes);
    });
    client.on('end', () => server.end()).on('error', () => server.destroy());
    server.on('end', () => client.end()).on('error', () => client.destroy());
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const seen = () => Buffer.concat(connections.flat().map((chunk) => chunk.bytes));
  await use((proxy.address() as AddressInfo).port, seen);
  await once(proxy.close(), 'close');
  connections.slice(keep === 'last' ? -1 : 0).forEach((chunks, i) => {
    writeFileSync(join(fixtures, i === 0 ? `${name}.hex` : `${name}-${i + 1}.hex`), format(chunks));
  });
}

function run(command: string, args: readonly string[], port: number, input: string, extra = {}): ChildProcess {
  const child = spawn(command, args, {
    env: { ...process.env, ...environment, ...extra, PGPORT: String(port) },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.stdin?.end(input);
  return child;
}

async function psql(port: number, input: string, extra = {}): Promise<void> {
  await once(run('psql', ['-X', '-q'], port, input, extra), 'exit');
}

await record('psql-simple', (port) =>
  psql(
    port,
    `create temp table t (id int primary key, name text);
     insert into t values (1, 'Ada'), (2, null), (3, 'Zoë');
     select * from t; ;
     begin; select 1/0; rollback;
     do $$ begin raise notice 'a notice' using detail = 'its detail'; end $$;
     select 1 as a\\; select 2 as b;
     drop table if exists nothing_there;
     ${ALWAYS_FAILS_STATEMENT};`,
    // Asks for TLS first and is told no.
    { PGSSLMODE: 'prefer' },
  ),
);
await record('psql-describe', (port) => psql(port, 'create temp table t (id int primary key);\n\\d t\n'));
await record('psql-copy', (port) =>
  psql(
    port,
    `create temp table t (id int, name text);
copy t from stdin;
1\tAda
2\t\\N
\\.
copy t to stdout;
copy t to stdout (format binary);
copy t from stdin;
no number
\\.
`,
  ),
);
const big = join(scratch, 'object');
writeFileSync(big, 'large object');
await record('psql-large-object', (port) => psql(port, `\\lo_import ${big}\n\\lo_unlink :LASTOID\n`));
await record('psql-cancel', async (port, seen) => {
  const child = run('psql', ['-X', '-q', '-c', 'select pg_sleep(60)'], port, '');
  const exited = once(child, 'exit');
  const timer = setInterval(() => {
    if (seen().includes('pg_sleep')) {
      clearInterval(timer);
      // psql handles the signal once it waits for the answer.
      setTimeout(() => child.kill('SIGINT'), 300);
    }
  }, 20);
  await exited;
});

const script = join(scratch, 'script.sql');
writeFileSync(script, '\\set x 41\nselect :x + 1 as answer;\nselect null::text;\n');
for (const mode of ['simple', 'extended', 'prepared'])
  await record(
    `pgbench-${mode}`,
    async (port) => {
      const args = ['-n', '-M', mode, '-f', script, '-c', '1', '-t', '2', 'postgres'];
      await once(run('pgbench', args, port, ''), 'exit');
    },
    // The first connection only asks for the size of the tables.
    'last',
  );

await record('node-postgres', async (port) => {
  const client = new pg.Client({ host: '127.0.0.1', port, database: 'postgres', ssl: false });
  await client.connect();
  await client.query('create temp table t (id int, name text, data bytea)');
  const insert = { name: 'insert', text: 'insert into t values ($1, $2, $3)' };
  await client.query({ ...insert, values: [1, 'Zoë', Buffer.from([0, 1, 255])] });
  await client.query({ ...insert, values: [2, null, null] });
  await client.query('select * from t where id = any($1)', [[1, 2]]);
  await client.query({ text: 'select id from t', binary: true, values: [] } as pg.QueryConfig);
  await client.query('select $1::int', ['no number']).catch(() => undefined);
  await client.query({ text: 'select id from t', rows: 1, values: [] } as pg.QueryConfig);
  await client.query('');
  await client.query('listen channel');
  await client.query("notify channel, 'payload'");
  await client.end();
});
rmSync(scratch, { recursive: true });
