import { readFileSync } from 'node:fs';
import type { Decision, SqlOperation } from '@taskgate/core';
import { describe, expect, test } from 'vitest';
import { compilePolicySet } from './compile-policy-set.ts';
import { decide } from './decide.ts';
import { access, call, computed, DEMO_CATALOG, operation, selectOf, shows, use } from './operation-builder.ts';
import { parsePolicy } from './parse-policy.ts';
import { parseTask } from './parse-task.ts';
import type { ParseResult } from './policy-document.ts';

const read = (file: string): string => readFileSync(new URL(`./fixtures/${file}`, import.meta.url), 'utf8');

function document<T>(result: ParseResult<T>): T {
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.document;
}

function demoSet(name: string, withPolicy = true) {
  const policy = document(parsePolicy(read('customer-data.policy.yaml')));
  return compilePolicySet({
    task: { name, revision: 3, document: document(parseTask(read(`${name}.task.yaml`))) },
    policies: withPolicy ? [{ name: 'customer-data', revision: 2, document: policy }] : [],
    resource: { name: 'demo-shop', labels: { env: 'production' } },
    catalog: DEMO_CATALOG,
    isAllowedSystemRelation: (schema, relation) => schema === 'pg_catalog' && relation === 'pg_class',
  });
}

const sales = demoSet('sales-report');
const fix = demoSet('fix-order-status');
const admin = demoSet('shop-admin');
const says = (decision: Decision): string =>
  `${decision.outcome} ${decision.reasons[0]!.code} ${decision.reasons[0]!.rule.kind}:${decision.reasons[0]!.rule.rule}:${decision.reasons[0]!.rule.line}`;
const updateStatus: Partial<SqlOperation> = {
  accesses: [access('update', 'public.orders', ['status']), access('select', 'public.orders', ['id'])],
  uses: [use('predicate', 'public.orders.id')],
  countsItsWrite: true,
};

describe('sales-report', () => {
  test('reads what it names, and the email masked', () => {
    const decision = decide(selectOf('public.customers', 'id', 'name', 'country', 'email'), sales);
    expect(says(decision)).toBe('allow allowed task:allow.1:9');
    expect(decision.obligations.outputMasks).toEqual([null, null, null, 'email']);
    expect(decision.obligations.detectors).toEqual([
      { kind: 'card-number', mask: 'last4' },
      { kind: 'ssn', mask: 'redact' },
      { kind: 'secret', mask: 'redact' },
    ]);
    expect(
      decision.obligations.columnMasks.map(({ relationOid, attnum, mask }) => [relationOid, attnum, mask]),
    ).toEqual([
      [16_400, 3, 'email'],
      [16_400, 5, 'redact'],
      [16_403, 3, 'redact'],
    ]);
  });

  test('refuses a column that is not named, says which, and what would be allowed', () => {
    const decision = decide(selectOf('public.customers', 'id', 'name', 'email', 'phone', 'ssn', 'country'), sales);
    expect(says(decision)).toBe('deny column-not-allowed task:allow.1:9');
    expect(decision.reasons[0]!.message).toBe('columns `phone`, `ssn` of `public.customers` are not allowed');
    expect(decision.reasons[0]!.wouldAllow).toBe('select id, name, email, country from public.customers');
    expect(decision.obligations.outputMasks.every((mask) => mask === 'redact')).toBe(true);
  });

  test('counts rows without naming a column', () => {
    const count = operation('select', {
      accesses: [access('select', 'public.customers')],
      output: [computed('count')],
    });
    expect(says(decide(count, sales))).toBe('allow allowed task:allow.1:9');
  });

  test('refuses every write and every other relation', () => {
    expect(says(decide(operation('update', updateStatus), sales))).toBe('deny not-allowed task::null');
    expect(says(decide(selectOf('public.payments', 'id'), sales))).toBe('deny not-allowed task::null');
    expect(says(decide(operation('create'), sales))).toBe('deny not-allowed task::null');
    expect(says(decide(operation('other'), sales))).toBe('deny not-allowed task::null');
  });

  test('a masked column cannot be asked about, only shown', () => {
    const probe = operation('select', {
      accesses: [access('select', 'public.customers', ['id', 'email'])],
      output: [shows('public.customers.id')],
      uses: [use('predicate', 'public.customers.email')],
    });
    const decision = decide(probe, sales);
    expect(says(decision)).toBe('deny masked-column-used task:mask.0:12');
    expect(decision.reasons[0]!.message).toBe(
      'column `email` of `public.customers` is masked and is used in a predicate',
    );
    const upper = operation('select', {
      accesses: [access('select', 'public.customers', ['email'])],
      output: [computed('upper', 'public.customers.email')],
    });
    expect(says(decide(upper, sales))).toBe('deny masked-column-used task:mask.0:12');
  });

  test('what is not understood is denied, whatever is allowed', () => {
    const unknown = { code: 'unsupported' as const, message: 'no', position: null };
    expect(says(decide(operation('select', { unknowns: [unknown] }), sales))).toBe('deny not-understood gate::null');
    expect(says(decide(operation('other', { unknowns: [unknown] }), admin))).toBe('deny not-understood gate::null');
  });

  test('transactions, harmless settings and look-ups of standard clients need no rule', () => {
    for (const harmless of [
      operation('transaction', { effect: { kind: 'begin' } }),
      operation('session', { effect: { kind: 'show', name: 'search_path' } }),
      operation('empty'),
      operation('select', { output: [computed('?column?')] }),
      operation('select', { accesses: [access('select', 'pg_catalog.pg_class', ['relname'])] }),
      operation('cursor', { effect: { kind: 'fetch', name: 'c', rows: true } }),
    ])
      expect(says(decide(harmless, sales))).toBe('allow harmless gate::null');
    const shadow = operation('select', { accesses: [access('select', 'pg_catalog.pg_authid', ['rolpassword'])] });
    expect(says(decide(shadow, admin))).toBe('deny system-relation-not-allowed gate::null');
  });
});

