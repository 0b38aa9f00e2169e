import { expect, test } from 'vitest';
import { toJson, toTsv } from './copy-rows.ts';

const columns = [{ name: 'id' }, { name: 'note' }, { name: 'note' }];

test('no value can break a line or a column of copied text', () => {
  const text = toTsv({ columns, rows: [['1', 'a\tb\nc\\d', null]] });
  expect(text).toBe('id\tnote\tnote\n1\ta\\tb\\nc\\\\d\t\\N');
});

test('columns of one name keep both their values, and digits are not lost', () => {
  expect(JSON.parse(toJson({ columns, rows: [['12345678901234567890', 'a', null]] }))).toEqual([
    { id: '12345678901234567890', note: 'a', note_2: null },
  ]);
});
