'use client';
import { useState } from 'react';
import { Badge } from '@/components/badge.tsx';
import { Field } from '@/components/field.tsx';
import { Select } from '@/components/input.tsx';
import { Panel } from '@/components/page.tsx';
import { Time } from '@/components/time.tsx';
import type { RevisionView } from '@/lib/views.ts';
import { DiffView } from './diff-view.tsx';
import { SourceView } from './source-view.tsx';

/** One revision's source, and what any two of them have different. */
export function RevisionPanel({
  revisions,
  publishedRevision,
  revision,
  line,
  onRevision,
}: {
  /** Newest first. */
  revisions: readonly RevisionView[];
  publishedRevision: number | null;
  revision: number | null;
  line: number | null;
  onRevision: (revision: number) => void;
}) {
  const [against, setAgainst] = useState<number | null>(null);
  const shown = revisions.find((item) => item.revision === (revision ?? publishedRevision)) ?? revisions[0] ?? null;
  if (shown === null) return null;
  const other = revisions.find((item) => item.revision === against) ?? null;
  const name = (item: RevisionView): string =>
    `${item.revision}${item.revision === publishedRevision ? ' (published)' : item.publishedAt === null ? ' (draft)' : ''}`;
  return (
    <Panel
      title="Source"
      flush
      actions={
        shown.revision === publishedRevision ? (
          <Badge tone="allow">published</Badge>
        ) : shown.publishedAt === null ? (
          <Badge tone="hold">draft</Badge>
        ) : (
          <Badge>earlier revision</Badge>
        )
      }
    >
      <div className="grid gap-3 border-line border-b px-4 py-3 sm:grid-cols-3">
        <Field label="Revision">
          {(props) => (
            <Select {...props} value={shown.revision} onChange={(event) => onRevision(Number(event.target.value))}>
              {revisions.map((item) => (
                <option key={item.revision} value={item.revision}>
                  {name(item)}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field label="Compare with">
          {(props) => (
            <Select
              {...props}
              value={against ?? ''}
              onChange={(event) => setAgainst(event.target.value === '' ? null : Number(event.target.value))}
            >
              <option value="">nothing</option>
              {revisions
                .filter((item) => item.revision !== shown.revision)
                .map((item) => (
                  <option key={item.revision} value={item.revision}>
                    {name(item)}
                  </option>
                ))}
            </Select>
          )}
        </Field>
        <p className="self-end pb-1 text-muted text-sm">
          by {shown.createdBy.name}, <Time at={shown.createdAt} />
        </p>
      </div>
      {other ? (
        <div className="p-4">
          <DiffView
            before={other.source}
            after={shown.source}
            label={`From revision ${other.revision} to ${shown.revision}`}
          />
        </div>
      ) : (
        <SourceView source={shown.source} line={line} label={`Source of revision ${shown.revision}`} />
      )}
    </Panel>
  );
}
