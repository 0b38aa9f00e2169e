'use client';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useState } from 'react';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { NoPermission } from '@/components/empty-state.tsx';
import { Page, PageHeader } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { query } from '@/lib/api.ts';
import { useCan } from '@/lib/me.tsx';
import type { OffboardedView, ReachView } from '@/lib/views.ts';
import { OffboardDialog } from './offboard-dialog.tsx';
import { OffboardedPanel } from './offboarded-panel.tsx';
import { ReachPanels } from './reach-panels.tsx';

/** One identity: what it can reach, what of it is alive, and the one action that ends all of it. */
export function PersonPage({ id }: { id: string }) {
  const can = useCan();
  const reach = useQuery({ ...query.people.reach.queryOptions({ input: { id } }), enabled: can('people:read') });
  if (!can('people:read')) return <NoPermission heading="h1" what="the people here" />;
  return (
    <QueryState query={reach} what="this person" page>
      {(data) => <Loaded reach={data} />}
    </QueryState>
  );
}

function Loaded({ reach }: { reach: ReachView }) {
  const [asking, setAsking] = useState(false);
  const [ended, setEnded] = useState<OffboardedView | null>(null);
  const { identity } = reach;
  return (
    <Page>
      <PageHeader
        crumbs={[{ label: 'People', href: '/people' }]}
        title={identity.name}
        badges={
          <>
            {identity.kind !== 'person' && <Badge>{identity.kind}</Badge>}
            {identity.disabledAt !== null && <StateBadge state="disabled" />}
          </>
        }
        description={
          identity.actsFor === null ? (
            identity.email
          ) : (
            <>
              acts for{' '}
              <Link className="link" href={`/people/${identity.actsFor.id}`}>
                {identity.actsFor.name}
              </Link>
            </>
          )
        }
        actions={
          <Button variant="danger" disabledReason={reach.whyNotOffboard} onClick={() => setAsking(true)}>
            Offboard
          </Button>
        }
      />
      {ended !== null && <OffboardedPanel ended={ended} />}
      <ReachPanels reach={reach} />
      <OffboardDialog
        open={asking}
        reach={reach}
        onClose={() => setAsking(false)}
        onEnded={(result) => {
          setAsking(false);
          setEnded(result);
        }}
      />
    </Page>
  );
}
