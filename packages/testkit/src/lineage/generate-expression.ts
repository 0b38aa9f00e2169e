import { generateQuery } from './generate-query.ts';
import { COMMON_TYPES, type GeneratorState, type Scope } from './generator-state.ts';
import type { SampleType } from './sample-schema.ts';

const CONSTANTS: Readonly<Record<SampleType, readonly string[]>> = {
  int: ['0', '1', '2', '42', 'null::int'],
  text: ["'nl'", "'paid'", "'x'::text", "''", 'null::text', "'Name 1'"],
  numeric: ['1.5', '0::numeric'],
  date: ["'2026-01-01'::date", 'null::date'],
  timestamptz: ["'2026-01-02 10:00+00'::timestamptz"],
  jsonb: [`'{"k": 1}'::jsonb`, "'[]'::jsonb"],
  texts: ["array['x', 'y']", "'{}'::text[]"],
  uuid: ["'00000000-0000-4000-8000-000000000000'::uuid"],
  bytea: ["'\\x00ff'::bytea"],
  mood: ["'calm'::mood"],
  address: ["row('street', 'zip')::address"],
};

/** A column of the scope with this type, or `null`. Where its name is the only one of its kind it may go without its relation. */
export function columnOf(state: GeneratorState, type: SampleType, scope: Scope): string | null {
  const { random, options } = state;
  const all = scope.flatMap((one) =>
    one.columns.filter((column) => column.type === type).map((column) => ({ one, column })),
  );
  const open = all.filter(({ column }) => !column.masked);
  const found = open.length > 0 && !random.oneIn(options.maskedOneIn) ? open : all;
  if (found.length === 0) return null;
  const { one, column } = random.pick(found);
  if (one.alias === '') return column.name;
  const unique = scope.flatMap((other) => other.columns).filter(({ name }) => name === column.name).length === 1;
  if (unique && random.oneIn(4)) return column.name;
  return one.row && random.oneIn(20) ? `(${one.alias}).${column.name}` : `${one.alias}.${column.name}`;
}

function constantOf(state: GeneratorState, type: SampleType): string {
  if (state.options.parameters && state.random.oneIn(3)) {
    if (type === 'text') return '$1';
    if (type === 'int') return '$2';
  }
  return state.random.pick(CONSTANTS[type]);
}

function leaf(state: GeneratorState, type: SampleType, scope: Scope): string {
  return (state.random.oneIn(8) ? null : columnOf(state, type, scope)) ?? constantOf(state, type);
}

/** An expression of a type over a scope. `windows`: window functions may stand here. */
export function generateExpression(
  state: GeneratorState,
  type: SampleType,
  scope: Scope,
  depth: number,
  windows = false,
): string {
  const { random } = state;
  if (depth <= 0 || random.oneIn(3)) return leaf(state, type, scope);
  const inner = (of: SampleType): string => generateExpression(state, of, scope, depth - 1 - random.below(2));
  if (random.oneIn(4)) return anyType(state, type, scope, depth, inner);
  if (windows && random.oneIn(5)) return windowFunction(state, type, inner);
  return OF_TYPE[type](state, scope, depth, inner);
}

type Inner = (type: SampleType) => string;

/** Forms that exist for every type. */
function anyType(state: GeneratorState, type: SampleType, scope: Scope, depth: number, inner: Inner): string {
  const { random } = state;
  switch (random.below(7)) {
    case 0:
      return `coalesce(${inner(type)}, ${inner(type)})`;
    case 1:
      return `case when ${generateCondition(state, scope, depth - 1)} then ${inner(type)} else ${inner(type)} end`;
    case 2:
      return `(select z.c from (${generateQuery(state, [type], scope, depth - 1)}) z(c) limit 1)`;
    case 3:
      return `(${generateQuery(state, [type], scope, depth - 1, true)})`;
    case 4:
      return `(array[${inner(type)}, ${inner(type)}])[${random.below(3)}]`;
    case 5:
      return type === 'jsonb' || type === 'address' ? inner(type) : `nullif(${inner(type)}, ${inner(type)})`;
    default:
      return type === 'text' || type === 'int' || type === 'date'
        ? `${random.pick(['greatest', 'least'])}(${inner(type)}, ${inner(type)})`
        : inner(type);
  }
}

function windowFunction(state: GeneratorState, type: SampleType, inner: Inner): string {
  const { random } = state;
  const frame = random.pick(['', '', ' rows between 1 preceding and current row', ' range unbounded preceding']);
  const over = `over (partition by ${inner('text')} order by ${inner('int')}, ${inner('text')}${frame})`;
  if (type === 'int') return `(${random.pick(['rank()', 'row_number()', 'ntile(2)', 'count(*)'])} ${over})::int`;
  return `${random.pick(['first_value', 'lag', 'last_value'])}(${inner(type)}) ${over}`;
}

