import type { Decision, Reason } from '@taskgate/core';
import { describe, expect, it } from 'vitest';
import { decodeBackendMessage } from './backend-messages.ts';
import { encodeDenial, encodeFatal, encodeNotice } from './denial.ts';
import { sqlstateOf } from './error-fields.ts';

const reason: Reason = {
  code: 'column-not-allowed',
  rule: { kind: 'policy', name: 'customer-data', revision: 3, rule: 'mask.0', line: 12 },
  message: 'column `ssn` of `public.customers` is not allowed',
  wouldAllow: 'select `id`, `name`',
  position: { line: 2, column: 8 },
};
const gate: Reason = {
  ...reason,
  rule: { kind: 'gate', name: 'gate', revision: 0, rule: '', line: null },
  message: 'no',
  wouldAllow: null,
};

function deny(reasons: readonly Reason[], options: Partial<Parameters<typeof encodeDenial>[1]> = {}) {
  const obligations = { outputMasks: [], columnMasks: [], detectors: [], affectsMax: null };
  const decision: Decision = { outcome: 'deny', reasons, obligations, approvals: null };
  return read(encodeDenial(decision, { explainUrl: null, ...options }));
}

function read(raw: Uint8Array): Record<string, string> {
  const message = decodeBackendMessage({ tag: raw[0]!, raw });
  if (message.kind !== 'error' && message.kind !== 'notice') throw new Error('no error');
  return { kind: message.kind, ...Object.fromEntries(message.fields) };
}

describe('a denial', () => {
  it('says what, which rule, what would be allowed, and where to read on', () => {
    expect(deny([reason, gate], { explainUrl: 'http://gate/d/1', statement: 'select\n  id, ssn' })).toEqual({
      kind: 'error',
      S: 'ERROR',
      V: 'ERROR',
      C: '42501',
      M: 'taskgate: column `ssn` of `public.customers` is not allowed',
      D: 'policy `customer-data` revision 3, rule mask.0, line 12\nalso no (the gate itself)',
      H: 'select `id`, `name`; see http://gate/d/1',
      P: '15',
    });
  });

  it('has no hint and no position where there is nothing to say', () => {
    expect(Object.keys(deny([gate]))).toEqual(['kind', 'S', 'V', 'C', 'M', 'D']);
    expect(deny([])).toMatchObject({ C: '42501' });
  });

  it('counts positions in characters, as Postgres does', () => {
    expect(deny([reason], { statement: "select '😀',\n       ssn" }).P).toBe('20');
    expect(deny([reason], { statement: 'a\nb', statementOffset: 100 }).P).toBe('110');
  });

  it('cannot be made to hold fields of the choosing of whoever wrote the statement', () => {
    const fields = deny([{ ...reason, message: 'relation `x\0CXX000\0Mfine`' }]);
    expect(fields.C).toBe('42501');
    expect(fields.M).toContain('\ufffd');
  });

  it('stays short, however many reasons and however long', () => {
    const fields = deny(Array.from({ length: 200 }, () => ({ ...reason, message: 'x'.repeat(10_000) })));
    expect(fields.M!.length).toBeLessThan(4200);
    expect(fields.D!.length).toBeLessThan(4200);
    expect(deny(Array.from({ length: 20 }, () => reason)).D).toMatch(/and 12 more$/);
  });
});

it('a fatal error and a notice have severity, sqlstate and hint', () => {
  expect(read(encodeFatal('28P01', 'wrong token', 'ask again'))).toEqual({
    kind: 'error',
    S: 'FATAL',
    V: 'FATAL',
    C: '28P01',
    M: 'wrong token',
    H: 'ask again',
  });
  const raw = encodeNotice({ message: 'waiting for approval', hint: 'http://gate/h/1' });
  expect(read(raw)).toMatchObject({ kind: 'notice', S: 'NOTICE', M: 'waiting for approval', H: 'http://gate/h/1' });
});

it('an error without a usable sqlstate is an internal one', () => {
  expect(sqlstateOf(new Map())).toBe('XX000');
  expect(sqlstateOf(new Map([['C', 'oops; drop']]))).toBe('XX000');
  expect(sqlstateOf(new Map([['C', '22012']]))).toBe('22012');
});
