'use client';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { parseAsInteger, useQueryStates } from 'nuqs';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { LinkButton } from '@/components/button.tsx';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Description, UsedSince } from '@/features/documents/description.tsx';
import { RevisionPanel } from '@/features/documents/revision-panel.tsx';
import { query } from '@/lib/api.ts';
import { resourceLink, taskLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import type { PolicyView } from '@/lib/views.ts';
import { appliesToWords } from './applies-to.ts';

export function PolicyPage({ name }: { name: string }) {
  const policy = useQuery(query.policies.get.queryOptions({ input: { name } }));
  return (
    <QueryState query={policy} what="the policy" page>
      {(data) => <PolicyScreen policy={data} />}
    </QueryState>
  );
}

function NameList({
  title,
  names,
  link,
  none,
}: {
  title: string;
  names: readonly string[];
  link: ((name: string) => string) | null;
  none: string;
}) {
  return (
    <div>
      <h3 className="font-semibold text-sm">{title}</h3>
      {names.length === 0 ? (
        <p className="text-muted">{none}</p>
      ) : (
        <ul className="flex flex-wrap gap-x-3 gap-y-1">
          {names.map((name) => (
            <li key={name} className="min-h-6">
              {link === null ? (
                name
              ) : (
                <Link href={link(name)} className="link">
                  {name}
                </Link>
              )}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function PolicyScreen({ policy }: { policy: PolicyView }) {
  const can = useCan();
  const [place, setPlace] = useQueryStates(
    { revision: parseAsInteger, line: parseAsInteger },
    { history: 'push', scroll: false },
  );
  const revisions = useQuery(query.policies.revisions.queryOptions({ input: { name: policy.name } }));
  const usage = useQuery({
    ...query.policies.usage.queryOptions({ input: { name: policy.name } }),
    enabled: policy.revision !== null,
  });
  return (
    <Page>
      <PageHeader
        crumbs={[{ label: 'Policies', href: '/policies' }]}
        title={policy.name}
        description={policy.purpose}
        badges={
          <>
            {policy.revision === null ? <StateBadge state="draft" /> : <Badge>revision {policy.revision}</Badge>}
            {policy.revision !== null && policy.latestRevision !== policy.revision && (
              <Badge tone="hold">newer draft {policy.latestRevision}</Badge>
            )}
          </>
        }
        actions={can('task:write') && <LinkButton href={`/policies/${policy.name}/edit`}>Edit</LinkButton>}
      />
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <Panel title="What it takes away" actions={usage.data && <UsedSince usage={usage.data} />}>
          <Description
            sections={policy.description}
            usage={usage.data ?? null}
            onLine={(line) => void setPlace({ line, revision: policy.revision ?? policy.latestRevision })}
          />
        </Panel>
        <Panel title={`Applies to ${appliesToWords(policy.appliesTo)}`}>
          <div className="flex flex-col gap-3">
            <NameList
              title="Resources"
              names={policy.appliesTo.resources}
              link={can('resource:read') ? resourceLink : null}
              none="None now: nothing has the name or the labels it asks for."
            />
            <NameList
              title="Tasks"
              names={policy.appliesTo.tasks}
              link={taskLink}
              none="No task uses those resources."
            />
          </div>
        </Panel>
      </div>
      <QueryState query={revisions} what="the revisions">
        {(items) => (
          <RevisionPanel
            revisions={items}
            publishedRevision={policy.revision}
            revision={place.revision}
            line={place.line}
            onRevision={(revision) => void setPlace({ revision, line: null })}
          />
        )}
      </QueryState>
    </Page>
  );
}