type Form = (state: GeneratorState, scope: Scope, depth: number, inner: Inner) => string;

/** A whole row of the scope, or `null`. */
function rowIn(state: GeneratorState, scope: Scope): string | null {
  const rows = scope.filter((one) => one.row && one.alias !== '');
  return rows.length === 0 ? null : state.random.pick(rows).alias;
}

const OF_TYPE: Readonly<Record<SampleType, Form>> = {
  text(state, scope, _depth, inner) {
    const { random } = state;
    const row = rowIn(state, scope);
    switch (random.below(state.options.errors ? 22 : 20)) {
      case 0:
        return `${random.pick(['upper', 'lower', 'reverse', 'md5', 'initcap', 'btrim'])}(${inner('text')})`;
      case 1:
        return `(${inner('text')} || ${inner(random.pick(['text', 'int', 'date']))}::text)`;
      case 2:
        return `left(${inner('text')}, ${1 + random.below(5)})`;
      case 3:
        return `(${inner('text')})::varchar(10)`;
      case 4:
        return `(${inner('text')} collate "C")`;
      case 5:
        return `(${inner(random.pick(['int', 'numeric', 'date', 'uuid', 'jsonb', 'mood', 'timestamptz']))})::text`;
      case 6:
        return `(${inner('jsonb')} ->> 'k')`;
      case 7:
        return `array_to_string(${inner('texts')}, ',')`;
      case 8:
        return `encode(${inner('bytea')}, 'hex')`;
      case 9:
        return row === null ? inner('text') : `${row}::text`;
      case 10:
        return row === null ? inner('text') : `row_to_json(${row}${random.pick(['', '.*'])})::text`;
      case 11:
        return `substring(${inner('text')} from 2 for 3)`;
      case 12:
        return `concat_ws('-', ${inner('text')}, ${inner('int')}, ${inner('date')})`;
      case 13:
        return `(${inner('texts')})[1]`;
      case 14:
        return `format('%s %s', ${inner('text')}, ${inner('jsonb')})`;
      case 15:
        return `regexp_replace(${inner('text')}, '[0-9]', ${inner('text')})`;
      case 16:
        return `row(${inner('text')}, ${inner('int')})::text`;
      case 17:
        return `cast(${inner('text')} as text)`;
      case 18:
        return `to_char(${inner('date')}, 'YYYY-MM')`;
      case 19:
        return columnOf(state, 'address', scope) === null
          ? `trim(both 'x' from ${inner('text')})`
          : `(${columnOf(state, 'address', scope)})::text`;
      case 20:
        return `(${inner('text')})::int::text`;
      default:
        return `(1 / (${inner('int')}))::text`;
    }
  },
  int(state, scope, depth, inner) {
    const { random } = state;
    switch (random.below(state.options.errors ? 12 : 10)) {
      case 0:
        return `length(${inner('text')})`;
      case 1:
        return `(${inner('int')} ${random.pick(['+', '-'])} ${inner('int')})`;
      case 2:
        return `(select count(*)::int from (${generateQuery(state, ['text'], scope, depth - 1)}) n)`;
      case 3:
        return `extract(year from ${inner('date')})::int`;
      case 4:
        return `coalesce(array_length(${inner('texts')}, 1), 0)`;
      case 5:
        return `strpos(${inner('text')}, ${inner('text')})`;
      case 6:
        return `ascii(${inner('text')})`;
      case 7:
        return `(${generateCondition(state, scope, depth - 1)})::int`;
      case 8:
        return `num_nulls(${inner('text')}, ${inner('jsonb')})`;
      case 9:
        return `abs(-${inner('int')})`;
      case 10:
        return `(${inner('text')})::int`;
      default:
        return `(${inner('int')} / ${inner('int')})`;
    }
  },
  numeric: (state, _scope, _depth, inner) =>
    state.random.pick([`(${inner('int')} * 1.5)`, `round(${inner('numeric')}, 1)`, `(${inner('numeric')} + 1)`]),
  date(state, _scope, _depth, inner) {
    const forms = [`(${inner('date')} + 1)`, `(${inner('timestamptz')})::date`];
    if (state.options.errors) forms.push(`(${inner('text')})::date`);
    return state.random.pick(forms);
  },
  timestamptz: (_state, _scope, _depth, inner) => `(${inner('timestamptz')} + interval '1 day')`,
  jsonb(state, scope, _depth, inner) {
    const { random, options } = state;
    const row = rowIn(state, scope);
    const forms = [
      `to_jsonb(${inner(random.pick(COMMON_TYPES))})`,
      `jsonb_build_object('a', ${inner('text')}, 'b', ${inner('int')})`,
      `jsonb_build_array(${inner('text')}, ${inner('jsonb')})`,
      `(${inner('jsonb')} -> 'k')`,
      `(${inner('jsonb')} #> '{list,0}')`,
      `jsonb_strip_nulls(${inner('jsonb')})`,
      `jsonb_set(${inner('jsonb')}, '{k}', to_jsonb(${inner('text')}))`,
      `jsonb_path_query_first(${inner('jsonb')}, '$.k')`,
    ];
    if (row !== null) forms.push(`to_jsonb(${row})`, `to_jsonb(${row}.*)`);
    if (options.serverMajor >= 16)
      forms.push(`json_object('k': ${inner('text')} returning jsonb)`, `json_array(${inner('text')} returning jsonb)`);
    if (options.serverMajor >= 17)
      forms.push(`json_query(${inner('jsonb')}, '$.k')`, `to_jsonb(json_value(${inner('jsonb')}, '$.k'))`);
    return random.pick(forms);
  },
  texts: (state, scope, depth, inner) =>
    state.random.pick([
      `array[${inner('text')}, ${inner('text')}]`,
      `array(${generateQuery(state, ['text'], scope, depth - 1)})`,
      `string_to_array(${inner('text')}, ' ')`,
      `(${inner('texts')} || ${inner('text')})`,
      `array_append(${inner('texts')}, ${inner('text')})`,
      `(${inner('texts')})[1:2]`,
    ]),
  uuid: (_state, _scope, _depth, inner) => `md5(${inner('text')})::uuid`,
  bytea: (_state, _scope, _depth, inner) => `convert_to(${inner('text')}, 'UTF8')`,
  mood: (_state, _scope, _depth, inner) => inner('mood'),
  address: (_state, _scope, _depth, inner) => `row(${inner('text')}, 'zip')::address`,
};

