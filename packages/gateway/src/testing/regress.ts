// `pnpm regress`: Postgres' own regression suite, straight at a server and through the gate with a task that takes
// nothing away, and the two results compared test by test. On Debian with postgresql-15 and gcc, as root; everything else
// (the suite's source, the headers for its C functions) comes from Debian's archive.
// pnpm regress [--folder DIR] [--keep]

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SecretValue } from '@taskgate/core';
import { readTestCatalog, runCommand } from '@taskgate/testkit';
import pg from 'pg';
import { openDoor } from './open-test-door.ts';

const MAJOR = 15;
const SERVER = `/usr/lib/postgresql/${MAJOR}`;
const USER = 'regress';
const DATABASE = 'regression';
const SUITE_TIMEOUT_MS = 30 * 60_000;

const at = process.argv.indexOf('--folder');
const folder = at === -1 ? '/var/tmp/taskgate-regress' : path.resolve(process.argv[at + 1]!);

const TASK = `kind: Task
name: ${USER}
purpose: Whatever the server takes
resource: demo-shop
who: { groups: [analysts] }
allow:
  - statements: '*'
record: { results: masked }
`;

async function run(
  command: string,
  args: readonly string[],
  options: Parameters<typeof runCommand>[2] = {},
): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, args, { timeoutMs: 300_000, ...options });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr || stdout}`);
  return stdout;
}

/** The server, and whoever reads and writes files for it, is Debian's own user: Postgres does not run as root. */
const asPostgres = (command: string, args: readonly string[], options: Parameters<typeof runCommand>[2] = {}) =>
  runCommand('runuser', ['-u', 'postgres', '--', command, ...args], { cwd: '/', timeoutMs: 300_000, ...options });

async function fetchSuite(): Promise<string> {
  const version = (await run('sh', ['-c', `dpkg-query -W -f '\${Version}' postgresql-${MAJOR}`])).trim();
  const source = path.join(folder, `source-${version}`);
  if (existsSync(path.join(source, 'lib/regress.so'))) return source;
  rmSync(source, { recursive: true, force: true });
  mkdirSync(path.join(source, 'lists/partial'), { recursive: true });
  const list = path.join(source, 'sources.list');
  const release = (await run('sh', ['-c', '. /etc/os-release && echo $VERSION_CODENAME'])).trim();
  writeFileSync(
    list,
    [
      `deb-src http://deb.debian.org/debian ${release} main`,
      `deb-src http://deb.debian.org/debian ${release}-updates main`,
      `deb-src http://deb.debian.org/debian-security ${release}-security main`,
      '',
    ].join('\n'),
  );
  const apt = [
    `Dir::Etc::sourcelist=${list}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${path.join(source, 'lists')}`,
    'APT::Sandbox::User=root',
  ].flatMap((setting) => ['-o', setting]);
  await run('apt-get', [...apt, 'update']);
  await run('apt-get', [...apt, 'source', '--download-only', `postgresql-${MAJOR}=${version}`], { cwd: source });
  await run('apt-get', ['download', '-o', 'APT::Sandbox::User=root', `postgresql-server-dev-${MAJOR}=${version}`], {
    cwd: source,
  });
  const [archive] = readdirSync(source).filter((name) => /\.orig\.tar\./.test(name));
  const [headers] = readdirSync(source).filter((name) => name.endsWith('.deb'));
  await run('tar', ['xf', archive!, '--strip-components=1', '--wildcards', '*/src/test/regress'], {
    cwd: source,
  });
  await run('dpkg', ['-x', headers!, 'headers'], { cwd: source });
  mkdirSync(path.join(source, 'lib'));
  const include = ['/usr/include/postgresql', '/usr/include/postgresql/internal'];
  await run('gcc', [
    ...['-O1', '-fPIC', '-shared', '-w', `-I${source}/headers/usr/include/postgresql/${MAJOR}/server`],
    ...include.map((one) => `-I${one}`),
    ...['-o', `${source}/lib/regress.partial`, `${source}/src/test/regress/regress.c`],
  ]);
  await run('cp', [`${SERVER}/lib/refint.so`, `${SERVER}/lib/autoinc.so`, `${source}/lib`]);
  await run('mv', [`${source}/lib/regress.partial`, `${source}/lib/regress.so`]);
  await run('chown', ['-R', 'postgres', source]);
  return source;
}

interface Server {
  readonly port: number;
  readonly password: string;
  query<Row extends pg.QueryResultRow>(text: string): Promise<Row[]>;
  stop(): Promise<void>;
}

