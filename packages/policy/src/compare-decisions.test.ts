import type { Decision } from '@taskgate/core';
import { describe, expect, test } from 'vitest';
import { compareDecisions } from './compare-decisions.ts';
import { operation, selectOf } from './operation-builder.ts';
import { GATE } from './reason.ts';

const READ = selectOf('public.customers', 'id', 'email');

function decided(outcome: Decision['outcome'], more: Partial<Decision['obligations']> = {}): Decision {
  return {
    outcome,
    reasons: [{ code: 'allowed', rule: GATE, message: 'm', wouldAllow: null, position: null }],
    obligations: { outputMasks: [null, null], columnMasks: [], detectors: [], affectsMax: null, ...more },
    approvals: outcome === 'hold' ? { from: ['dba', 'ops'], count: 1, timeoutMs: 1000 } : null,
  };
}
const OUTCOMES = ['allow', 'hold', 'deny'] as const;

describe('two decisions on one operation', () => {
  test('differ wherever their outcomes do, and not where nothing does', () => {
    for (const before of OUTCOMES)
      for (const after of OUTCOMES)
        expect(compareDecisions(READ, decided(before), decided(after)) === null).toBe(before === after);
    expect(compareDecisions(READ, decided('deny'), decided('hold'))?.change).toBe('denied-to-held');
  });

  test('differ in approvals, whoever may give them, how many and how long, in any order', () => {
    const hold = decided('hold');
    const terms = hold.approvals!;
    const other = (approvals: typeof terms) => compareDecisions(READ, hold, { ...hold, approvals })?.change ?? null;
    expect(other({ ...terms, from: ['ops', 'dba'] })).toBeNull();
    expect(other({ ...terms, from: ['ops'] })).toBe('approvals-changed');
    expect(other({ ...terms, count: 2 })).toBe('approvals-changed');
    expect(other({ ...terms, timeoutMs: 2000 })).toBe('approvals-changed');
  });

  test('differ in masks by the column that they are on, and in detectors only where something is sent', () => {
    const masked = decided('allow', { outputMasks: [null, 'email'] });
    expect(compareDecisions(READ, decided('allow'), masked)).toEqual({
      change: 'masks-changed',
      masks: [{ of: 'email', before: null, after: 'email' }],
    });
    expect(compareDecisions(READ, masked, decided('hold'))?.masks).toHaveLength(1);
    const looked = decided('allow', { detectors: [{ kind: 'ssn', mask: 'redact' }] });
    expect(compareDecisions(READ, decided('allow'), looked)?.masks).toEqual([
      { of: 'ssn', before: null, after: 'redact' },
    ]);
    expect(compareDecisions(operation('update'), decided('allow'), looked)).toBeNull();
  });

  test('differ in how many rows a write may touch', () => {
    const [one, any] = [decided('allow', { affectsMax: 1 }), decided('allow')];
    expect(compareDecisions(READ, any, one)?.change).toBe('rows-changed');
    expect(compareDecisions(READ, one, one)).toBeNull();
  });
});
