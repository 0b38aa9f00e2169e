import { expect, test } from 'vitest';
import { createIndexPace } from './index-pace.ts';

function paceAt() {
  const time = { ms: 0 };
  return { time, pace: createIndexPace(() => time.ms) };
}

test('the index has a tenth of the time while more comes than it is to keep up with', () => {
  const { time, pace } = paceAt();
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
  expect(turns).toBeGreaterThan(10);
  expect(worked / 60_000).toBeLessThan(0.11);
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
