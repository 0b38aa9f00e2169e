import Link from 'next/link';
import { Panel } from '@/components/page.tsx';
import { plural } from '@/lib/format.ts';
import { useCan } from '@/lib/me.tsx';
import type { OffboardedView } from '@/lib/views.ts';

/** What an offboarding has ended. */
export function OffboardedPanel({ ended }: { ended: OffboardedView }) {
  const can = useCan();
  const words = [
    [ended.sessions, 'live database connection'] as const,
    [ended.grants.length, 'grant'] as const,
    [ended.holds, 'held statement'] as const,
    [ended.webSessions, 'web sign-in'] as const,
    [ended.apiTokens, 'API token'] as const,
    [ended.scimTokens, 'SCIM token'] as const,
    [ended.agents.length, 'agent'] as const,
    [ended.groups.length, 'membership of a group', 'memberships of groups'] as const,
  ].flatMap(([count, one, many]) => (count === 0 ? [] : [plural(count, one, many)]));
  return (
    <Panel title={`${ended.identity.name} is offboarded`}>
      <div role="status">
        <p>{words.length === 0 ? 'Nothing of theirs was alive.' : `Ended: ${words.join(', ')}.`}</p>
        {ended.grants.length > 0 && (
          <p className="mt-1 text-muted">Tasks: {[...new Set(ended.grants.map((grant) => grant.task))].join(', ')}.</p>
        )}
        <p className="mt-1 text-muted">
          In the audit as{' '}
          {can('audit:read') ? (
            <Link className="link font-mono text-sm" href={`/audit?subject=${ended.actId}`}>
              {ended.actId}
            </Link>
          ) : (
            <span className="font-mono text-sm">{ended.actId}</span>
          )}
          .
        </p>
      </div>
    </Panel>
  );
}
