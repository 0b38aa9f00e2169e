import { describe, expect, test } from 'vitest';
import { createSqlAnalyzer, SQL_LIMITS } from './index.ts';
import { SHOP_CATALOG } from './shop-catalog.ts';

const analyzer = await createSqlAnalyzer(17);

function firstUnknown(text: string): string | undefined {
  return analyzer.analyze(text, SHOP_CATALOG)[0]?.unknowns[0]?.code;
}

const nested = (depth: number, open: string, close: string, inside = '1') =>
  `select ${open.repeat(depth)}${inside}${close.repeat(depth)}`;

/** Each level stands in the WITH of the next, so that looking twice at each would double with every level. */
function nestedRecursion(depth: number): string {
  if (depth === 0) return 'a as (select 1 union all select 1)';
  return `r${depth} as (with recursive ${nestedRecursion(depth - 1)} select 1 union all select 1 from r${depth})`;
}

describe('a text over a limit ends in a clear refusal', () => {
  test.each([
    ['a million elements of an in list', `select 1 in (${'1,'.repeat(1_000_000)}1)`],
    ['elements of an in list within the bytes', `select 1 in (${'1,'.repeat(400_000)}1)`],
    ['bytes', `select '${'x'.repeat(SQL_LIMITS.bytes)}'`],
    ['two bytes a character', `select '${'é'.repeat(SQL_LIMITS.bytes / 2)}'`],
    ['parentheses', nested(10_000, '(', ')')],
    ['subqueries', nested(5_000, '(select ', ')')],
    ['sums', nested(3_000, '1+', '')],
    ['nots', nested(3_000, 'not ', '', 'true')],
    ['cases, which end the stack of the parser', nested(3_000, 'case when true then ', ' end')],
    ['unions', `select 1${' union all select 1'.repeat(2_000)}`],
    ['statements', 'select 1;'.repeat(SQL_LIMITS.statements + 1)],
    [
      'columns that double with every level',
      `with ${Array.from({ length: 40 }, (_, i) => `a${i} as (select * from ${i ? `a${i - 1} x, a${i - 1} y` : 'customers'})`)} select 1`,
    ],
    ['recursion within recursion', `with recursive ${nestedRecursion(40)} select 1`],
  ])('%s', (_name, text) => {
    expect(firstUnknown(text)).toBe('too-large');
  });

  test('the parser works after texts that ended its stack', async () => {
    for (let round = 0; round < 3; round += 1) {
      expect(firstUnknown(nested(3_000, 'case when true then ', ' end'))).toBe('too-large');
      expect(firstUnknown(nested(1_500, '1+(select 1+', ')', '1'))).toBe('too-large');
      // A broken instance is replaced between turns of the loop.
      await new Promise((resolve) => setImmediate(resolve));
      await expect.poll(() => firstUnknown('select id from customers')).toBe(undefined);
    }
  });

  test('what people write passes: long literals, long lists, many rows, many joins', () => {
    expect(firstUnknown(`select '${'x,('.repeat(300_000)}'`)).toBe(undefined);
    expect(firstUnknown(`select id from customers where id in (${'1,'.repeat(10_000)}1)`)).toBe(undefined);
    expect(firstUnknown(`insert into orders(id, status) values ${"(1,'x'),".repeat(5_000)}(1,'x')`)).toBe(undefined);
    expect(firstUnknown(`select 1 from orders${' cross join orders'.repeat(0)}`)).toBe(undefined);
    expect(firstUnknown(nested(100, '(select ', ')'))).toBe(undefined);
    expect(firstUnknown(`select id from orders where ${'id = 1 or '.repeat(2_000)}true`)).toBe(undefined);
  });
});

test('an unsupported version is refused, naming those that are supported', async () => {
  await expect(createSqlAnalyzer(14)).rejects.toThrow('`14` is not supported; use one of 15, 16, 17, 18');
  await expect(createSqlAnalyzer(Number.NaN)).rejects.toMatchObject({ code: 'not-supported' });
});
