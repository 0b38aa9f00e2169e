import { generateCondition, generateExpression } from './generate-expression.ts';
import { generateQuery } from './generate-query.ts';
import { COMMON_TYPES, type GeneratorState, type Named, plainColumn, type Scope } from './generator-state.ts';
import { SAMPLE_RELATIONS, type SampleType } from './sample-schema.ts';

interface FromItem {
  readonly text: string;
  readonly named: readonly Named[];
}

/** FROM with one item or several; `outer`: what a subquery in it can see anyway. */
export function generateFrom(state: GeneratorState, outer: Scope, depth: number): FromItem {
  let text = '';
  const named: Named[] = [];
  do {
    const item = fromItem(state, outer, named, depth);
    text += text === '' ? item.text : `, ${item.text}`;
    named.push(...item.named);
  } while (named.length < 4 && state.random.oneIn(4));
  return { text, named };
}

function fromItem(state: GeneratorState, outer: Scope, before: Scope, depth: number): FromItem {
  const { random } = state;
  if (depth > 0) {
    switch (random.below(12)) {
      case 0:
      case 1:
        return subquery(state, outer, before, depth);
      case 2:
      case 3:
      case 4:
        return join(state, outer, before, depth);
      case 5:
        return values(state, outer, depth);
      case 6:
        return rowsOfFunction(state, before.length > 0 ? [...outer, ...before] : outer, depth);
    }
  }
  return relation(state);
}

function relation(state: GeneratorState): FromItem {
  const { random } = state;
  if (state.ctes.length > 0 && random.oneIn(2)) {
    const cte = random.pick(state.ctes);
    const alias = state.fresh('t');
    return { text: `${cte.alias} ${alias}`, named: [{ ...cte, alias }] };
  }
  const found = random.pick(SAMPLE_RELATIONS);
  const name = random.oneIn(5) ? `public.${found.name}` : found.name;
  const only = found.kind === 'table' && random.oneIn(8);
  const sample =
    found.kind === 'table' && random.oneIn(12) ? ` tablesample ${random.pick(['system', 'bernoulli'])} (100)` : '';
  if (random.oneIn(12)) {
    const alias = state.fresh('t');
    const columns = found.columns.map((column) => ({ ...column, name: state.fresh('c') }));
    const names = columns.map(({ name: column }) => column).join(', ');
    return { text: `${name} as ${alias}(${names})`, named: [{ alias, columns, row: true }] };
  }
  const alias = state.fresh('t');
  const text = `${only ? 'only ' : ''}${name}${!only && random.oneIn(20) ? ' *' : ''} ${alias}${sample}`;
  return { text, named: [{ alias, columns: found.columns, row: true }] };
}

function someTypes(state: GeneratorState): readonly SampleType[] {
  return Array.from({ length: 1 + state.random.below(3) }, () => state.random.pick(COMMON_TYPES));
}

const GIVEN_NAMES: readonly string[] = [
  ...['column1', '"?column?"', '"coalesce"', '"case"', '"array"', '"row"', 'n0', 'n1', 'mail', 'name', 'id', 'note'],
  ...['upper', 'reverse', 'text', 'to_jsonb', 'max', 'count', '"left"', '"nullif"', 'to_char', 'varchar', 'date'],
];

function subquery(state: GeneratorState, outer: Scope, before: Scope, depth: number): FromItem {
  const types = someTypes(state);
  const lateral = before.length > 0 && state.random.oneIn(2);
  const text = generateQuery(state, types, lateral ? [...outer, ...before] : outer, depth - 1);
  const alias = state.fresh('s');
  // Without a list the columns have the names that the server gives them, which are guessed here.
  if (state.random.oneIn(4)) {
    const guessed = types.map((type) => plainColumn(state.random.pick(GIVEN_NAMES), type));
    return { text: `${lateral ? 'lateral ' : ''}(${text}) ${alias}`, named: [{ alias, columns: guessed, row: true }] };
  }
  const columns = types.map((type) => plainColumn(state.fresh('c'), type));
  const names = columns.map(({ name }) => name).join(', ');
  return { text: `${lateral ? 'lateral ' : ''}(${text}) ${alias}(${names})`, named: [{ alias, columns, row: true }] };
}

