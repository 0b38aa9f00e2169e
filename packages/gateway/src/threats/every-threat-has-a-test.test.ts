import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { WAYS } from '../testing/every-way.ts';
import { COLUMN_FORMS, WRITING_FORMS } from './column-forms.ts';
import { REFUSED_STATEMENTS } from './statement-rows.ts';

// The list: P1 to P23 are statements, W1 to W23 what the protocol can be made to do, 1.2 the forms of a column.
const IDS = ['P', 'W'].flatMap((letter) => Array.from({ length: 23 }, (_, index) => `${letter}${index + 1}`));

/** Rows that a browser cannot send: the console makes each of its messages one simple query, and nothing else. */
const NOT_BY_THE_CONSOLE: Readonly<Record<string, string>> = {
  W1: 'a simple query is always described',
  W2: 'a simple query answers in text',
  W6: 'it sends no function call',
  W9: 'it sends no startup parameters: the gateway does',
  W16: 'the handshake is HTTP’s; before a ticket it is in the test of W17',
  W20: 'tried each way in hostile-target',
};

/** Rows whose tests are not statements of the table: the titles of the tests in these files name them. */
const titlesIn = (file: string): readonly string[] => {
  const source = fs.readFileSync(path.join(import.meta.dirname, file), 'utf8');
  return [...source.matchAll(/\b(?:describe|it)(?:\.each\([\s\S]*?\))?\(\s*(['"`])(.*?)\1/g)].map(
    ([, , title]) => title!,
  );
};
const files = fs.readdirSync(import.meta.dirname).filter((file) => file.endsWith('.pg.test.ts'));
const named = (id: string, from: readonly string[]): boolean =>
  from.some((file) => titlesIn(file).some((title) => new RegExp(`\\b${id}\\b`).test(title)));

describe('every row of the list of threats has a test', () => {
  it.each(IDS)('%s, on each way that can send it', (id) => {
    const everyWay = REFUSED_STATEMENTS.some(([row, , , ways]) => row === id && ways === undefined);
    if (everyWay) return;
    // Else by messages of its own, and by the console's where it can.
    expect(
      named(
        id,
        files.filter((file) => file !== 'w-console.pg.test.ts'),
      ),
      `${id} by the protocol`,
    ).toBe(true);
    if (NOT_BY_THE_CONSOLE[id] === undefined)
      expect(
        named(id, ['w-console.pg.test.ts', 'stalls.pg.test.ts']) ||
          REFUSED_STATEMENTS.some(([row, , , ways]) => row === id && ways?.includes('console')),
        `${id} by the console`,
      ).toBe(true);
  });

  it('each statement of the table is one of the list, and says what it is', () => {
    for (const [id, what, text, ways] of REFUSED_STATEMENTS) {
      expect(IDS).toContain(id);
      expect(what).not.toBe('');
      expect(text).not.toBe('');
      for (const way of ways ?? []) expect(WAYS).toContain(way);
    }
    const texts = REFUSED_STATEMENTS.map(([, , text]) => text);
    expect(texts.filter((text, index) => texts.indexOf(text) !== index)).toEqual([]);
  });

  it('1.2 has every form that was measured', () => {
    const names = new Map([...COLUMN_FORMS, ...WRITING_FORMS].map(({ name, origin }) => [name, origin]));
    const measured: Readonly<Record<string, readonly string[]>> = {
      survives: [
        'plain',
        'alias',
        'parentheses',
        'star',
        'no-op cast',
        'subselect in from',
        'CTE',
        'CTE materialized',
        'left join',
        'distinct',
        'group by',
        'grouping sets',
        'order and limit',
        'lateral subselect',
        'field of a row',
        'returning',
        'fetch',
        'execute',
        'table',
        'for update',
        'tablesample',
        'only',
        'inherited child',
      ],
      lost: [
        'cast to varchar',
        'cast to varchar of a length',
        'collate',
        'concatenation',
        'substr',
        'scalar sublink',
        'union',
        'union all',
        'full join using',
        'function of rows in from',
        'function of rows among the targets',
        'function that returns a table',
        'row as text',
        'row_to_json',
        'to_jsonb',
        'max',
        'array_agg',
        'window first_value',
        'coalesce',
        'case',
        'lateral values',
        'unnest',
        'xmlelement',
        'xmltable',
        'json_table',
        'ts_stat',
        'dblink',
        'explain',
      ],
      special: ['whole row', 'system column beside it', 'view', 'materialized view', 'table made of it', 'statistics'],
      misleading: ['update and returning'],
    };
    for (const [origin, forms] of Object.entries(measured))
      for (const name of forms) expect([name, names.get(name)]).toEqual([name, origin]);
  });
});
