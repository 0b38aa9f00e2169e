import type { Revision } from '@taskgate/contracts';
import type * as z from 'zod';
import type { Person } from '../grants/person-ref.ts';

export type RevisionView = z.infer<typeof Revision>;

export interface RevisionRow {
  readonly revision: number;
  readonly source: string;
  readonly createdById: string;
  readonly createdAt: Date;
  readonly publishedAt: Date | null;
}

export function toRevisionView(row: RevisionRow, personOf: (id: string) => Person): RevisionView {
  return {
    revision: row.revision,
    source: row.source,
    createdBy: personOf(row.createdById),
    createdAt: row.createdAt.toISOString(),
    publishedAt: row.publishedAt?.toISOString() ?? null,
  };
}
