import { expect, it } from 'vitest';
import { ruleExcerpt } from './rule-excerpt.ts';

const SOURCE = `allow:
  - select: public.orders
    columns: [id]
  - select: public.customers
limits: { rows: 1 }`;

it('a rule is shown with the lines that belong to it, and no others', () => {
  expect(ruleExcerpt(SOURCE, 2)).toBe('- select: public.orders\n  columns: [id]');
  expect(ruleExcerpt(SOURCE, 4)).toBe('- select: public.customers');
  expect(ruleExcerpt(SOURCE, 5)).toBe('limits: { rows: 1 }');
  expect(ruleExcerpt(SOURCE, 99)).toBe('');
});
