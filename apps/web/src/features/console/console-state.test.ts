import type { ConsoleEvent } from '@taskgate/contracts';
import { expect, test } from 'vitest';
import { type ConsoleState, INITIAL_STATE, reduceConsole } from './console-state.ts';

const after = (events: readonly ConsoleEvent[], from: ConsoleState = INITIAL_STATE): ConsoleState =>
  events.reduce((state, event) => reduceConsole(state, { kind: 'event', event }), from);
const sent = (sql: string, id = 1): ConsoleState =>
  reduceConsole(INITIAL_STATE, { kind: 'sent', id, sql, offset: 0, at: '2026-11-22T10:00:00Z' });
const column = { name: 'id', typeOid: 23, mask: null };

test('each result of one text is kept, those without rows by their tag', () => {
  const state = after(
    [
      { type: 'columns', id: 1, columns: [column] },
      { type: 'rows', id: 1, rows: [['1'], ['2']] },
      { type: 'rows', id: 1, rows: [[null]] },
      { type: 'complete', id: 1, tag: 'SELECT 3', truncated: false },
      { type: 'complete', id: 1, tag: 'UPDATE 1', truncated: false },
      { type: 'columns', id: 1, columns: [column] },
      { type: 'complete', id: 1, tag: 'SELECT 0', truncated: false },
      { type: 'done', id: 1, transaction: 'open', durationMs: 4.2 },
    ],
    sent('select 1'),
  );
  expect(state.runs[0]!.sets.map(({ tag, rows }) => [tag, rows.length])).toEqual([
    ['SELECT 3', 3],
    ['UPDATE 1', 0],
    ['SELECT 0', 0],
  ]);
  expect(state.running).toBeNull();
  expect(state.transaction).toBe('open');
});

test('an error leaves what came before it, and the console usable', () => {
  const state = after(
    [
      { type: 'complete', id: 1, tag: 'BEGIN', truncated: false },
      { type: 'error', id: 1, sqlstate: '42501', message: 'no', detail: null, hint: null, position: 8, link: null },
      { type: 'done', id: 1, transaction: 'failed', durationMs: 1 },
    ],
    sent('begin; select ssn'),
  );
  expect(state.runs[0]!.sets).toHaveLength(1);
  expect(state.runs[0]!.error?.sqlstate).toBe('42501');
  expect(state.running).toBeNull();
});

test('the first reason for the end is the one shown', () => {
  const ended = after([{ type: 'ended', code: '57P01', message: 'the grant has ended' }]);
  const lost = reduceConsole(ended, { kind: 'lost', code: 'closed', message: 'the connection closed' });
  expect(lost.ended?.message).toBe('the grant has ended');
});

test('history keeps every text, and results of the last few only', () => {
  let state: ConsoleState = INITIAL_STATE;
  for (let id = 1; id <= 8; id++) {
    state = reduceConsole(state, { kind: 'sent', id, sql: `select ${id}`, offset: 0, at: '' });
    state = after([{ type: 'complete', id, tag: 'SELECT 1', truncated: false }], state);
  }
  expect(state.runs.map((run) => run.sql)).toHaveLength(8);
  expect(state.runs.filter((run) => run.sets.length > 0).map((run) => run.id)).toEqual([4, 5, 6, 7, 8]);
});

test('what belongs to no run of this page changes nothing', () => {
  const state = sent('select 1');
  expect(after([{ type: 'rows', id: 99, rows: [['x']] }], state)).toEqual(state);
});
