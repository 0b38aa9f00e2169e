'use client';
import { useQuery } from '@tanstack/react-query';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { LinkButton } from '@/components/button.tsx';
import { EmptyState } from '@/components/empty-state.tsx';
import { Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Table } from '@/components/table.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { providerLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import { KIND_WORDS } from './provider-words.ts';

export function ProvidersTab() {
  const can = useCan();
  const providers = useQuery(query.providers.list.queryOptions());
  const add = can('people:write') && (
    <LinkButton variant="primary" href="/people/sign-in/new">
      New provider
    </LinkButton>
  );
  return (
    <Panel flush>
      <div className="flex flex-wrap items-center justify-between gap-3 border-line border-b px-4 py-3">
        <p className="min-w-0 flex-1 basis-72 text-muted">
          Passwords kept here always work beside these, so that an admin gets in when a provider does not answer.
        </p>
        {add}
      </div>
      <QueryState query={providers} what="the sign-in providers">
        {(all) =>
          all.length === 0 ? (
            <EmptyState title="Everybody signs in with a password kept here">
              Add your company’s OpenID Connect or SAML provider, and people sign in with the account they have there.
            </EmptyState>
          ) : (
            <Table
              caption={plural(all.length, 'sign-in provider')}
              rows={all}
              rowKey={(provider) => provider.id}
              rowHref={(provider) => providerLink(provider.name)}
              columns={[
                {
                  key: 'name',
                  header: 'Provider',
                  cell: (provider) => (
                    <span className="block py-1">
                      {provider.title}
                      <span className="block font-normal text-muted text-sm">{provider.name}</span>
                    </span>
                  ),
                },
                { key: 'kind', header: 'By', cell: (provider) => <Badge>{KIND_WORDS[provider.settings.kind]}</Badge> },
                {
                  key: 'where',
                  header: 'Issuer',
                  hideBelow: 'md',
                  cell: (provider) => (
                    <span className="wrap-anywhere">
                      {provider.settings.kind === 'oidc' ? provider.settings.issuer : provider.settings.entityId}
                    </span>
                  ),
                },
                {
                  key: 'groups',
                  header: 'Groups mapped',
                  align: 'right',
                  hideBelow: 'sm',
                  cell: (provider) => provider.mappings.length,
                },
                { key: 'people', header: 'People', align: 'right', cell: (provider) => provider.people },
                {
                  key: 'state',
                  header: 'State',
                  hideBelow: 'sm',
                  cell: (provider) =>
                    provider.enabled ? <span className="text-muted">enabled</span> : <StateBadge state="disabled" />,
                },
              ]}
            />
          )
        }
      </QueryState>
    </Panel>
  );
}
