import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import type { RelationAccess } from '@taskgate/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSqlAnalyzer } from './index.ts';
import { SHOP_CATALOG } from './shop-catalog.ts';

/**
 * The server's own resolver is the oracle: `create temp view ... as <query>` leaves in pg_depend every column that the
 * query uses. Each must be in the accesses of the analysis, and what the server takes the analysis must understand.
 */
const BIN = '/usr/lib/postgresql/15/bin';
const PORT = '55015';

const SCHEMA = `
  create table customers (id int, name text, email text, phone text, ssn text, country text, created_at timestamptz);
  create table orders (id int, customer_id int, status text, total_cents int, created_at timestamptz);
  create table order_items (id int, order_id int, sku text, quantity int, price_cents int);
  create table payments (id int, order_id int, card_number text, amount_cents int, paid_at timestamptz);
  create view contacts as select id, email as mail from customers where country <> 'x';
  create view labels as select id, name || ' ' || ssn as label from customers;
`;

const TABLES: Readonly<Record<string, readonly string[]>> = {
  customers: ['name', 'email', 'phone', 'ssn', 'country'],
  orders: ['status'],
  order_items: ['sku'],
  payments: ['card_number'],
  contacts: ['mail'],
  labels: ['label'],
};

/** A short text for every text column of a table, by which its values are known wherever they come out. */
const MARKS: ReadonlyMap<string, string> = new Map(
  ['customers', 'orders', 'order_items', 'payments']
    .flatMap((table) => TABLES[table]!.map((column) => `${table}.${column}`))
    .map((column, index) => [`z${String(index + 10)}`, column]),
);

function insertMarks(): string {
  const byTable = new Map<string, [string, string][]>();
  for (const [mark, name] of MARKS) {
    const [table = '', column = ''] = name.split('.');
    byTable.set(table, [...(byTable.get(table) ?? []), [column, mark]]);
  }
  return [...byTable]
    .map(([table, cells]) => {
      const columns = cells.map(([column]) => column).join(', ');
      const values = cells.map(([, mark]) => `'${mark}'`).join(', ');
      return `insert into ${table} (id, ${columns}) values (1, ${values});`;
    })
    .join('\n');
}

interface Named {
  readonly alias: string;
  readonly columns: readonly string[];
}

/** Random selects over text columns that the server takes, from a seed. */
function createQueryMaker(seed: number): () => { readonly text: string; readonly width: number } {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  let names = 0;
  const fresh = (prefix: string) => {
    names += 1;
    return `${prefix}${names}`;
  };

  const column = (scope: readonly Named[]) => {
    const relation = pick(scope);
    return `${relation.alias}.${pick(relation.columns)}`;
  };
  const expression = (scope: readonly Named[], depth: number): string => {
    if (depth <= 0) return column(scope);
    const inner = () => expression(scope, depth - 1 - random(2));
    switch (random(12)) {
      case 0:
        return `upper(${inner()})`;
      case 1:
        return `(${inner()} || ${inner()})`;
      case 2:
        return `coalesce(${inner()}, 'x')`;
      case 3:
        return `case when ${condition(scope, depth - 1)} then ${inner()} else ${inner()} end`;
      case 4:
        return `(${inner()})::varchar(10)::text`;
      case 5:
        return `(select z.c from (${query(depth - 1, scope, 1)}) z(c) limit 1)`;
      case 6:
        return `row_to_json(${pick(scope).alias})::text`;
      case 7:
        return `first_value(${inner()}) over (partition by ${inner()} order by ${inner()})`;
      case 8:
        return `array_to_string(array(${query(depth - 1, scope, 1)}), ',')`;
      default:
        return column(scope);
    }
  };
  const condition = (scope: readonly Named[], depth: number): string => {
    switch (random(5)) {
      case 0:
        return `${column(scope)} = ${column(scope)}`;
      case 1:
        return `${column(scope)} in (${query(depth - 1, scope, 1)})`;
      case 2:
        return `exists (${query(depth - 1, scope, 1)})`;
      case 3:
        return `${column(scope)} like 'a%' or ${column(scope)} is null`;
      default:
        return `${column(scope)} <> 'x'`;
    }
  };
  const fromItem = (depth: number, outer: readonly Named[], lateral: readonly Named[]): readonly [string, Named] => {
    const alias = fresh('t');
    if (depth > 0 && random(3) === 0) {
      const width = 1 + random(2);
      const columns = Array.from({ length: width }, () => fresh('c'));
      const isLateral = lateral.length > 0 && random(2) === 0;
      const text = query(depth - 1, isLateral ? [...outer, ...lateral] : outer, width);
      return [`${isLateral ? 'lateral ' : ''}(${text}) ${alias}(${columns.join(', ')})`, { alias, columns }];
    }
    const table = pick(Object.keys(TABLES));
    return [`${table} ${alias}`, { alias, columns: TABLES[table]! }];
  };
  const query = (depth: number, outer: readonly Named[], width: number): string => {
    if (depth > 0 && random(6) === 0) {
      const operator = pick(['union', 'union all', 'except', 'intersect']);
      return `(${query(depth - 1, outer, width)}) ${operator} (${query(depth - 1, outer, width)})`;
    }
    const [text, first] = fromItem(depth, outer, []);
    const own: Named[] = [first];
    let from = text;
    while (random(3) === 0) {
      const [more, next] = fromItem(depth, outer, own);
      own.push(next);
      from += random(2) === 0 ? `, ${more}` : ` cross join ${more}`;
      if (from.includes(', ') && from.includes('cross join')) break;
    }
    const scope = random(2) === 0 ? own : [...own, ...outer];
    const targets = Array.from({ length: width }, () => expression(scope, depth)).join(', ');
    const where = random(2) === 0 ? ` where ${condition(scope, depth)}` : '';
    const order = random(4) === 0 ? ` order by ${column(own)}` : '';
    return `select ${targets} from ${from}${where}${order}`;
  };
  return () => {
    const width = 1 + random(3);
    if (random(4) !== 0) return { text: query(3, [], width), width };
    const cte = fresh('w');
    const columns = [fresh('c'), fresh('c')];
    const inner = query(2, [], 2);
    const text = `with ${cte}(${columns.join(', ')}) as (${inner}) select ${cte}.${pick(columns)}, ${cte}.* from ${cte}`;
    return { text, width: 3 };
  };
}

