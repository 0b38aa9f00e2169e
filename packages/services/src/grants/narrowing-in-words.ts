import { describeTask } from '@taskgate/policy';
import { readTaskDocument } from '../tasks/task-documents.ts';
import type { GrantRow } from './grant-row.ts';

/** How a grant is narrower than its parent: what it was left with, and what was put on top. */
export function narrowingInWords(row: Pick<GrantRow, 'document' | 'narrowing'>): string[] {
  const { document, narrowing } = row;
  if (document === null || typeof narrowing !== 'object' || narrowing === null) return [];
  const asked = narrowing as Readonly<Record<string, unknown>>;
  const added = (part: string): number => (Array.isArray(asked[part]) ? (asked[part] as unknown[]).length : 0);
  const narrowed = readTaskDocument(document);
  const items = describeTask(narrowed).flatMap((section) => section.items);
  const under = (part: 'allow' | 'hold' | 'deny' | 'mask', from: number): string[] =>
    items
      .filter(({ path }) => {
        const [name, index] = path.split('.');
        return name === part && index !== undefined && Number(index) >= from;
      })
      .map(({ text }) => text);
  const permissions = 'allow' in asked || 'hold' in asked;
  return [
    ...(permissions ? [...under('allow', 0), ...under('hold', 0)] : []),
    // What the parent has stands before what was added.
    ...under('deny', narrowed.deny.length - added('deny')),
    ...under('mask', narrowed.mask.length - added('mask')),
    ...items.filter(({ path }) => 'limits' in asked && path.startsWith('limits')).map(({ text }) => text),
  ];
}
