import Link from 'next/link';
import type { ReactNode } from 'react';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { ScrollText } from '@/components/scroll-text.tsx';
import { Countdown, Time } from '@/components/time.tsx';
import { ApprovalSignature } from '@/features/approvals/approval-signature.tsx';
import { explainLink } from '@/lib/links.ts';
import type { GrantView } from '@/lib/views.ts';
import { agreed } from './item-words.ts';

/** Who asks, for what, and how it stands: the head of every decision card. */
export function CardHead({
  person,
  about,
  state,
  until,
  heading: Heading = 'h2',
}: {
  person: GrantView['requestedBy'];
  about: ReactNode;
  state: string;
  /** When the question lapses; `null` once it is answered. */
  until: string | null;
  heading?: 'h1' | 'h2';
}) {
  return (
    <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-1">
      <div className="min-w-0">
        <Heading className="wrap-anywhere font-semibold text-lg tracking-tight">{about}</Heading>
        <p className="text-muted text-sm">
          {person.name} · {person.email}
        </p>
      </div>
      <div className="flex items-center gap-2 pt-0.5">
        <StateBadge state={state} />
        {until !== null && <Countdown until={until} />}
      </div>
    </div>
  );
}

/** Why they ask, in their own words. */
export function ReasonQuote({ reason, ticket }: { reason: string | null; ticket: string | null }) {
  return (
    <blockquote className="wrap-anywhere rounded-md border border-line border-l-4 border-l-info bg-surface px-3 py-1.5">
      {reason === null ? <span className="text-muted">No reason was given.</span> : <WithDecisions text={reason} />}
      {ticket !== null && <Badge className="ml-2">{ticket}</Badge>}
    </blockquote>
  );
}

/** A request that a refusal led to names its decision: a reviewer looks at it by its link. */
function WithDecisions({ text }: { text: string }) {
  return text.split(/\b(dec_[0-9a-z]{26})\b/).map((part, index) =>
    index % 2 === 0 ? (
      part
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts of one immutable text
      <Link key={index} href={explainLink(part)} className="link">
        the decision
      </Link>
    ),
  );
}

export function Section({ title, children, aside }: { title: string; children: ReactNode; aside?: ReactNode }) {
  return (
    <section className="flex min-w-0 flex-col gap-1.5">
      <div className="flex flex-wrap items-baseline justify-between gap-2">
        <h3 className="font-medium text-muted text-xs">{title}</h3>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** `1 of 2`, and who said what. */
export function Answers({
  subject,
  approvals,
  needed,
}: {
  /** Id of the grant or the hold. */
  subject: string;
  approvals: GrantView['approvals'];
  needed: number;
}) {
  return (
    <div className="flex flex-col gap-1">
      <p className="flex items-center gap-2">
        <span className="tabular-nums">
          {agreed(approvals)} of {needed} agreed
        </span>
        <span aria-hidden="true" className="flex gap-0.5">
          {Array.from({ length: Math.min(needed, 10) }, (_, index) => (
            <span
              // biome-ignore lint/suspicious/noArrayIndexKey: a bar of equal parts
              key={index}
              className={
                index < agreed(approvals) ? 'h-1.5 w-5 rounded-full bg-allow' : 'h-1.5 w-5 rounded-full bg-line'
              }
            />
          ))}
        </span>
      </p>
      {approvals.map((approval) => (
        <div key={approval.id} className="text-sm">
          {approval.by.name} {approval.outcome === 'approved' ? 'agreed' : 'refused'}{' '}
          <span className="text-muted">
            <Time at={approval.at} />
          </span>
          {approval.comment !== null && <span className="wrap-anywhere">: {approval.comment}</span>}
          {approval.signedBy !== null && (
            <ApprovalSignature
              approval={{ id: approval.id, subject, reviewer: approval.by.email, signedBy: approval.signedBy }}
            />
          )}
        </div>
      ))}
    </div>
  );
}

export function Parameters({ values }: { values: readonly (string | null)[] }) {
  if (values.length === 0) return null;
  return (
    <ScrollText label="Parameters" className="max-h-32 overflow-auto rounded-md border border-line bg-sunken px-3 py-2">
      {values.map((value, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a parameter is its place
        <span key={index} className="block">
          <span className="text-muted">${index + 1} </span>
          {value === null ? <em className="text-muted">null</em> : JSON.stringify(value)}
        </span>
      ))}
    </ScrollText>
  );
}
