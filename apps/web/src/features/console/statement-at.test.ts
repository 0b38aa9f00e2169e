import { describe, expect, test } from 'vitest';
import { splitStatements, statementAt } from './statement-at.ts';

const texts = (sql: string) => splitStatements(sql).map(({ from, to }) => sql.slice(from, to));

describe('a semicolon cuts only where it ends a statement', () => {
  test.each([
    ['select 1; select 2', ['select 1;', 'select 2']],
    ["select ';'; select 2", ["select ';';", 'select 2']],
    ["select 'it''s;'; x", ["select 'it''s;';", 'x']],
    ["select e'\\';'; x", ["select e'\\';';", 'x']],
    ['select ";" from "a;b"; x', ['select ";" from "a;b";', 'x']],
    ['select 1 -- ; no\n; x', ['select 1 -- ; no\n;', 'x']],
    ['select /* ; /* ; */ ; */ 1; x', ['select /* ; /* ; */ ; */ 1;', 'x']],
    ['do $$ begin; end $$; x', ['do $$ begin; end $$;', 'x']],
    ['do $a$ ; $$ ; $a$; x', ['do $a$ ; $$ ; $a$;', 'x']],
    ['select $1; x', ['select $1;', 'x']],
    ['  ;; -- only this\n /* and this */ ;', []],
    ["select 'open; x", ["select 'open; x"]],
    ['', []],
  ])('%s', (sql, expected) => expect(texts(sql)).toEqual(expected));
});

test('the statement under the cursor is the one that runs', () => {
  const sql = 'select 1;\n\nselect 2;\nselect 3';
  const at = (cursor: number) => {
    const span = statementAt(sql, cursor);
    return span && sql.slice(span.from, span.to);
  };
  expect(at(0)).toBe('select 1;');
  expect(at(9)).toBe('select 1;');
  expect(at(10)).toBe('select 1;');
  expect(at(15)).toBe('select 2;');
  expect(at(sql.length)).toBe('select 3');
  expect(statementAt('  ', 1)).toBeNull();
});