function columnsRead(accesses: readonly RelationAccess[]): ReadonlySet<string> {
  return new Set(
    accesses
      .filter((access) => access.verb === 'select')
      .flatMap((access) => access.columns.map((column) => `${access.relation.name}.${column}`)),
  );
}

describe.skipIf(!existsSync(`${BIN}/postgres`))('the server finds no column that the analysis missed', () => {
  let folder = '';
  const asServer = () => {
    if (process.getuid?.() !== 0) return {};
    const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
    return { uid: id('-u'), gid: id('-g') };
  };
  const psql = (input: string) =>
    spawnSync(`${BIN}/psql`, ['-X', '-q', '-t', '-A', '-h', folder, '-p', PORT, '-U', 'postgres', 'postgres'], {
      input,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
      .stdout.split('\n')
      .filter((line) => line !== '');

  beforeAll(() => {
    folder = mkdtempSync('/tmp/taskgate-oracle-');
    const user = asServer();
    if (user.uid !== undefined) chownSync(folder, user.uid, user.gid);
    const options = { ...user, cwd: '/', stdio: 'ignore' } as const;
    execFileSync(`${BIN}/initdb`, ['-D', `${folder}/data`, '-A', 'trust', '-U', 'postgres', '-N'], options);
    const settings = `-p ${PORT} -k ${folder} -c listen_addresses= -c fsync=off -c jit=off -c statement_timeout=2s`;
    execFileSync(
      `${BIN}/pg_ctl`,
      ['-D', `${folder}/data`, '-w', '-l', `${folder}/log`, '-o', settings, 'start'],
      options,
    );
    psql(SCHEMA + insertMarks());
  });

  afterAll(() => {
    execFileSync(`${BIN}/pg_ctl`, ['-D', `${folder}/data`, '-m', 'immediate', 'stop'], {
      ...asServer(),
      cwd: '/',
      stdio: 'ignore',
    });
    rmSync(folder, { recursive: true, force: true });
  });

  test('for generated selects', async () => {
    const analyzer = await createSqlAnalyzer(15);
    const queries = Array.from({ length: 400 }, createQueryMaker(20_261_122));
    // The columns of a view need names of their own.
    const views = queries
      .map(({ text, width }, index) => {
        const names = Array.from({ length: width }, (_, column) => `o${column}`);
        return `create view v${index}(${names.join(', ')}) as ${text};`;
      })
      .join('\n');
    const lines = psql(`${views}
      select c.relname || '|' || t.relname || '.' || a.attname
      from pg_class c join pg_rewrite r on r.ev_class = c.oid
      join pg_depend d on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass and d.refobjsubid > 0
      join pg_class t on t.oid = d.refobjid and t.oid <> c.oid
      join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
      where c.relname ~ '^v\\d+$';
      select 'taken|' || relname from pg_class where relname ~ '^v\\d+$';`);
    const taken = lines.filter((line) => line.startsWith('taken|')).map((line) => Number(line.slice('taken|v'.length)));
    expect(taken.length).toBeGreaterThan(300);
    expect(lines.length).toBeGreaterThan(4 * taken.length);
    const missed: string[] = [];
    for (const index of taken) {
      const { text } = queries[index]!;
      const [operation] = analyzer.analyze(text, SHOP_CATALOG);
      const read = columnsRead(operation!.accesses);
      const used = lines
        .filter((line) => line.startsWith(`v${index}|`))
        .map((line) => line.slice(line.indexOf('|') + 1));
      for (const column of used) if (!read.has(column)) missed.push(`${column} in ${text}`);
      for (const unknown of operation!.unknowns) missed.push(`${unknown.message} in ${text}`);
    }
    expect(missed).toEqual([]);

    // Every base column holds a mark of its own: where a mark comes out, its column must be a source.
    const rows = psql(
      taken
        .map((index) => `select 'v${index}|' || row_to_json(v)::text from (select * from v${index} limit 20) v;`)
        .join('\n'),
    );
    const wrong = new Set<string>();
    let marks = 0;
    for (const line of rows) {
      const { text, width } = queries[Number(line.slice(1, line.indexOf('|')))]!;
      const output = analyzer.analyze(text, SHOP_CATALOG)[0]!.output ?? [];
      if (output.length !== width) wrong.add(`${output.length} columns in ${text}`);
      const row = JSON.parse(line.slice(line.indexOf('|') + 1)) as Record<string, string | null>;
      for (const [position, value] of Object.values(row).entries()) {
        const { sources, plain } = output[position] ?? { sources: [], plain: true };
        const names = sources.map((source) => `${source.relation}.${source.column}`);
        for (const [mark] of (value ?? '').toLowerCase().matchAll(/z\d\d/g)) {
          marks += 1;
          const column = MARKS.get(mark)!;
          if (!names.includes(column)) wrong.add(`${column} comes out of column ${position} of ${text}`);
          if (plain && value !== mark) wrong.add(`column ${position} is not plain: ${text}`);
        }
      }
    }
    expect([...wrong]).toEqual([]);
    expect(marks).toBeGreaterThan(300);
  });
});
