'use client';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { Badge, OutcomeBadge } from '@/components/badge.tsx';
import { CopyField } from '@/components/copy-field.tsx';
import { Facts } from '@/components/page.tsx';
import { ReasonCard } from '@/components/reason-card.tsx';
import { SqlText } from '@/components/sql-text.tsx';
import { Duration, Time } from '@/components/time.tsx';
import { ApprovalSignature } from '@/features/approvals/approval-signature.tsx';
import { Parameters, Section } from '@/features/inbox/card-frame.tsx';
import { query } from '@/lib/api.ts';
import { formatBytes, formatDuration, formatNumber } from '@/lib/format.ts';
import { explainLink, grantLink } from '@/lib/links.ts';
import type { TimelineOperationView } from '@/lib/views.ts';
import { ResultRows } from './result-rows.tsx';
import { RESULT_WORDS, resultOf } from './result-words.ts';

/** One statement of a session: what was asked, what was decided and why, and what was sent back. */
export function OperationDetail({ operation }: { operation: TimelineOperationView }) {
  const outcome = RESULT_WORDS[resultOf(operation)];
  const { result, hold } = operation;
  return (
    <div className="flex min-w-0 flex-col gap-4">
      <div className="flex flex-wrap items-center gap-2">
        <h2 className="font-semibold text-lg">{operation.label}</h2>
        <OutcomeBadge outcome={operation.outcome} />
        <Badge tone={outcome.tone}>{outcome.word}</Badge>
        <span className="ml-auto flex items-center gap-3 text-muted text-sm">
          <Time at={operation.at} />
          <Link href={explainLink(operation.decisionId)} className="link">
            Explain
          </Link>
        </span>
      </div>
      <Section title="Statement">
        {operation.statement === null ? (
          <p className="text-muted">Its text is not in the recording.</p>
        ) : (
          <div className="max-h-72 overflow-y-auto">
            <SqlText sql={operation.statement} />
          </div>
        )}
        <Parameters values={operation.parameters} />
      </Section>
      <Section title="Decision">
        <ReasonCard outcome={operation.outcome} reasons={operation.reasons} />
        {hold && <HoldStory hold={hold} />}
      </Section>
      <Section title="Result">
        <p className="text-sm">{outcome.meaning}</p>
        {result?.message && (
          <p
            className={`wrap-anywhere whitespace-pre-wrap rounded-md border px-3 py-2 ${result.outcome === 'done' ? 'border-line bg-sunken' : 'border-deny/40 bg-deny-soft text-deny'}`}
          >
            {result.sqlstate !== null && <code className="mr-2 font-mono text-sm">{result.sqlstate}</code>}
            {result.message}
          </p>
        )}
        {result && result.outcome !== 'refused' && result.outcome !== 'skipped' && (
          <Facts
            items={[
              ...(result.tag !== null
                ? [
                    [
                      'Answer',
                      <code key="t" className="font-mono text-sm">
                        {result.tag}
                      </code>,
                    ] as const,
                  ]
                : []),
              ...(result.rows !== null ? [['Rows', formatNumber(result.rows)] as const] : []),
              ...(result.bytes > 0 ? [['Sent', formatBytes(result.bytes)] as const] : []),
              ...(result.durationMs !== null ? [['Took', <Duration key="d" ms={result.durationMs} />] as const] : []),
              ...(result.maskedCells > 0 ? [['Masked cells', formatNumber(result.maskedCells)] as const] : []),
            ]}
          />
        )}
        <ResultRows operation={operation} />
      </Section>
      {operation.relations.length > 0 && (
        <Section title="What it reached">
          <ul className="text-sm">
            {operation.relations.map((relation) => (
              <li key={`${relation.verb} ${relation.schema}.${relation.name}`} className="wrap-anywhere">
                {relation.verb}{' '}
                <code className="font-mono">
                  {relation.schema}.{relation.name}
                </code>
                {relation.columns.length > 0 && <span className="text-muted"> ({relation.columns.join(', ')})</span>}
              </li>
            ))}
          </ul>
        </Section>
      )}
      <CopyField
        label="Link to this statement"
        value={
          typeof window === 'undefined'
            ? ''
            : `${window.location.origin}${window.location.pathname}?op=${operation.decisionId}`
        }
      />
    </div>
  );
}

function HoldStory({ hold }: { hold: NonNullable<TimelineOperationView['hold']> }) {
  const who = hold.by.length > 0 ? hold.by.join(', ') : 'nobody';
  const after = hold.waitedMs === null ? '' : ` after ${formatDuration(hold.waitedMs)}`;
  const story = {
    approved: `Approved by ${who}${after}.`,
    refused: `Refused by ${who}${after}.`,
    'timed-out': `Nobody answered: given up${after}.`,
    cancelled: `Taken back${after}.`,
  }[hold.outcome ?? ''];
  return (
    <div className="flex flex-col gap-1">
      <p className="wrap-anywhere text-sm">
        <Link href={grantLink(hold.holdId)} className="link">
          The hold
        </Link>
        : {story ?? 'It still waits, or the gate stopped meanwhile.'}
        {hold.comment !== null && ` “${hold.comment}”`}
      </p>
      {hold.outcome === 'approved' && <HoldSignatures holdId={hold.holdId} />}
    </div>
  );
}

/** Who may replay the session without being asked about its holds is shown none: the recording says who approved. */
function HoldSignatures({ holdId }: { holdId: string }) {
  const hold = useQuery({ ...query.holds.get.queryOptions({ input: { id: holdId } }), retry: false });
  return hold.data?.approvals.map(
    ({ id, by, signedBy }) =>
      signedBy !== null && (
        <ApprovalSignature key={id} approval={{ id, subject: holdId, reviewer: by.email, signedBy }} />
      ),
  );
}
