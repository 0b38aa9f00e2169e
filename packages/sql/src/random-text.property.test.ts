import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSqlAnalyzer, summarizeOperation } from './index.ts';
import { SHOP_CATALOG } from './shop-catalog.ts';

const analyzer = await createSqlAnalyzer(16);
const folder = fileURLToPath(new URL('./fixtures/understood/', import.meta.url));
const statements = readdirSync(folder).flatMap((file) =>
  readFileSync(folder + file, 'utf8')
    .split(/^--- .*$/m)
    .slice(1),
);

const word = fc.constantFrom(
  ...'select from where with as ( ) , . * ; customers ssn orders id public pg_class lateral join using on union all recursive insert into values update set delete returning merge copy to stdout explain analyze declare cursor for create table view prepare execute $1 1 null true :: text int over partition by order group limit exists in any array row case when then end = || [ ] is not and or old new excluded conflict do nothing fetch begin commit'.split(
    ' ',
  ),
  "'x'",
  '"x"',
  'é',
  '\u{1f600}',
  '--',
  '/*',
  '$$',
);

function isSound(text: string): void {
  const operations = analyzer.analyze(text, SHOP_CATALOG);
  expect(operations.length).toBeGreaterThan(0);
  expect(analyzer.analyze(text, SHOP_CATALOG)).toEqual(operations);
  for (const operation of operations) {
    expect(text.includes(operation.text)).toBe(true);
    expect(summarizeOperation(operation)).not.toBe('');
  }
}

test('no text makes the analysis throw, and one text has one meaning', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), isSound), { numRuns: 200 });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), (words) => isSound(words.join(' '))),
    { numRuns: 500 },
  );
});

test('no mutation of what clients send makes the analysis throw', () => {
  const mutation = fc.record({
    text: fc.constantFrom(...statements),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(20),
    put: fc.oneof(word, fc.string({ maxLength: 5 })),
  });
  fc.assert(
    fc.property(mutation, ({ text, at, cut, put }) => {
      const place = Math.floor(at * text.length);
      isSound(`${text.slice(0, place)} ${put} ${text.slice(place + cut)}`);
    }),
    { numRuns: 300 },
  );
});