describe('fix-order-status', () => {
  test('holds the update of a status, for one row, until dba approves', () => {
    const decision = decide(operation('update', updateStatus), fix);
    expect(says(decision)).toBe('hold held-by-rule task:hold.0:12');
    expect(decision.approvals).toEqual({ from: ['dba'], count: 1, timeoutMs: 600_000, explicitTimeout: true });
    expect(decision.obligations.affectsMax).toBe(1);
  });

  test('an update whose rows the server does not count is refused', () => {
    const decision = decide(operation('update', { ...updateStatus, countsItsWrite: false }), fix);
    expect(says(decision)).toBe('deny affects-not-countable task:hold.0:12');
  });

  test('no other column of an order can be written', () => {
    const decision = decide(
      operation('update', {
        accesses: [access('update', 'public.orders', ['status', 'total_cents'])],
        countsItsWrite: true,
      }),
      fix,
    );
    expect(says(decision)).toBe('deny column-not-allowed task:hold.0:12');
    expect(decision.reasons[0]!.wouldAllow).toBe('update public.orders set status');
  });
});

describe('shop-admin with the policy customer-data', () => {
  test('the policy takes away what every statement would allow', () => {
    for (const verb of ['drop', 'truncate', 'alter', 'grant'] as const)
      expect(says(decide(operation(verb, { accesses: [access(verb, 'public.orders')] }), admin))).toBe(
        'deny denied-by-rule policy:deny.0:9',
      );
    expect(says(decide(operation('delete', { accesses: [access('delete', 'public.orders')] }), admin))).toBe(
      'allow allowed task:allow.0:8',
    );
  });

  test('personal data is redacted for the admin as well', () => {
    const decision = decide(selectOf('public.payments', 'id', 'card_number'), admin);
    expect(decision.outcome).toBe('allow');
    expect(decision.obligations.outputMasks).toEqual([null, 'redact']);
    expect(
      decide(selectOf('public.payments', 'id', 'card_number'), demoSet('shop-admin', false)).obligations.outputMasks,
    ).toEqual([null, null]);
  });

  test('settings the gate stands on and functions that reach past it stay closed', () => {
    const role = operation('session', { effect: { kind: 'set', name: 'role', value: 'postgres', local: false } });
    expect(says(decide(role, admin))).toBe('deny setting-not-allowed gate::null');
    const reads = call(null, 'pg_read_file');
    expect(says(decide(operation('select', { functions: [reads] }), admin))).toBe(
      'deny function-not-allowed gate::null',
    );
    const sleeps = call(null, 'pg_sleep');
    expect(decide(operation('select', { functions: [sleeps] }), admin).outcome).toBe('allow');
    expect(says(decide(operation('select', { functions: [sleeps] }), sales))).toBe(
      'deny function-not-allowed task::null',
    );
  });

  test('a binary copy of masked data is refused', () => {
    const copy = operation('copy-to', {
      accesses: [access('select', 'public.payments', ['id', 'card_number'])],
      output: [shows('public.payments.id'), shows('public.payments.card_number')],
      copy: { direction: 'out', format: 'binary' },
    });
    expect(says(decide(copy, admin))).toBe('deny masked-column-used gate::null');
    expect(decide({ ...copy, copy: { direction: 'out', format: 'text' } }, admin).obligations.outputMasks).toEqual([
      null,
      'redact',
    ]);
  });
});
