'use client';
import Link from 'next/link';
import { type ReactNode, useState } from 'react';
import { StateBadge } from '@/components/badge.tsx';
import { Button, LinkButton } from '@/components/button.tsx';
import { Countdown } from '@/components/time.tsx';
import { consoleLink, grantLink, subjectLink, subjectName } from '@/lib/links.ts';
import type { GrantView } from '@/lib/views.ts';
import { BudgetUsed } from './budget-used.tsx';
import { ConnectSheet } from './connect-sheet.tsx';
import { EndGrantButton } from './end-grant-button.tsx';

function GrantRow({ grant, children, about }: { grant: GrantView; about: ReactNode; children: ReactNode }) {
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 border-line border-b px-4 py-2 last:border-b-0">
      <div className="min-w-0 flex-1 basis-56">
        <div className="flex flex-wrap items-center gap-2">
          <Link href={subjectLink(grant)} className="font-medium hover:underline">
            {subjectName(grant)}
          </Link>
          <StateBadge state={grant.state} />
        </div>
        <p className="text-muted text-sm">
          {grant.resource ?? 'a workflow'} · {about}
        </p>
        {grant.state === 'active' && <BudgetUsed budget={grant.budget} />}
      </div>
      <div className="flex flex-wrap items-center gap-2">{children}</div>
    </li>
  );
}

/** Grants that can be used now: how long, and where to go. */
export function ActiveGrants({ grants }: { grants: readonly GrantView[] }) {
  const [connecting, setConnecting] = useState<GrantView | null>(null);
  return (
    <ul>
      {grants.map((grant) => (
        <GrantRow
          key={grant.id}
          grant={grant}
          about={grant.expiresAt ? <Countdown until={grant.expiresAt} /> : 'no end'}
        >
          <Button size="sm" onClick={() => setConnecting(grant)} aria-label={`Connect ${subjectName(grant)}`}>
            Connect
          </Button>
          {grant.task !== null && (
            <LinkButton
              size="sm"
              variant="primary"
              href={consoleLink(grant.id)}
              aria-label={`Console of ${grant.task}`}
            >
              Console
            </LinkButton>
          )}
          <EndGrantButton grant={grant} />
        </GrantRow>
      ))}
      {connecting && (
        <ConnectSheet
          open
          onClose={() => setConnecting(null)}
          task={{ name: subjectName(connecting), resource: connecting.resource }}
          grantId={connecting.id}
        />
      )}
    </ul>
  );
}

/** Requests that wait for somebody, or for their owner to activate them. */
export function PendingGrants({ grants }: { grants: readonly GrantView[] }) {
  const [connecting, setConnecting] = useState<GrantView | null>(null);
  return (
    <ul>
      {grants.map((grant) => (
        <GrantRow
          key={grant.id}
          grant={grant}
          about={
            grant.state === 'approved' ? (
              'its time starts when you activate it'
            ) : (
              <>
                asked of {grant.approvers.join(', ')} · <Countdown until={grant.requestExpiresAt} label="to answer" />
              </>
            )
          }
        >
          {grant.state === 'approved' ? (
            <Button
              size="sm"
              variant="primary"
              onClick={() => setConnecting(grant)}
              aria-label={`Activate ${subjectName(grant)}`}
            >
              Activate
            </Button>
          ) : (
            <LinkButton
              size="sm"
              href={grantLink(grant.id)}
              aria-label={`Details of the request for ${subjectName(grant)}`}
            >
              Details
            </LinkButton>
          )}
          <EndGrantButton grant={grant} />
        </GrantRow>
      ))}
      {connecting && (
        <ConnectSheet
          open
          onClose={() => setConnecting(null)}
          task={{ name: subjectName(connecting), resource: connecting.resource }}
          grantId={connecting.id}
        />
      )}
    </ul>
  );
}