const COMPARED: readonly SampleType[] = [
  'text',
  'text',
  'int',
  'int',
  'date',
  'numeric',
  'uuid',
  'timestamptz',
  'mood',
];

/** A condition over a scope. */
export function generateCondition(state: GeneratorState, scope: Scope, depth: number): string {
  const { random } = state;
  const inner = (type: SampleType): string => generateExpression(state, type, scope, depth - 1);
  const row = rowIn(state, scope);
  const operator = random.pick(['=', '=', '<>', '<', '>=', 'is distinct from', 'is not distinct from']);
  const type = random.pick(COMPARED);
  switch (depth <= 0 ? random.below(4) : random.below(20)) {
    case 0:
      return `${inner(type)} ${operator} ${inner(type)}`;
    case 1:
      return `${inner(type)} is ${random.pick(['', 'not '])}null`;
    case 2:
      return `${inner('int')} ${random.pick(['>', '<', '<='])} ${random.below(8)}`;
    case 3:
      return `${inner('text')} ${random.pick(['like', 'not ilike', 'similar to', '~'])} '%a%'`;
    case 4:
      return `${inner('text')} in (${generateQuery(state, ['text'], scope, depth - 1)})`;
    case 5:
      return `${random.pick(['', 'not '])}exists (${generateQuery(state, ['int'], scope, depth - 1)})`;
    case 6:
      return `${inner('int')} ${operator.startsWith('is') ? '=' : operator} ${random.pick(['any', 'all', 'some'])} (${generateQuery(state, ['int'], scope, depth - 1)})`;
    case 7:
      return `(${inner('int')}, ${inner('text')}) ${random.pick(['=', '<', '>='])} (${inner('int')}, ${inner('text')})`;
    case 8:
      return `(${inner('int')}, ${inner('text')}) in (${generateQuery(state, ['int', 'text'], scope, depth - 1)})`;
    case 9:
      return `${inner('int')} ${random.pick(['', 'not '])}between ${inner('int')} and ${inner('int')}`;
    case 10:
      return row === null ? `${inner('text')} is not null` : `${row} is not null`;
    case 11:
      return `${inner('text')} = any (${inner('texts')})`;
    case 12:
      return `${inner('jsonb')} ${random.pick(["? 'k'", `@> '{"n": 1}'`, "@? '$.k'"])}`;
    case 13:
      return `${inner('texts')} ${random.pick(['&&', '@>'])} ${inner('texts')}`;
    case 14:
      return `not (${generateCondition(state, scope, depth - 1)})`;
    case 15:
      return `(${inner('int')} > 1) is ${random.pick(['true', 'not false', 'unknown'])}`;
    case 16:
      return `${inner('text')} in ('x', ${inner('text')})`;
    case 17:
      return `(${inner('int')}, ${inner('text')}) = (${generateQuery(state, ['int', 'text'], scope, depth - 1, true)})`;
    default:
      return `(${generateCondition(state, scope, depth - 1)} ${random.pick(['and', 'or'])} ${generateCondition(state, scope, depth - 1)})`;
  }
}
