import { expect, test } from 'vitest';
import { dayFromNow, fromLocalInput, toLocalInput } from './local-instant.ts';

test('a field and the address say the same instant, to the minute', () => {
  const iso = '2026-11-24T08:05:00.000Z';
  expect(fromLocalInput(toLocalInput(iso))).toBe(iso);
  expect(toLocalInput('')).toBe('');
  expect(toLocalInput('yesterday')).toBe('');
  expect(fromLocalInput('')).toBeNull();
});

test('days begin at the reader’s own midnight', () => {
  const now = new Date(2026, 10, 24, 15, 30).getTime();
  expect(dayFromNow(0, now)).toBe(new Date(2026, 10, 24).toISOString());
  expect(dayFromNow(-1, now)).toBe(new Date(2026, 10, 23).toISOString());
});
