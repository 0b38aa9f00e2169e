import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { parseInput } from './parse-input.ts';

const Input = z.object({ q: z.string().optional(), labels: z.record(z.string(), z.string()).optional() });

describe('input', () => {
  it.each([
    ['q', { q: 'a\0b' }],
    ['q', { q: 'a\ud800b' }],
    ['labels.env', { labels: { env: '\0' } }],
    ['labels.e\0', { labels: { 'e\0': 'x' } }],
  ])(
    'that the store cannot keep as it was said is refused with its path, not failed at the store: %s',
    (path, input) => {
      expect(() => parseInput(Input, input)).toThrowError(
        expect.objectContaining({ code: 'bad-input', problems: [expect.objectContaining({ path })] }),
      );
    },
  );

  it('of any other text is taken as it is', () => {
    expect(parseInput(Input, { q: '\u202e😀\n' })).toEqual({ q: '\u202e😀\n' });
  });
});
