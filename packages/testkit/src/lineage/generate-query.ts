import { columnOf, generateCondition, generateExpression } from './generate-expression.ts';
import { generateFrom } from './generate-from.ts';
import { type GeneratorState, type Named, plainColumn, type Scope } from './generator-state.ts';
import type { SampleType } from './sample-schema.ts';

/** A select with columns of these types; `outer`: what it can see of the levels around; `single`: it gives one row at most. */
export function generateQuery(
  state: GeneratorState,
  types: readonly SampleType[],
  outer: Scope,
  depth: number,
  single = false,
): string {
  const { random } = state;
  const limit = single ? ' limit 1' : '';
  if (depth > 0) {
    switch (random.below(14)) {
      case 0:
      case 1:
        return `${setOperation(state, types, outer, depth)}${limit}`;
      case 2:
        return withQuery(state, types, outer, depth, limit);
      case 3:
      case 4:
        return `${groupedSelect(state, types, outer, depth)}${limit}`;
      case 5:
        if (!types.includes('jsonb') && !types.includes('address')) {
          return `${plainSelect(state, types, outer, depth, 'distinct ')}${limit}`;
        }
        break;
      case 6:
        return `${distinctOn(state, types, outer, depth)}${limit}`;
      case 7: {
        const row = types.map((type) => generateExpression(state, type, outer, depth - 1)).join(', ');
        return `values (${row})${limit}`;
      }
    }
  }
  return plainSelect(state, types, outer, depth, '', single);
}

function targetsOf(state: GeneratorState, types: readonly SampleType[], scope: Scope, depth: number): string[] {
  return types.map((type) => generateExpression(state, type, scope, depth, true));
}

function plainSelect(
  state: GeneratorState,
  types: readonly SampleType[],
  outer: Scope,
  depth: number,
  distinct: '' | 'distinct ',
  single = false,
): string {
  const { random } = state;
  const from = generateFrom(state, outer, depth - 1);
  const scope = outer.length > 0 && random.oneIn(2) ? [...from.named, ...outer] : from.named;
  const targets = targetsOf(state, types, scope, depth - 1);
  const named = targets.map((target, index) =>
    random.oneIn(3) && distinct === '' ? `${target} as ${random.oneIn(4) ? state.fresh('n') : `n${index}`}` : target,
  );
  // Rows of a function in the select list, beside columns that then repeat.
  if (!single && distinct === '' && random.oneIn(12)) {
    const at = types.indexOf('text');
    const rows = random.pick([
      `unnest(${generateExpression(state, 'texts', scope, 0)})`,
      `string_to_table(${generateExpression(state, 'text', scope, 0)}, '-')`,
    ]);
    if (at >= 0) named[at] = rows;
  }
  const where = random.oneIn(2) ? ` where ${generateCondition(state, scope, depth - 1)}` : '';
  let order = '';
  if (distinct !== '' || random.oneIn(3)) {
    const alias = distinct === '' ? / as (\S+)$/.exec(named[0] ?? '')?.[1] : undefined;
    const keys = [alias !== undefined && random.oneIn(2) ? alias : String(1 + random.below(types.length))];
    const sortable = types.every((type) => type !== 'address');
    // A constant alone would be taken for a position.
    if (distinct === '') keys.push(`${generateExpression(state, 'int', from.named, depth - 2)} + 0`);
    if (sortable) order = ` order by ${keys.join(', ')}${random.pick(['', ' desc', ' nulls first'])}`;
  }
  const slice = single
    ? ' limit 1'
    : random.oneIn(6)
      ? random.pick([' limit 3', ' offset 1', ' limit 2 offset 1', ' fetch first 2 rows only'])
      : order !== '' && random.oneIn(10)
        ? ' fetch first 1 rows with ties'
        : '';
  return `select ${distinct}${named.join(', ')} from ${from.text}${where}${order}${slice}`;
}

function distinctOn(state: GeneratorState, types: readonly SampleType[], outer: Scope, depth: number): string {
  const from = generateFrom(state, outer, depth - 1);
  const key = columnOf(state, 'text', from.named) ?? `upper(${generateExpression(state, 'text', from.named, 0)})`;
  const targets = targetsOf(state, types, from.named, depth - 1);
  const order = generateExpression(state, 'int', from.named, 0);
  return `select distinct on (${key}, null::text) ${targets.join(', ')} from ${from.text} order by ${key}, null::text, ${order} + 0`;
}

function setOperation(state: GeneratorState, types: readonly SampleType[], outer: Scope, depth: number): string {
  const side = (): string => `(${generateQuery(state, types, outer, depth - 1)})`;
  const operator = state.random.pick(['union', 'union all', 'union all', 'except', 'intersect', 'except all']);
  const order = state.random.oneIn(3) && !types.includes('address') ? ' order by 1' : '';
  return `${side()} ${operator} ${side()}${order}`;
}

