import { columnOf, generateCondition, generateExpression } from './generate-expression.ts';
import { generateFrom } from './generate-from.ts';
import { generateQuery } from './generate-query.ts';
import {
  COMMON_TYPES,
  type GeneratorOptions,
  type GeneratorState,
  type Named,
  plainColumn,
} from './generator-state.ts';
import { SAMPLE_TABLES, type SampleColumn, type SampleType } from './sample-schema.ts';
import { createSeededRandom } from './seeded-random.ts';

export interface GeneratedStatement {
  readonly text: string;
  /** It inserts, updates, deletes or merges. */
  readonly writes: boolean;
}

export interface GenerateOptions extends Partial<GeneratorOptions> {
  readonly seed: number;
  /** One in so many statements writes; 0: none. */
  readonly writesOneIn?: number;
}

/** Names that mean something already: whatever the generator thinks that one means, the server decides. */
const TAKEN_NAMES: readonly string[] = [
  ...['people', 'orders', 'labels', 'dogs', 'id', 'mail', 'name', 'card', 'label', 'body', 'path'],
  ...['t1', 't2', 'c2', 'c3', 'old', 'new', 'excluded', 'public', '"Mixed Case"', '"t1.mail"'],
];

/** Statements over the sample schema that the server takes, most of them; the same for the same options. */
export function createStatementGenerator(options: GenerateOptions): () => GeneratedStatement {
  const random = createSeededRandom(options.seed);
  let names = 0;
  const state: GeneratorState = {
    random,
    options: { serverMajor: 18, parameters: false, errors: false, maskedOneIn: 1, ...options },
    fresh: (prefix) => {
      if (random.oneIn(10)) return random.pick(TAKEN_NAMES);
      names += 1;
      return `${prefix}${names}`;
    },
    ctes: [],
  };
  const writesOneIn = options.writesOneIn ?? 0;
  return () => {
    names = 0;
    state.ctes.length = 0;
    const depth = 1 + random.below(4);
    if (writesOneIn > 0 && random.oneIn(writesOneIn)) return { text: generateWrite(state, depth), writes: true };
    return { text: generateRead(state, depth), writes: false };
  };
}

function generateRead(state: GeneratorState, depth: number): string {
  const { random } = state;
  switch (random.below(8)) {
    case 0:
      return stars(state, depth);
    case 1: {
      const from = generateFrom(state, [], 0);
      const targets = ['text', 'int'].map((type) =>
        generateExpression(state, type as SampleType, from.named, depth - 1),
      );
      const where = random.oneIn(2) ? ` where ${generateCondition(state, from.named, depth - 1)}` : '';
      const lockable = from.named.every(({ columns }) => SAMPLE_TABLES.some((table) => table.columns === columns));
      const lock = lockable ? random.pick([' for update', ' for share', '']) : '';
      return `select ${targets.join(', ')} from ${from.text}${where}${lock}`;
    }
    default: {
      const types = Array.from({ length: 1 + random.below(4) }, () =>
        random.oneIn(6)
          ? random.pick<SampleType>(['date', 'uuid', 'bytea', 'numeric', 'mood'])
          : random.pick(COMMON_TYPES),
      );
      return generateQuery(state, types, [], depth);
    }
  }
}

/** `*` in its forms, whole rows and plain columns. */
function stars(state: GeneratorState, depth: number): string {
  const { random } = state;
  const from = generateFrom(state, [], depth);
  const rows = from.named.filter((one) => one.row && one.alias !== '');
  const targets: string[] = [];
  for (const one of rows.slice(0, 2)) {
    targets.push(
      random.pick([`${one.alias}.*`, `(${one.alias}).*`, one.alias, `${one.alias}.*`, `(${one.alias}.*)::text`]),
    );
  }
  for (const type of COMMON_TYPES) {
    if (random.oneIn(3)) targets.push(...[columnOf(state, type, from.named)].flatMap((name) => name ?? []));
  }
  if (targets.length === 0 || random.oneIn(4)) targets.splice(0, targets.length, '*');
  const where = random.oneIn(3) ? ` where ${generateCondition(state, from.named, depth - 1)}` : '';
  return `select ${targets.join(', ')} from ${from.text}${where}`;
}

const WRITTEN: ReadonlySet<string> = new Set(['people', 'orders', 'items', 'animals', 'dogs', 'homes', 'payments']);