function values(state: GeneratorState, outer: Scope, depth: number): FromItem {
  const types = someTypes(state);
  const row = (): string => `(${types.map((type) => generateExpression(state, type, outer, depth - 1)).join(', ')})`;
  const alias = state.fresh('v');
  const columns = types.map((type) => plainColumn(state.fresh('c'), type));
  const names = columns.map(({ name }) => name).join(', ');
  const rows = outer.length > 0 && state.random.oneIn(2) ? `${row()}, ${row()}` : row();
  return { text: `(values ${rows}) ${alias}(${names})`, named: [{ alias, columns, row: true }] };
}

/** Functions in FROM see what stands before them. */
function rowsOfFunction(state: GeneratorState, scope: Scope, depth: number): FromItem {
  const { random } = state;
  const alias = state.fresh('f');
  const name = state.fresh('c');
  const inner = (type: SampleType): string => generateExpression(state, type, scope, depth - 1);
  const one = (call: string, type: SampleType): FromItem => ({
    text: `${call} ${alias}(${name})`,
    named: [{ alias, columns: [plainColumn(name, type)], row: false }],
  });
  if (random.oneIn(6)) {
    const call = random.pick([`unnest(to_tsvector(${inner('text')}))`, `coalesce(${inner('text')})`, 'current_date']);
    const columns = [plainColumn(random.pick([alias, 'lexeme', 'positions', 'value']), 'text')];
    return { text: `${call} ${alias}`, named: [{ alias, columns, row: false }] };
  }
  switch (random.below(9)) {
    case 0:
      return one(`generate_series(1, ${1 + random.below(3)})`, 'int');
    case 1:
      return one(`unnest(${inner('texts')})`, 'text');
    case 2: {
      const text = `jsonb_each(case when jsonb_typeof(${inner('jsonb')}) = 'object' then ${inner('jsonb')} end)`;
      const columns = [plainColumn('key', 'text'), plainColumn('value', 'jsonb')];
      return { text: `${text} ${alias}`, named: [{ alias, columns, row: true }] };
    }
    case 3:
      return one(`regexp_split_to_table(${inner('text')}, '-')`, 'text');
    case 4: {
      const other = state.fresh('c');
      const text = `rows from (generate_series(1, 2), unnest(${inner('texts')})) with ordinality`;
      const columns = [plainColumn(name, 'int'), plainColumn(other, 'text')];
      return { text: `${text} ${alias}(${name}, ${other})`, named: [{ alias, columns, row: true }] };
    }
    case 5: {
      const text = `jsonb_to_record(${inner('jsonb')}) as ${alias}(${name} text, n int)`;
      return { text, named: [{ alias, columns: [plainColumn(name, 'text'), plainColumn('n', 'int')], row: true }] };
    }
    case 6: {
      const other = state.fresh('c');
      const text = `unnest(${inner('texts')}, array[${inner('int')}])`;
      const columns = [plainColumn(name, 'text'), plainColumn(other, 'int')];
      return { text: `${text} ${alias}(${name}, ${other})`, named: [{ alias, columns, row: true }] };
    }
    case 7:
      if (state.options.serverMajor >= 17) {
        const text = `json_table(${inner('jsonb')}, '$' columns (${name} text path '$.k', n int path '$.n'))`;
        const columns = [plainColumn(name, 'text'), plainColumn('n', 'int')];
        return { text: `${text} ${alias}`, named: [{ alias, columns, row: true }] };
      }
      return one(`string_to_table(${inner('text')}, '-')`, 'text');
    default:
      return one(`jsonb_path_query(${inner('jsonb')}, '$.list[*]')`, 'jsonb');
  }
}

