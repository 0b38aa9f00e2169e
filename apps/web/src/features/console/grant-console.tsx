'use client';
import { useQuery } from '@tanstack/react-query';
import { Page } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { query } from '@/lib/api.ts';
import { OpenGrant } from './open-grant.tsx';

export function GrantConsole({ grantId }: { grantId: string }) {
  const grant = useQuery({
    ...query.grants.get.queryOptions({ input: { id: grantId } }),
    refetchInterval: 20_000,
  });
  if (grant.data) return <OpenGrant grant={grant.data} />;
  return (
    <Page>
      <QueryState query={grant} what="this grant">
        {() => null}
      </QueryState>
    </Page>
  );
}
