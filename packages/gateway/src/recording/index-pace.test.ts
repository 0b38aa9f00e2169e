import { expect, test } from 'vitest';
import { createIndexPace } from './index-pace.ts';

function paceAt(utilization = 0.5) {
  const time = { ms: 0 };
  return { time, pace: createIndexPace({ monotonicMs: () => time.ms, utilization: () => utilization }) };
}

test.each([
  { of: 'a tenth of the time while more comes than it is to keep up with', utilization: 0.5, most: 0.11, turns: 10 },
  { of: 'a fiftieth where the event loop is full, and goes on', utilization: 0.97, most: 0.025, turns: 10 },
])('the index has $of', ({ utilization, most, turns: least }) => {
  const { time, pace } = paceAt(utilization);
  for (; time.ms <= 2_000; time.ms += 100) pace.arrive(200);
  expect(pace.busy).toBe(true);
  let [worked, turns, quiet, second] = [0, 0, 0, 0];
  const began = time.ms;
  for (; time.ms < began + 60_000; time.ms += 1) {
    pace.arrive(2);
    if (!pace.busy) quiet += 1;
    if (!pace.isTurn()) continue;
    turns += 1;
    // Nobody else begins while a call goes on.
    if (pace.isTurn()) second += 1;
    time.ms += 50;
    pace.took(50);
    worked += 50;
  }
  expect({ quiet, second }).toEqual({ quiet: 0, second: 0 });
  expect(turns).toBeGreaterThan(least);
  expect(worked / 60_000).toBeLessThan(most);
});

test('calls out of turn, however many and long, keep nobody from a turn for ever', () => {
  const { time, pace } = paceAt(0.97);
  for (; time.ms <= 2_000; time.ms += 100) pace.arrive(200);
  let turns = 0;
  for (const began = time.ms; time.ms < began + 60_000; time.ms += 200) {
    pace.arrive(200);
    pace.took(100);
    if (pace.isTurn()) turns += 1;
  }
  expect(turns).toBeGreaterThanOrEqual(5);
});

test('it waits for nothing once it is quiet', () => {
  const { time, pace } = paceAt();
  pace.arrive(10_000);
  time.ms = 1_500;
  expect(pace.busy).toBe(true);
  time.ms = 3_000;
  expect(pace.busy).toBe(false);
  pace.arrive(90);
  time.ms = 4_000;
  expect(pace.busy).toBe(false);
});
