import { buildCatalog, buildRelation } from '@taskgate/core';
import { createSqlAnalyzer, SQL_LIMITS } from '@taskgate/sql';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { COSTLY_TEXT, ENDLESS_TEXT } from '../testing/costly-texts.ts';
import { createAnalysisPool, isQuickToAnalyse } from './analysis-pool.ts';

const CATALOG = buildCatalog({
  version: 'shop',
  serverVersion: 170_000,
  relations: [
    buildRelation({ oid: 16_400, name: 'customers', columns: { id: 'text', email: 'text' } }),
    buildRelation({ oid: 16_401, name: 'orders', columns: { id: 'text', customer_id: 'text', status: 'text' } }),
  ],
});

/** Starting a thread and its grammar takes its time on a busy machine. */
const THREADS_MS = 60_000;

const analyzer = await createSqlAnalyzer(17);
const pool = createAnalysisPool();
afterAll(() => pool.close());

describe('an analysis in another thread', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'select id, email from customers',
      'select c.*, o.status from customers c join orders o on o.customer_id = c.id',
    ),
    fc.constantFrom(
      'update orders set status = $1 where id = 7',
      'delete from orders',
      'select * from nowhere',
      'select 1 +',
      'commit',
    ),
    fc.integer({ min: 1, max: 400 }).map((count) => `select id from orders where id in (${'1,'.repeat(count)}1)`),
    fc.integer({ min: 1, max: 60 }).map((depth) => `select ${'('.repeat(depth)}1${')'.repeat(depth)}`),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
  );

  it(
    'gives what the one in line gives, for any text',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 5 }), async (pieces) => {
          const text = pieces.join(';\n');
          expect(await pool.analyze(text, CATALOG)).toEqual(structuredClone(analyzer.analyze(text, CATALOG)));
        }),
        { numRuns: 60, seed: 7 },
      );
    },
    THREADS_MS,
  );

  it(
    'copies a catalog once a version and thread, not once a statement',
    async () => {
      let copies = 0;
      const catalog = {
        ...CATALOG,
        version: 'counted',
        get relations() {
          copies += 1;
          return CATALOG.relations;
        },
      };
      const one = createAnalysisPool({ workers: 1 });
      const texts = Array.from({ length: 20 }, (_, index) => `select id from customers where id = ${index}`);
      const operations = await Promise.all(texts.map((text) => one.analyze(text, catalog)));
      expect(operations.map(([operation]) => operation!.text)).toEqual(texts);
      expect(copies).toBe(1);
      await one.close();
    },
    THREADS_MS,
  );

  it(
    'keeps catalogs apart, and the thread takes up again one that it let go',
    async () => {
      const one = createAnalysisPool({ workers: 1 });
      const without = (index: number) => ({
        ...CATALOG,
        version: `without-${index}`,
        relations: CATALOG.relations.slice(index % 2),
      });
      const text = 'select 1 from customers';
      for (const round of [0, 1])
        for (let index = 0; index < 12; index++) {
          const [operation] = await one.analyze(text, without(index));
          expect([round, index, operation!.unknowns.length]).toEqual([round, index, index % 2]);
        }
      await one.close();
    },
    THREADS_MS,
  );

  it(
    'that passes its deadline is ended and refused, and the next one is served',
    async () => {
      const one = createAnalysisPool({ workers: 1, deadlineMs: 2_000 });
      const [late, next] = await Promise.all([one.analyze(ENDLESS_TEXT, CATALOG), one.analyze('select 1', CATALOG)]);
      expect(late).toMatchObject([
        {
          statementClass: 'other',
          unknowns: [{ code: 'too-large', message: expect.stringContaining('longer than 2 s') }],
        },
      ]);
      expect(next).toMatchObject([{ statementClass: 'select', unknowns: [] }]);
      await one.close();
    },
    THREADS_MS,
  );

  it(
    'is refused at once where too many wait, or too much',
    async () => {
      const one = createAnalysisPool({ workers: 1, waiting: 2, waitingLength: 1_000 });
      const waiting = ['select 1', 'select 2'].map((text) => one.analyze(text, CATALOG));
      const refused = await one.analyze('select 3', CATALOG);
      expect(refused[0]!.unknowns[0]!.message).toContain('too many large statements wait');
      expect((await Promise.all(waiting)).map(([operation]) => operation!.unknowns)).toEqual([[], []]);
      const long = await one.analyze(`select '${'x'.repeat(1_000)}'`, CATALOG);
      expect(long[0]!.unknowns[0]!.message).toContain('too many large statements wait');
      await one.close();
    },
    THREADS_MS,
  );
});

describe('what is analysed in line', () => {
  it('is short and hardly recursive', () => {
    expect(isQuickToAnalyse('select 1')).toBe(true);
    expect(isQuickToAnalyse('with recursive t as (select 1 union all select 1 from t) select * from t')).toBe(true);
    expect(isQuickToAnalyse(`select '${'x'.repeat(3_000)}'`)).toBe(false);
    expect(isQuickToAnalyse(COSTLY_TEXT)).toBe(false);
    expect(isQuickToAnalyse(`select '${'x'.repeat(SQL_LIMITS.bytes)}'`)).toBe(true);
  });
});
