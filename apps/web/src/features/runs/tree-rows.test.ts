import { expect, test } from 'vitest';
import type { GrantTreeView } from '@/lib/views.ts';
import { arrangeRows, liveBelow } from './tree-rows.ts';

const node = (id: string, parentId: string | null, state = 'active') => ({ grant: { id, parentId, state } });
const step = (task: string, grantId: string | null) => ({ task, grantId, after: [], state: 'blocked', why: null });
const treeOf = (nodes: object[], steps: object[] = []): GrantTreeView =>
  ({ rootId: 'root', nodes, steps, more: false }) as unknown as GrantTreeView;
const shapeOf = (tree: GrantTreeView, collapsed: string[] = []) =>
  arrangeRows(tree, new Set(collapsed)).map((row) => `${row.level} ${row.id} ${row.position}/${row.siblings}`);

const TREE = treeOf(
  [node('root', null), node('a', 'root'), node('b', 'root', 'ended'), node('a1', 'a')],
  [step('first', 'a'), step('second', null)],
);

test('children stand under their parent, and steps that nobody started after those that somebody did', () => {
  expect(shapeOf(TREE)).toEqual(['1 root 1/1', '2 a 1/3', '3 a1 1/1', '2 b 2/3', '2 step:second 3/3']);
});

test('what is folded away is left out, and its parent says so', () => {
  expect(shapeOf(TREE, ['a'])).toEqual(['1 root 1/1', '2 a 1/3', '2 b 2/3', '2 step:second 3/3']);
  expect(arrangeRows(TREE, new Set(['root'])).map(({ id, expanded }) => [id, expanded])).toEqual([['root', false]]);
  expect(arrangeRows(TREE, new Set()).find(({ id }) => id === 'b')?.expanded).toBeNull();
});

test('a grant whose parent the reader may not see stands at the top', () => {
  expect(shapeOf(treeOf([node('a', 'root'), node('a1', 'a')], [step('second', null)]))).toEqual([
    '1 a 1/1',
    '2 a1 1/1',
  ]);
});

test('what ends with a grant is all below it that has not ended', () => {
  expect(liveBelow(TREE, 'root')).toBe(2);
  expect(liveBelow(TREE, 'a')).toBe(1);
  expect(liveBelow(TREE, 'b')).toBe(0);
});
