import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createSqlAnalyzer, isAllowedSystemRelation } from './index.ts';
import { SHOP_CATALOG } from './shop-catalog.ts';

const folder = fileURLToPath(new URL('./fixtures/understood/', import.meta.url));

/** Blocks of a file that begin with `--- name`. */
function readBlocks(file: string): readonly (readonly [string, string])[] {
  return readFileSync(folder + file, 'utf8')
    .split(/^--- /m)
    .slice(1)
    .map((block) => [block.slice(0, block.indexOf('\n')), block.slice(block.indexOf('\n') + 1)] as const);
}

const analyzer = await createSqlAnalyzer(15);
const newest = await createSqlAnalyzer(18);

for (const file of readdirSync(folder)) {
  describe(`what clients send is understood and harmless: ${file}`, () => {
    test.each(readBlocks(file))('%s', (_name, text) => {
      for (const one of [analyzer, newest]) {
        for (const operation of one.analyze(text, SHOP_CATALOG)) {
          expect(operation.unknowns).toEqual([]);
          expect(operation.functions.filter((use) => !use.harmless)).toEqual([]);
          const strange = operation.accesses.filter(
            ({ system, relation }) => system && !isAllowedSystemRelation(relation.schema, relation.name),
          );
          expect(strange).toEqual([]);
          expect(operation.accesses.filter((access) => access.system && access.verb !== 'select')).toEqual([]);
        }
      }
    });
  });
}
