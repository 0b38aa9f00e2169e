'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { NoPermission } from '@/components/empty-state.tsx';
import { Page, PageHeader } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { toast } from '@/components/toast.tsx';
import { query } from '@/lib/api.ts';
import { resourceLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import type { ResourceView } from '@/lib/views.ts';
import { ResourceForm } from './resource-form.tsx';

export function NewResource() {
  const can = useCan();
  const client = useQueryClient();
  const router = useRouter();
  const create = useMutation(
    query.resources.create.mutationOptions({
      onSuccess: (resource) => {
        void client.invalidateQueries({ queryKey: query.resources.key() });
        toast(`${resource.name} is saved`, { tone: 'allow' });
        router.push(resourceLink(resource.name));
      },
    }),
  );
  if (!can('resource:write')) return <NoPermission heading="h1" what="the form for resources" />;
  return (
    <Page>
      <PageHeader crumbs={[{ label: 'Resources', href: '/resources' }]} title="New resource" />
      <ResourceForm
        resource={null}
        saving={create.isPending}
        error={create.error}
        onSave={(values) => create.mutate({ ...values, secret: values.secret ?? '', type: 'postgres' })}
      />
    </Page>
  );
}

export function EditResource({ name }: { name: string }) {
  const can = useCan();
  const resource = useQuery(query.resources.get.queryOptions({ input: { name } }));
  if (!can('resource:write')) return <NoPermission heading="h1" what="the form for resources" />;
  return (
    <QueryState query={resource} what="the resource" page>
      {(data) => <EditForm key={data.name} resource={data} />}
    </QueryState>
  );
}

function EditForm({ resource }: { resource: ResourceView }) {
  const client = useQueryClient();
  const router = useRouter();
  const update = useMutation(
    query.resources.update.mutationOptions({
      onSuccess: () => {
        void client.invalidateQueries({ queryKey: query.resources.key() });
        toast(`${resource.name} is saved`, { tone: 'allow' });
        router.push(resourceLink(resource.name));
      },
    }),
  );
  return (
    <Page>
      <PageHeader
        crumbs={[
          { label: 'Resources', href: '/resources' },
          { label: resource.name, href: resourceLink(resource.name) },
        ]}
        title={`Edit ${resource.name}`}
      />
      <ResourceForm
        resource={resource}
        saving={update.isPending}
        error={update.error}
        onSave={(values) => update.mutate(values)}
      />
    </Page>
  );
}
