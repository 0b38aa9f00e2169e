import { expect, test } from 'vitest';
import { mergeOperations, resumeAfter } from './merge-operations.ts';

const done = (seq: number) => ({ seq, result: 'done' as string | null });
const running = (seq: number) => ({ seq, result: null as string | null });

test('an operation that was under way is read again, and none twice', () => {
  const held = [done(1), running(4), done(6)];
  expect(resumeAfter(held)).toBe(3);
  expect(mergeOperations(held, [done(4), done(6), running(9)])).toEqual([done(1), done(4), done(6), running(9)]);
});

test('with nothing under way reading goes on after the last', () => {
  expect(resumeAfter([done(1), done(7)])).toBe(7);
  expect(resumeAfter([])).toBeNull();
});