function withQuery(
  state: GeneratorState,
  types: readonly SampleType[],
  outer: Scope,
  depth: number,
  limit: string,
): string {
  const { random } = state;
  const before = state.ctes.length;
  const texts: string[] = [];
  const recursive = random.oneIn(3);
  do texts.push(recursive && texts.length === 0 ? recursiveCte(state, outer, depth) : cte(state, outer, depth));
  while (texts.length < 3 && random.oneIn(3));
  const main = plainSelect(state, types, outer, depth - 1, '', limit !== '');
  state.ctes.length = before;
  return `with ${recursive ? 'recursive ' : ''}${texts.join(', ')} ${main}`;
}

function cte(state: GeneratorState, outer: Scope, depth: number): string {
  const { random } = state;
  const types = Array.from({ length: 1 + random.below(3) }, () => random.pick<SampleType>(['text', 'int', 'jsonb']));
  const text = generateQuery(state, types, outer, depth - 1);
  const alias = state.fresh('w');
  const columns = types.map((type) => plainColumn(state.fresh('c'), type));
  state.ctes.push({ alias, columns, row: true });
  const kept = random.pick(['', '', 'materialized ', 'not materialized ']);
  return `${alias}(${columns.map(({ name }) => name).join(', ')}) as ${kept}(${text})`;
}

function recursiveCte(state: GeneratorState, outer: Scope, depth: number): string {
  const { random } = state;
  const alias = state.fresh('r');
  const [n, v] = [state.fresh('c'), state.fresh('c')];
  const columns = [plainColumn(n, 'int'), plainColumn(v, 'text')];
  const start = generateQuery(state, ['text'], outer, depth - 1);
  const self: Named = { alias, columns, row: true };
  const from = generateFrom(state, [], 0);
  const step = generateExpression(state, 'text', [self, ...from.named], depth - 1);
  const where = random.oneIn(2) ? '' : ` and ${generateCondition(state, [self, ...from.named], 0)}`;
  const operator = random.pick(['union', 'union all']);
  const extra = random.pick([
    '',
    '',
    ` search depth first by ${v} set ${state.fresh('c')}`,
    ` cycle ${v} set looped using trail`,
  ]);
  state.ctes.push(self);
  return `${alias}(${n}, ${v}) as (select 1, (z.c)::text from (${start}) z(c) ${operator} select ${alias}.${n} + 1, (${step})::text from ${alias}, ${from.text} where ${alias}.${n} < 3${where})${extra}`;
}

function groupedSelect(state: GeneratorState, types: readonly SampleType[], outer: Scope, depth: number): string {
  const { random } = state;
  const from = generateFrom(state, outer, depth - 1);
  const scope = from.named;
  const keys = ['text', 'int'].flatMap((type) => columnOf(state, type as SampleType, scope) ?? []);
  const filter = (): string => (random.oneIn(4) ? ` filter (where ${generateCondition(state, scope, depth - 2)})` : '');
  const inner = (type: SampleType): string => generateExpression(state, type, scope, depth - 2);
  const aggregate = (type: SampleType): string => {
    switch (type) {
      case 'int':
        return random
          .pick([
            `count(*)${filter()}`,
            `count(distinct ${inner('text')})${filter()}`,
            `sum(${inner('int')})${filter()}`,
            `percentile_disc(0.5) within group (order by ${inner('int')})`,
            ...(keys.length > 0 ? [`grouping(${keys[0]})`] : []),
          ])
          .concat('::int');
      case 'text':
        return random.pick([
          `max(${inner('text')})${filter()}`,
          `string_agg(${inner('text')}, ',' order by ${inner('int')})${filter()}`,
          `mode() within group (order by ${inner('text')})`,
          ...keys.slice(0, 1).map((key) => `(${key})::text`),
        ]);
      case 'jsonb':
        return random.pick([
          `jsonb_agg(${inner('text')})`,
          `jsonb_object_agg(${inner('int')}, ${inner('text')}) filter (where false)`,
        ]);
      case 'texts':
        return `array_agg(${inner('text')} order by ${inner('int')})${filter()}`;
      case 'numeric':
        return `avg(${inner('int')})`;
      case 'date':
        return `max(${inner('date')})${filter()}`;
      default:
        return `(array_agg(${inner(type)}))[1]`;
    }
  };
  const targets = types.map(aggregate);
  const having = random.oneIn(4)
    ? ` having count(*) > 0`
    : random.oneIn(8)
      ? ` having max(${inner('text')}) <> 'x'`
      : '';
  const [first, second = first] = keys;
  const group =
    first === undefined
      ? ''
      : ` group by ${random.pick([keys.join(', '), keys.join(', '), `rollup (${keys.join(', ')})`, `cube (${keys.join(', ')})`, `grouping sets ((${first}), (${second}), ())`, `distinct ${keys.join(', ')}`])}`;
  const where = random.oneIn(3) ? ` where ${generateCondition(state, scope, depth - 2)}` : '';
  return `select ${targets.join(', ')} from ${from.text}${where}${group}${having}`;
}
