'use client';
import { useMutation, useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { Button, LinkButton } from '@/components/button.tsx';
import { FormError } from '@/components/field.tsx';
import { Facts, Page, PageHeader, Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Time } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { policyLink, taskLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import { problemOf } from '@/lib/problem.ts';
import type { ResourceView } from '@/lib/views.ts';
import { CatalogBrowser } from './catalog-browser.tsx';
import { LabelBadges } from './label-badges.tsx';
import { RotationPanel } from './rotation-panel.tsx';
import { SecondWall } from './second-wall.tsx';
import { TestSteps } from './test-steps.tsx';

export function ResourcePage({ name }: { name: string }) {
  const resource = useQuery(query.resources.get.queryOptions({ input: { name } }));
  return (
    <QueryState query={resource} what="the resource" page>
      {(data) => <ResourceScreen resource={data} />}
    </QueryState>
  );
}

function Names({ names, link, none }: { names: readonly string[]; link: (name: string) => string; none: string }) {
  if (names.length === 0) return <p className="text-muted">{none}</p>;
  return (
    <ul className="flex flex-col gap-1">
      {names.map((name) => (
        <li key={name} className="min-h-6">
          <Link href={link(name)} className="link">
            {name}
          </Link>
        </li>
      ))}
    </ul>
  );
}

function ResourceScreen({ resource }: { resource: ResourceView }) {
  const can = useCan();
  const test = useMutation(query.resources.test.mutationOptions());
  const mayWrite = can('resource:write');
  return (
    <Page>
      <PageHeader
        crumbs={[{ label: 'Resources', href: '/resources' }]}
        title={resource.name}
        description={`Postgres database ${resource.database} on ${resource.host}`}
        actions={
          <>
            <Button
              loading={test.isPending}
              disabledReason={mayWrite ? null : 'only admins can test it'}
              onClick={() => test.mutate({ name: resource.name })}
            >
              Test
            </Button>
            {mayWrite && <LinkButton href={`/resources/${resource.name}/edit`}>Edit</LinkButton>}
          </>
        }
      />
      {(test.data || test.error) && (
        <Panel title="Test">
          {test.data && <TestSteps result={test.data} />}
          <FormError message={test.error ? problemOf(test.error).detail : null} />
        </Panel>
      )}
      <div className="grid items-start gap-4 lg:grid-cols-3">
        <Panel title="Where">
          <Facts
            items={[
              ['Host', resource.host],
              ['Port', String(resource.port)],
              ['Database', resource.database],
              ['TLS', resource.tlsMode],
              ['Labels', <LabelBadges key="labels" labels={resource.labels} />],
              ...(resource.catalog
                ? ([
                    ['Server', `Postgres ${Math.floor(resource.catalog.serverVersion / 10_000)}`],
                    ['Catalog read', <Time key="read" at={resource.catalog.readAt} />],
                  ] as const)
                : []),
            ]}
          />
        </Panel>
        <Panel title="Tasks on it">
          <Names names={resource.tasks} link={taskLink} none="No task opens it, so nobody can get in." />
        </Panel>
        <Panel title="Policies that apply">
          <Names names={resource.policies} link={policyLink} none="None." />
        </Panel>
      </div>
      <RotationPanel resource={resource} />
      <SecondWall resource={resource} />
      <CatalogBrowser name={resource.name} known={resource.catalog !== null} />
    </Page>
  );
}
