import { expect, test } from 'vitest';
import { secretReferences } from './secret-references.ts';

test('only the references of resources are followed, with their places', () => {
  const source = [
    'kind: Task',
    'name: report',
    'secret: env:NOT_A_RESOURCE',
    '---',
    'kind: Resource # the shop',
    'name: shop',
    'labels:',
    '  secret: env:NESTED',
    'secret: "env:SHOP_PASSWORD"',
    '--- # the next',
    "secret: 'file:./other.secret'",
    'name: other',
    'kind: Resource',
    '---',
    'kind: Resource',
    'name: written-out',
    'secret: hunter2',
  ].join('\n');
  expect(secretReferences(source)).toEqual([
    { resource: 'shop', from: 'env', target: 'SHOP_PASSWORD', line: 9, column: 10 },
    { resource: 'other', from: 'file', target: './other.secret', line: 11, column: 10 },
  ]);
});