function join(state: GeneratorState, outer: Scope, before: Scope, depth: number): FromItem {
  const { random } = state;
  const left = fromItem(state, outer, before, depth - 1);
  const kind = random.pick(['join', 'left join', 'right join', 'full join', 'cross join', 'join']);
  // What stands on the left can be seen by a lateral item on the right of an inner or left join only.
  const seen = kind === 'join' || kind === 'left join' || kind === 'cross join' ? [...before, ...left.named] : [];
  const right = fromItem(state, outer, seen, depth - 1);
  const named = [...left.named, ...right.named];
  if (kind === 'cross join') return { text: `${left.text} cross join ${right.text}`, named };
  const shared = sharedNames(left.named, right.named);
  if (shared.length > 0 && random.oneIn(2)) return usingJoin(state, left, right, kind, shared);
  const condition =
    kind === 'full join' ? fullCondition(left.named, right.named) : generateCondition(state, named, depth - 1);
  return { text: `(${left.text} ${kind} ${right.text} on ${condition})`, named };
}

/** The server wants something to hash or sort by for a full join. */
function fullCondition(left: Scope, right: Scope): string {
  const keyOf = (scope: Scope): string | null => {
    for (const one of scope) {
      const found = one.columns.find(({ type }) => type === 'int');
      if (found !== undefined) return one.alias === '' ? found.name : `${one.alias}.${found.name}`;
    }
    return null;
  };
  const keys = [keyOf(left), keyOf(right)];
  return keys.includes(null) ? 'true' : keys.join(' = ');
}

/** Columns that both sides have once, with one type. */
function sharedNames(left: Scope, right: Scope): readonly string[] {
  const once = (scope: Scope): Map<string, SampleType | null> => {
    const types = new Map<string, SampleType | null>();
    for (const { name, type } of scope.flatMap((one) => one.columns)) types.set(name, types.has(name) ? null : type);
    return types;
  };
  const others = once(right);
  return [...once(left)].flatMap(([name, type]) => (type !== null && others.get(name) === type ? [name] : []));
}

function usingJoin(
  state: GeneratorState,
  left: FromItem,
  right: FromItem,
  kind: string,
  shared: readonly string[],
): FromItem {
  const { random } = state;
  const all = [...left.named, ...right.named];
  const typed = new Map(all.flatMap((one) => one.columns).map((column) => [column.name, column]));
  // A natural join takes every name that both have, also one that either has twice, which the server refuses.
  const rightNames = new Set(right.named.flatMap((one) => one.columns.map(({ name }) => name)));
  const common = new Set(
    left.named.flatMap((one) => one.columns.map(({ name }) => name)).filter((name) => rightNames.has(name)),
  );
  const natural = common.size === shared.length && random.oneIn(4);
  const names = natural ? [...shared] : shared.filter((_, index) => index === 0 || random.oneIn(3));
  const merged = names.map((name) => ({ ...typed.get(name)!, name }));
  const text = natural
    ? `${left.text} natural ${kind} ${right.text}`
    : `${left.text} ${kind} ${right.text} using (${names.join(', ')})`;
  // Inside parentheses an alias hides what it joins.
  if (random.oneIn(4)) {
    const alias = state.fresh('j');
    const counts = new Map<string, number>();
    for (const { name } of all.flatMap((one) => one.columns)) counts.set(name, (counts.get(name) ?? 0) + 1);
    const single = all.flatMap((one) => one.columns).filter(({ name }) => counts.get(name) === 1);
    const columns = [...merged, ...single.filter(({ name }) => !names.includes(name))];
    return { text: `(${text}) ${alias}`, named: [{ alias, columns, row: random.oneIn(2) }] };
  }
  if (!natural && random.oneIn(4)) {
    const alias = state.fresh('u');
    return { text: `(${text} as ${alias})`, named: [...all, { alias, columns: merged, row: false }] };
  }
  // The merged columns go without a relation, and so must not be found under the same name elsewhere.
  const elsewhere = all.map((one) => ({ ...one, columns: one.columns.filter(({ name }) => !names.includes(name)) }));
  return { text: `(${text})`, named: [...elsewhere, { alias: '', columns: merged, row: false }] };
}
