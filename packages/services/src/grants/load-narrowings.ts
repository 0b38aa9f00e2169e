import type { Grant } from '@taskgate/contracts';
import type { Transaction } from '@taskgate/db';
import { describeNarrowing } from '@taskgate/policy';
import type * as z from 'zod';
import { readTaskDocument } from '../tasks/task-documents.ts';
import type { GrantRow } from './grant-row.ts';

type Narrowed = z.infer<typeof Grant>['narrowed'];

/** How each grant is narrower than the one right above it, or a step than its task. */
export async function loadNarrowings(db: Transaction, rows: readonly GrantRow[]): Promise<(row: GrantRow) => Narrowed> {
  const narrowed = rows.filter((row) => row.document !== null);
  if (narrowed.length === 0) return () => [];
  const parents = await db.grant.findMany({
    where: { id: { in: narrowed.flatMap((row) => (row.parentId === null ? [] : [row.parentId])) } },
    select: { id: true, document: true },
  });
  const revisions = await db.taskRevision.findMany({
    where: { OR: narrowed.map((row) => ({ taskId: row.taskId!, revision: row.taskRevision! })) },
    select: { taskId: true, revision: true, source: true },
  });
  return (row) => {
    if (row.document === null) return [];
    const above =
      parents.find((parent) => parent.id === row.parentId)?.document ??
      revisions.find(({ taskId, revision }) => taskId === row.taskId && revision === row.taskRevision)?.source;
    if (above === undefined) return [];
    return describeNarrowing(readTaskDocument(above), readTaskDocument(row.document)).map((change) => ({ ...change }));
  };
}