/** A cluster as `pg_regress --temp-instance` makes it, with a database as its `create_database` does. */
async function startServer(port: number): Promise<Server> {
  const data = path.join(folder, 'data');
  rmSync(data, { recursive: true, force: true });
  const password = 'regress';
  writeFileSync(path.join(folder, 'password'), `${password}\n`);
  const ended = async (result: Promise<{ code: number | null; stderr: string }>): Promise<void> => {
    const { code, stderr } = await result;
    if (code !== 0) throw new Error(stderr);
  };
  await ended(
    asPostgres(`${SERVER}/bin/initdb`, [
      ...['-D', data, '-U', USER, '-A', 'scram-sha-256', `--pwfile=${folder}/password`],
      ...['--no-locale', '-E', 'UTF8', '--no-sync'],
    ]),
  );
  const settings = `max_prepared_transactions=2 fsync=off max_connections=60 autovacuum_naptime=60s unix_socket_directories=${folder}`;
  const options = [`-p ${port}`, '-h 127.0.0.1', ...settings.split(' ').map((setting) => `-c ${setting}`)].join(' ');
  await ended(
    asPostgres(`${SERVER}/bin/pg_ctl`, [
      '-D',
      data,
      '-w',
      '-l',
      path.join(folder, 'server.log'),
      '-o',
      options,
      'start',
    ]),
  );
  const query = async <Row extends pg.QueryResultRow>(text: string, database = DATABASE): Promise<Row[]> => {
    const client = new pg.Client({ host: '127.0.0.1', port, user: USER, password, database });
    await client.connect();
    try {
      const result: unknown = await client.query<Row>(text);
      return ((Array.isArray(result) ? result.at(-1) : result) as pg.QueryResult<Row>).rows;
    } finally {
      await client.end();
    }
  };
  await query(`create database ${DATABASE} template template0`, 'postgres');
  for (const setting of [
    ...["lc_messages to 'C'", "lc_monetary to 'C'", "lc_numeric to 'C'", "lc_time to 'C'", "bytea_output to 'hex'"],
    "timezone_abbreviations to 'Default'",
  ])
    await query(`alter database ${DATABASE} set ${setting}`, 'postgres');
  return {
    port,
    password,
    query: (text) => query(text, DATABASE),
    async stop() {
      await asPostgres(`${SERVER}/bin/pg_ctl`, ['-D', data, '-m', 'immediate', '-w', 'stop']);
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Runs the suite against a port and gives the folder of its results. The same paths both times: results quote them. */
async function runSuite(source: string, name: string, port: number, password: string): Promise<string> {
  const suite = path.join(source, 'src/test/regress');
  const output = path.join(folder, 'output');
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  await run('chown', ['postgres', output]);
  const { stdout } = await asPostgres(
    `${SERVER}/lib/pgxs/src/test/regress/pg_regress`,
    [
      ...['--use-existing', `--dbname=${DATABASE}`, `--bindir=${SERVER}/bin`],
      ...[
        `--inputdir=${suite}`,
        `--outputdir=${output}`,
        `--dlpath=${source}/lib`,
        '--host=127.0.0.1',
        `--port=${port}`,
      ],
      ...[`--user=${USER}`, `--schedule=${suite}/parallel_schedule`],
    ],
    {
      env: { PGPASSWORD: password, PGSSLMODE: 'disable', PGGSSENCMODE: 'disable', HOME: folder },
      timeoutMs: SUITE_TIMEOUT_MS,
    },
  );
  const kept = path.join(folder, name);
  rmSync(kept, { recursive: true, force: true });
  await run('mv', [output, kept]);
  writeFileSync(path.join(kept, 'pg_regress.txt'), stdout);
  const summary = stdout.split('\n').filter((line) => /tests (passed|failed)|of \d+ tests/.test(line));
  process.stdout.write(`${name}: ${summary.join(' ').trim()}\n`);
  return path.join(kept, 'results');
}

function compare(direct: string, gate: string): void {
  const tests = readdirSync(direct).filter((name) => name.endsWith('.out'));
  const other: string[] = [];
  for (const test of tests) {
    const read = (from: string): string[] =>
      existsSync(path.join(from, test)) ? readFileSync(path.join(from, test), 'latin1').split('\n') : ['(no result)'];
    const [a, b] = [read(direct), read(gate)];
    const line = a.findIndex((text, index) => text !== b[index]);
    if (line === -1 && a.length === b.length) continue;
    const where = line === -1 ? a.length : line;
    other.push(`  ${test.slice(0, -4)}:${where + 1}\n    direct: ${a[where] ?? ''}\n    gate:   ${b[where] ?? ''}`);
  }
  process.stdout.write(`${tests.length - other.length} of ${tests.length} identical\n${other.join('\n')}\n`);
}

mkdirSync(folder, { recursive: true });
await run('chown', ['postgres', folder]);
const source = await fetchSuite();
let direct = path.join(folder, 'direct/results');
if (!process.argv.includes('--gate-only') || !existsSync(direct)) {
  const server = await startServer(15_990);
  try {
    direct = await runSuite(source, 'direct', server.port, server.password);
  } finally {
    await server.stop();
  }
}
const server = await startServer(15_990);
try {
  const door = await openDoor({
    credential: {
      host: '127.0.0.1',
      port: server.port,
      database: DATABASE,
      tls: { mode: 'disable', ca: null },
      username: USER,
      secret: new SecretValue(server.password),
    },
    readCatalog: async () => {
      for (let attempt = 1; ; attempt++)
        try {
          return await readTestCatalog({ name: DATABASE, query: server.query });
        } catch (error) {
          // Other tests of the group drop what is being read; the product reads again, too.
          if (attempt >= 5 || (error as { code?: unknown }).code !== 'XX000') throw error;
        }
    },
  });
  const { token } = door.controlPlane.addGrant({
    task: USER,
    taskSource: TASK,
    policySources: [],
    database: DATABASE,
  });
  const keepLog = (): void => writeFileSync(path.join(folder, 'gate.log'), door.logLines.join('\n'));
  // A run that is cut off has said why, too.
  const keeping = setInterval(keepLog, 2_000);
  try {
    const gate = await runSuite(source, 'gate', door.port, token);
    compare(direct, gate);
  } finally {
    clearInterval(keeping);
    await door.close();
    keepLog();
  }
} finally {
  await server.stop();
}
process.exit(0);
