import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSqlAnalyzer } from './index.ts';
import { SHOP_CATALOG } from './shop-catalog.ts';
import { statementShape } from './statement-shape.ts';

const analyzer = await createSqlAnalyzer(18);

/** All that is decided by: everything but the text itself and the places in it. */
const meaning = (text: string): string =>
  JSON.stringify(analyzer.analyze(text, SHOP_CATALOG), (key, value: unknown) =>
    key === 'text' || key === 'position' ? undefined : value,
  );

/** What a statement can be made of: numbers where they are values, and where they mean more. */
const piece = fc.constantFrom(
  'select id, total from orders where id = 7',
  'select id from orders where id >= 7 and id <> 12 or total < 5 + 6',
  'select id, -3 from orders where id = - 4',
  'select id from orders order by id + 1, 2',
  'select id, status from orders order by 2',
  'select id, status from orders order by -1',
  'select status from orders group by 1',
  'select id, status, total from orders order by - -2',
  'select id, status, total from orders order by - ( - 2 )',
  'select status, count(*) from orders where id = -4 group by - -1',
  'select distinct on (- -1) id, status from orders',
  'select id from orders where id = - -4 and total in (-5, +6)',
  'explain (analyze +0) delete from orders where id = 1',
  'select id from orders where id = 7 limit 3 offset 4',
  "select id from orders where status = 'open 5' and id = 5",
  'select id::numeric(10, 2) from orders where id = 3',
  'update orders set total = total + 17 where id = 2',
  'delete from orders where id = 1',
  "insert into orders (id, status) values (1, 'x')",
  'insert into orders (id, total) values (1, -5), (2, +7)',
  'insert into orders (id) values ((select id from orders order by 1, 2))',
  'select nope from orders where id = 9',
  'select email from customers where id = 9 and id < 100',
  'with a as (select id from orders where id = 5) select id from a where id = 6',
  'select id % 3, id * 2 from orders where id / 2 = 4',
);

test('statements of one shape mean the same', () => {
  fc.assert(
    fc.property(piece, fc.infiniteStream(fc.nat(999_999_999)), (text, numbers) => {
      const shape = statementShape(text);
      if (shape === null) return;
      const [first, ...rest] = shape.split('\u0001');
      const other = rest.reduce((before, part) => `${before}${numbers.next().value}${part}`, first!);
      expect(statementShape(other)).toBe(shape);
      expect(meaning(other)).toBe(meaning(text));
    }),
    { numRuns: 400 },
  );
});

test('a number counts as a value only where it is certainly one', () => {
  const shape = (text: string) => statementShape(text)?.replaceAll('\u0001', '?') ?? null;
  expect(shape('select a from t where id = 5 and b >= 17')).toBe('select a from t where id = ? and b >= ?');
  expect(shape('update t set a = a + -12 where id = 3;')).toBe('update t set a = a + -? where id = ?;');
  expect(shape("insert into t (a, b) values (1, 'x', 3)")).toBe("insert into t (a, b) values (?, 'x', ?)");
  for (const kept of ['order by 2', 'limit 5', 'a[1]', '::varchar(20)', 'fetch first 3 rows only', 't1', '1e5', '0x1f'])
    expect(shape(`select a from t where b = 5 ${kept}`)?.endsWith(kept)).toBe(true);
  for (const other of ['= 1234567890', '= 1.5', '= 1e5', '= 0x1f', '= 5x', '= 5_000'])
    expect(shape(`select a from t where b ${other}`)).toBeNull();
});

describe('nothing that could be read otherwise has a shape', () => {
  test.each([
    ['two statements', 'select 1 where 1 = 5; delete from t where a = 5'],
    ['a comment', 'select a from t where b = 5 -- 6'],
    ['a block comment', 'select a from t where b = 5 /* 6 */'],
    ['a quoted name', 'select "a" from t where b = 5'],
    ['dollar quotes', 'select $$ = 5 $$ from t where b = 5'],
    ['a parameter', 'select a from t where b = $1 and c = 5'],
    ['an escape string', "select E'\\' = 5' from t where b = 5"],
    ['a backslash', "select '\\' from t where b = 5"],
    ['an open string', "select 'a from t where b = 5"],
    ['a unicode string', "select U&'a' from t where b = 5"],
    ['a bit string', "select B'1' from t where b = 5"],
    ['another space', 'select a\u00a0from t where b = 5'],
    ['a placeholder of its own', 'select a from t where b = \u0001 and c = 5'],
    ['no number', 'select a from t'],
  ])('%s', (_what, text) => {
    expect(statementShape(text)).toBeNull();
  });
});
