'use client';
import { useQuery } from '@tanstack/react-query';
import { ISSUER_PROFILES } from '@taskgate/core';
import { useState } from 'react';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { EmptyState } from '@/components/empty-state.tsx';
import { Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Table } from '@/components/table.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { useCan } from '@/lib/me.tsx';
import type { IssuerView } from '@/lib/views.ts';
import { IssuerDialog } from './issuer-dialog.tsx';

export function IssuersTab() {
  const mayWrite = useCan()('people:write');
  const [editing, setEditing] = useState<IssuerView | 'new' | null>(null);
  const issuers = useQuery(query.issuers.list.queryOptions());
  return (
    <Panel
      flush
      title="Issuers"
      actions={
        mayWrite && (
          <Button variant="primary" size="sm" onClick={() => setEditing('new')}>
            New issuer
          </Button>
        )
      }
    >
      <QueryState query={issuers} what="the issuers">
        {(all) =>
          all.length === 0 ? (
            <EmptyState title="No issuers yet">
              An issuer signs tokens that say who a job or a service is: GitHub, GitLab, a Kubernetes cluster, a SPIFFE
              trust domain, or any OIDC provider.
            </EmptyState>
          ) : (
            <Table
              caption={plural(all.length, 'issuer')}
              rows={all}
              rowKey={(issuer) => issuer.id}
              columns={[
                {
                  key: 'name',
                  header: 'Name',
                  cell: (issuer) => (
                    <span className="block py-1">
                      <span className="font-medium">{issuer.name}</span>
                      <span className="wrap-anywhere block text-muted text-sm">{issuer.url}</span>
                    </span>
                  ),
                },
                {
                  key: 'kind',
                  header: 'Provider',
                  hideBelow: 'sm',
                  cell: (issuer) => ISSUER_PROFILES[issuer.kind].title,
                },
                { key: 'audience', header: 'Audience', hideBelow: 'md', cell: (issuer) => issuer.audience },
                {
                  key: 'settings',
                  header: 'Settings',
                  hideBelow: 'md',
                  cell: (issuer) => (
                    <span className="flex flex-wrap gap-1">
                      {issuer.singleUse && <Badge>single use</Badge>}
                      {issuer.privateNetwork && <Badge tone="hold">private network</Badge>}
                    </span>
                  ),
                },
                { key: 'bound', header: 'Bound', align: 'right', cell: (issuer) => issuer.bound },
                {
                  key: 'state',
                  header: 'State',
                  hideBelow: 'sm',
                  cell: (issuer) =>
                    issuer.disabledAt ? <StateBadge state="disabled" /> : <span className="text-muted">enabled</span>,
                },
                {
                  key: 'edit',
                  header: '',
                  align: 'right',
                  cell: (issuer) =>
                    mayWrite && (
                      <Button size="sm" aria-label={`Edit ${issuer.name}`} onClick={() => setEditing(issuer)}>
                        Edit
                      </Button>
                    ),
                },
              ]}
            />
          )
        }
      </QueryState>
      {editing !== null && (
        <IssuerDialog issuer={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />
      )}
    </Panel>
  );
}
