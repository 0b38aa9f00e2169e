import { expect, test } from 'vitest';
import { axisOf, segmentsOf, type Timed } from './time-axis.ts';

const at = (seconds: number): string => new Date(seconds * 1000).toISOString();
const grant = (requested: number, activated: number | null, ended: number | null): Timed => ({
  state: ended === null ? 'active' : 'ended',
  requestedAt: at(requested),
  activatedAt: activated === null ? null : at(activated),
  endedAt: ended === null ? null : at(ended),
});

test('the axis goes from the first request to the last end, and to now while anything goes on', () => {
  const ended = [grant(100, 110, 150), grant(120, 125, 200)];
  expect(axisOf(ended, 999_000)).toEqual({ start: 100_000, end: 200_000 });
  expect(axisOf([...ended, grant(130, 130, null)], 300_000)).toEqual({ start: 100_000, end: 300_000 });
});

test('a bar shows how long it was asked for and how long active, on the axis of all', () => {
  const axis = { start: 100_000, end: 200_000 };
  expect(segmentsOf(grant(100, 110, 150), axis, 200_000)).toEqual([
    { kind: 'asked', from: 0, width: 10 },
    { kind: 'active', from: 10, width: 40 },
  ]);
  // Never active: it waited until it ended.
  expect(segmentsOf(grant(150, null, 160), axis, 200_000)).toEqual([{ kind: 'asked', from: 50, width: 10 }]);
  // Live ones grow to now, and not beyond the axis though a clock is ahead.
  expect(segmentsOf(grant(150, 150, null), axis, 200_000).at(-1)).toEqual({ kind: 'active', from: 50, width: 50 });
  expect(segmentsOf(grant(150, 150, null), axis, 260_000).at(-1)).toEqual({ kind: 'active', from: 50, width: 50 });
});

test('a run that has only just begun has an axis that is not empty', () => {
  const { start, end } = axisOf([grant(100, null, null)], 100_000);
  expect(end).toBeGreaterThan(start);
});
