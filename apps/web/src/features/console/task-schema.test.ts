import { expect, test } from 'vitest';
import { taskSchema } from './task-schema.ts';

const item = (text: string, tone: 'allow' | 'hold' | 'deny' | 'limit') => ({ text, path: '', line: 1, tone });

test('completion knows what the task opens and nothing else', () => {
  const schema = taskSchema([
    {
      title: 'Allowed',
      items: [
        item('read public.orders', 'allow'),
        item('read public.customers, columns id, name and email only', 'allow'),
      ],
    },
    { title: 'Held', items: [item('change public.orders, column status only, at most 1 row a statement', 'hold')] },
    { title: 'Denied', items: [item('nobody may read public.salaries', 'deny')] },
  ]);
  expect(schema).toEqual({ public: { orders: ['status'], customers: ['email', 'id', 'name'] } });
});
