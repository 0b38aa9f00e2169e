import { expect, test } from 'vitest';
import { buildTimeline, type ReadEvent } from './index.ts';

function operation(seq: number, decisionId: string, outcome: 'allow' | 'deny' | 'hold'): ReadEvent {
  return {
    seq,
    at: seq * 10,
    kind: 'operation',
    decisionId,
    statementClass: 'select',
    label: 'SELECT',
    relations: [],
    decision: { outcome, reasons: [] },
    catalogVersion: 'c',
    fingerprint: 'f',
    via: 'simple',
  };
}

function outcome(seq: number, decisionId: string): ReadEvent {
  return {
    seq,
    at: seq * 10,
    kind: 'outcome',
    decisionId,
    outcome: 'done',
    tag: 'SELECT 1',
    rows: 1,
    bytes: 1,
    maskedCells: 0,
    durationMs: 7,
    sqlstate: null,
  };
}

test('operations come in the order of their decisions, each with what belongs to it', () => {
  const timeline = buildTimeline([
    operation(0, 'a', 'allow'),
    operation(1, 'b', 'allow'),
    { seq: 2, at: 20, kind: 'shape', decisionId: 'b', columns: [{ name: 'id', typeOid: 23, mask: null }] },
    { seq: 3, at: 30, kind: 'rows', decisionId: 'b', count: 1, secret: { rows: [['1']] } },
    { seq: 4, at: 40, kind: 'rows', decisionId: 'b', count: 1, secret: { rows: [['2']] } },
    outcome(5, 'b'),
    outcome(6, 'a'),
  ]);
  expect(timeline.operations.map((each) => [each.operation.decisionId, each.status, each.durationMs])).toEqual([
    ['a', 'done', 7],
    ['b', 'done', 7],
  ]);
  expect(timeline.operations[1]).toMatchObject({ rows: [['1'], ['2']], rowsRecorded: 2, shape: { seq: 2 } });
  expect(timeline).toMatchObject({ durationMs: 60, end: null, orphans: [] });
});

test('an operation without an outcome is unknown, a denied one was refused', () => {
  const timeline = buildTimeline([operation(0, 'a', 'allow'), operation(1, 'b', 'deny')]);
  expect(timeline.operations.map((each) => each.status)).toEqual(['unknown', 'refused']);
});

test('a hold shows who decided and how long it lasted; not approved, the operation never ran', () => {
  const timeline = buildTimeline([
    operation(0, 'a', 'hold'),
    { seq: 1, at: 100, kind: 'hold-opened', decisionId: 'a', holdId: 'h' },
    {
      seq: 2,
      at: 400,
      kind: 'hold-closed',
      decisionId: 'a',
      holdId: 'h',
      outcome: 'refused',
      by: ['r'],
      comment: 'no',
    },
    operation(3, 'b', 'hold'),
    { seq: 4, at: 500, kind: 'hold-opened', decisionId: 'b', holdId: 'i' },
    {
      seq: 5,
      at: 600,
      kind: 'hold-closed',
      decisionId: 'b',
      holdId: 'i',
      outcome: 'approved',
      by: ['r'],
      comment: null,
    },
    operation(6, 'c', 'hold'),
    { seq: 7, at: 700, kind: 'hold-opened', decisionId: 'c', holdId: 'j' },
  ]);
  const [refused, approved, waiting] = timeline.operations;
  expect(refused).toMatchObject({
    status: 'refused',
    heldMs: 300,
    holds: [{ outcome: 'refused', by: ['r'], comment: 'no' }],
  });
  expect(approved).toMatchObject({ status: 'unknown', heldMs: 100 });
  expect(waiting).toMatchObject({ status: 'unknown', heldMs: 0, holds: [{ closedAt: null }] });
});

test('rows that were not opened are counted, not shown', () => {
  const timeline = buildTimeline([
    operation(0, 'a', 'allow'),
    { seq: 1, at: 1, kind: 'rows', decisionId: 'a', count: 5 },
  ]);
  expect(timeline.operations[0]).toMatchObject({ rows: null, rowsRecorded: 5 });
});

test('events of an operation that is not there are set apart', () => {
  expect(buildTimeline([outcome(0, 'x')]).orphans).toHaveLength(1);
});
