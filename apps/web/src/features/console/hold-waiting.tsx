'use client';
import { useQuery } from '@tanstack/react-query';
import { StateBadge } from '@/components/badge.tsx';
import { Button, LinkButton } from '@/components/button.tsx';
import { CopyField } from '@/components/copy-field.tsx';
import { Countdown } from '@/components/time.tsx';
import { agreed } from '@/features/inbox/item-words.ts';
import { query } from '@/lib/api.ts';
import { grantLink } from '@/lib/links.ts';

/** A statement that waits for somebody: whom, for how long, and the way to ask them. The result follows by itself. */
export function HoldWaiting({
  holdId,
  message,
  onCancel,
}: {
  holdId: string | null;
  message: string;
  onCancel: () => void;
}) {
  const hold = useQuery({
    ...query.holds.get.queryOptions({ input: { id: holdId ?? '' } }),
    enabled: holdId !== null,
    refetchInterval: 5_000,
  });
  const data = hold.data;
  return (
    <div
      role="status"
      className="m-3 flex flex-col gap-3 rounded-md border border-hold/40 border-l-4 border-l-hold bg-hold-soft p-3"
    >
      <div className="flex flex-wrap items-center gap-2">
        {data ? <StateBadge state={data.state} /> : <StateBadge state="waiting" />}
        <p className="min-w-0 flex-1 font-medium">
          {data
            ? data.state === 'waiting'
              ? `Held: it waits for ${data.approvers.join(' or ')}, ${agreed(data.approvals)} of ${data.approvalsNeeded} agreed`
              : data.state === 'approved'
                ? 'Approved: it runs now'
                : 'Decided'
            : message}
        </p>
        {data?.state === 'waiting' && <Countdown until={data.expiresAt} />}
      </div>
      <p className="text-sm">Stay on this page: the result appears here as soon as somebody has agreed.</p>
      {holdId !== null && (
        <CopyField label="Link for who decides" value={`${window.location.origin}${grantLink(holdId)}`} />
      )}
      <div className="flex flex-wrap gap-2">
        {holdId !== null && <LinkButton href={grantLink(holdId)}>Open the request</LinkButton>}
        <Button onClick={onCancel}>Take it back</Button>
      </div>
    </div>
  );
}