function generateWrite(state: GeneratorState, depth: number): string {
  const { random } = state;
  const table = random.pick(SAMPLE_TABLES.filter(({ name }) => WRITTEN.has(name)));
  const alias = state.fresh('t');
  const target: Named = { alias, columns: table.columns, row: true };
  const writable = table.columns.filter(({ name }) => name !== 'id' && name !== 'region' && name !== 'ssn');
  const some = (): readonly SampleColumn[] => {
    const found = writable.filter(() => random.oneIn(3));
    return found.length > 0 ? found : [random.pick(writable)];
  };
  const returning = (others: readonly Named[], merge = false): string => {
    if (random.oneIn(3)) return '';
    if (merge && state.options.serverMajor < 17) return '';
    const scope = [target, ...others];
    const forms = ['*', `${alias}.*`, alias, columnOf(state, random.pick(writable).type, [target]) ?? 'id'];
    if (state.options.serverMajor >= 18) forms.push(`old.${random.pick(writable).name}`, 'new.*', 'old.*');
    if (merge) forms.push('merge_action()');
    const picked = [random.pick(forms), generateExpression(state, 'text', scope, depth - 1)];
    return ` returning ${picked.slice(0, 1 + random.below(2)).join(', ')}`;
  };
  const assign = (scope: readonly Named[]): string => {
    const columns = some();
    if (columns.length > 1 && random.oneIn(4)) {
      const types = columns.map(({ type }) => type);
      const row = types.map((type) => generateExpression(state, type, scope, depth - 1)).join(', ');
      const right = random.oneIn(2) ? `(${generateQuery(state, types, scope, depth - 1, true)})` : `row(${row})`;
      return `(${columns.map(({ name }) => name).join(', ')}) = ${right}`;
    }
    return columns.map(({ name, type }) => `${name} = ${generateExpression(state, type, scope, depth - 1)}`).join(', ');
  };
  const form = random.below(table.name === 'payments' ? 4 : 5);
  let text: string;
  if (form === 0) {
    const columns = some();
    const names = [...columns.map(({ name }) => name), ...(table.name === 'payments' ? ['region'] : [])];
    const types = columns.map(({ type }) => type);
    const query = generateQuery(state, types, [], depth);
    const region = table.name === 'payments' ? `, 'eu'` : '';
    const unique = ['people', 'orders', 'items', 'homes'].includes(table.name);
    const source = `select ${unique ? 'coalesce(max(0), 0) + 100, ' : ''}${types.map((_, index) => `${unique ? `(array_agg(q.c${index} order by q.c${index}::text))[1]` : `q.c${index}`}`).join(', ')}${region} from (${query}) q(${types.map((_, index) => `c${index}`).join(', ')})`;
    const conflict = !unique
      ? ''
      : random.pick([
          '',
          ' on conflict do nothing',
          ' on conflict (id) do nothing',
          ` on conflict (id) do update set ${columns[0]!.name} = coalesce(excluded.${columns[0]!.name}, ${alias}.${columns[0]!.name}) where ${generateCondition(state, [target], 0)}`,
        ]);
    text = `insert into ${table.name} as ${alias} (${unique ? 'id, ' : ''}${names.join(', ')}) ${source}${conflict}${returning([])}`;
  } else if (form === 1) {
    const from = random.oneIn(2) ? generateFrom(state, [], depth - 1) : null;
    const scope = [target, ...(from?.named ?? [])];
    const where = ` where ${generateCondition(state, scope, depth - 1)}`;
    text = `update ${table.name} ${alias} set ${assign(scope)}${from === null ? '' : ` from ${from.text}`}${where}${returning(from?.named ?? [])}`;
  } else if (form === 2) {
    const from = random.oneIn(2) ? generateFrom(state, [], depth - 1) : null;
    const scope = [target, ...(from?.named ?? [])];
    text = `delete from ${table.name} ${alias}${from === null ? '' : ` using ${from.text}`} where ${generateCondition(state, scope, depth - 1)}${returning(from?.named ?? [])}`;
  } else if (form === 3) {
    const inner = generateExpression(state, 'text', [target], 1);
    const write = random.oneIn(2)
      ? `update ${table.name} ${alias} set ${assign([target])} returning ${alias}.id, (${inner})::text`
      : `delete from ${table.name} ${alias} where ${generateCondition(state, [target], depth - 1)} returning ${alias}.id, (${inner})::text`;
    const name = state.fresh('w');
    state.ctes.push({
      alias: name,
      columns: [
        { name: 'c1', type: 'int', masked: false },
        { name: 'c2', type: 'text', masked: false },
      ],
      row: true,
    });
    text = `with ${name}(c1, c2) as (${write}) ${generateQuery(state, ['text', 'int'], [], Math.min(depth, 1))}`;
  } else {
    const types: readonly SampleType[] = ['int', 'text', 'jsonb'];
    const source: Named = {
      alias: state.fresh('m'),
      columns: types.map((type) => plainColumn(state.fresh('c'), type)),
      row: true,
    };
    const scope = [target, source];
    const column = random.pick(writable);
    const value = generateExpression(state, column.type, [source], depth - 1);
    const matched = random.oneIn(2)
      ? `when matched and ${generateCondition(state, scope, 0)} then update set ${assign(scope)}`
      : 'when matched then delete';
    const missing = ['people', 'orders', 'items', 'homes'].includes(table.name)
      ? 'when not matched then do nothing'
      : `when not matched then insert (id, ${column.name}) values (1, ${value})`;
    const from = `(${generateQuery(state, types, [], depth - 1, true)}) ${source.alias}(${source.columns.map(({ name }) => name).join(', ')})`;
    text = `merge into ${table.name} ${alias} using ${from} on ${alias}.id = ${random.pick(['1', source.columns[0]!.name])} ${matched} ${missing}${returning([source], true)}`;
  }
  return text;
}
