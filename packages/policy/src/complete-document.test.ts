import { describe, expect, test } from 'vitest';
import { completeDocument } from './complete-document.ts';

const known = {
  resources: ['demo-shop'],
  groups: ['analysts', 'dba'],
  relations: [
    { name: 'public.orders', columns: ['id', 'status'] },
    { name: 'public.customers', columns: ['id', 'email'] },
  ],
};

/** Labels offered at the `|` of the text. */
function offered(text: string): readonly string[] {
  const offset = text.indexOf('|');
  return completeDocument(text.replace('|', ''), offset, known).options.map(({ label }) => label);
}

describe('completion while a document is written', () => {
  test.each([
    ['kind: |', 'Task'],
    ['kind: Task\nal|', 'allow'],
    ['kind: Policy\nap|', 'applies'],
    ['kind: Task\nresource: |', 'demo-shop'],
    ['kind: Task\nwho: { groups: [|', 'analysts'],
    ['kind: Task\nwho:\n  gr|', 'groups'],
    ['kind: Task\nwho:\n  groups:\n    - d|', 'dba'],
    ['kind: Task\nallow:\n  - |', 'select'],
    ['kind: Task\nallow:\n- sel|', 'select'],
    ['kind: Task\nallow:\n  - select: |', 'public.orders'],
    ['kind: Task\nallow:\n  - select: [public.orders, |', 'public.customers'],
    ['kind: Task\nallow:\n  - select: public.orders\n    col|', 'columns'],
    ['kind: Task\nallow:\n  - statements: [dr|', 'drop'],
    ['kind: Task\nhold:\n  - update: public.orders\n    approvals: { from: [|', 'dba'],
    ['kind: Task\nhold:\n  - update: public.orders\n    approvals:\n      fr|', 'from'],
    ['kind: Task\nhold:\n  - update: public.orders\n    approvals: { step-up: |', 'true'],
    ['kind: Task\naccess: { step|', 'step-up'],
    ['kind: Task\naccess: { step-up: b|', 'both'],
    ['kind: Task\nmask:\n  - columns: public.customers.email\n    as: |', 'redact'],
    ['kind: Task\nmask:\n  - columns: |', 'public.customers.email'],
    ['kind: Task\nmask:\n  - kinds: [ssn, |', 'card-number'],
    ['kind: Task\naccess: { reason: |', 'required'],
    ['kind: Policy\napplies: { resources: { la|', 'labels'],
    ['kind: Policy\napplies:\n  resources:\n    names: [|', 'demo-shop'],
  ])('%j offers %s', (text, label) => {
    expect(offered(text)).toContain(label);
  });

  test('columns are those of the relation that the rule names', () => {
    expect(offered('kind: Task\nallow:\n  - select: public.orders\n    columns: [|')).toEqual(['id', 'status']);
  });

  test('an option replaces the word that is being written', () => {
    expect(completeDocument('kind: Task\nresource: dem', 24, known)).toEqual({
      from: 21,
      options: [{ label: 'demo-shop', detail: 'resource' }],
    });
  });
});
