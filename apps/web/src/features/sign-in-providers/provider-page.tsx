'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Check, X } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { ConfirmDialog } from '@/components/confirm-dialog.tsx';
import { CopyField } from '@/components/copy-field.tsx';
import { NoPermission } from '@/components/empty-state.tsx';
import { FormError } from '@/components/field.tsx';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { toast } from '@/components/toast.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { useCan } from '@/lib/me.tsx';
import { problemOf } from '@/lib/problem.ts';
import type { ProviderView } from '@/lib/views.ts';
import { GroupMappings } from './group-mappings.tsx';
import { ProviderForm } from './provider-form.tsx';
import { KIND_WORDS } from './provider-words.ts';

export function ProviderPage({ name }: { name: string }) {
  const can = useCan();
  const provider = useQuery(query.providers.get.queryOptions({ input: { name } }));
  if (!can('people:write')) return <NoPermission heading="h1" what="how people sign in" />;
  return (
    <QueryState query={provider} what="the sign-in provider" page>
      {(data) => <Loaded provider={data} />}
    </QueryState>
  );
}

function Loaded({ provider }: { provider: ProviderView }) {
  const client = useQueryClient();
  const router = useRouter();
  const [asking, setAsking] = useState<'remove' | 'turn off' | null>(null);
  const refresh = () => {
    void client.invalidateQueries({ queryKey: query.providers.key() });
    void client.invalidateQueries({ queryKey: query.people.key() });
  };
  const update = useMutation(query.providers.update.mutationOptions({ onSuccess: refresh }));
  const turn = useMutation(query.providers.update.mutationOptions({ onSuccess: refresh }));
  const map = useMutation(query.providers.mapGroups.mutationOptions({ onSuccess: refresh }));
  const test = useMutation(query.providers.test.mutationOptions());
  const remove = useMutation(query.providers.remove.mutationOptions());
  const { name, title, enabled, addresses } = provider;
  const ends =
    'Everybody who came by it is signed out, the API tokens of all whom it knows end, and the groups that it gave are taken away, with their grants.';

  return (
    <Page>
      <PageHeader
        crumbs={[{ label: 'Sign-in', href: '/people?tab=sign-in' }]}
        title={title}
        badges={
          <>
            <Badge>{KIND_WORDS[provider.settings.kind]}</Badge>
            {!enabled && <StateBadge state="disabled" />}
          </>
        }
        description={`${plural(provider.people, 'person has', 'people have')} signed in by it.`}
        actions={
          <>
            <Button loading={test.isPending} onClick={() => test.mutate({ name })}>
              Test
            </Button>
            {enabled ? (
              <Button onClick={() => setAsking('turn off')}>Turn off</Button>
            ) : (
              <Button loading={turn.isPending} onClick={() => turn.mutate({ name, enabled: true })}>
                Turn on
              </Button>
            )}
            <Button variant="danger" onClick={() => setAsking('remove')}>
              Remove
            </Button>
          </>
        }
      />
      <FormError message={test.error ? problemOf(test.error).detail : null} />
      {test.data && <TestResult result={test.data} />}
      <Panel title="What the provider must be told">
        <div className="flex flex-col gap-3">
          {addresses.entityId === null ? (
            <CopyField label="Redirect URI" value={addresses.callback} />
          ) : (
            <>
              <CopyField label="Metadata, where it reads these itself" value={addresses.metadata ?? ''} />
              <CopyField label="Entity id (audience)" value={addresses.entityId} />
              <CopyField label="Assertion consumer service" value={addresses.callback} />
            </>
          )}
        </div>
      </Panel>
      <GroupMappings
        key={JSON.stringify(provider.mappings)}
        of={title}
        mappings={provider.mappings}
        seen={provider.seenGroups}
        saving={map.isPending}
        error={map.error}
        onSave={(mappings) =>
          map.mutate({ name, mappings }, { onSuccess: () => toast('The groups are mapped', { tone: 'allow' }) })
        }
      />
      <ProviderForm
        key={provider.updatedAt}
        provider={provider}
        saving={update.isPending}
        error={update.error}
        onSave={(values) =>
          update.mutate(values, { onSuccess: () => toast(`${values.title} is saved`, { tone: 'allow' }) })
        }
      />
      <ConfirmDialog
        open={asking === 'turn off'}
        onClose={() => setAsking(null)}
        title={`Turn ${title} off?`}
        action={`Turn ${title} off`}
        loading={turn.isPending}
        error={turn.error ? problemOf(turn.error).detail : null}
        onConfirm={() => turn.mutate({ name, enabled: false }, { onSuccess: () => setAsking(null) })}
      >
        {ends} Turned on again, they get them back at their next sign-in.
      </ConfirmDialog>
      <ConfirmDialog
        open={asking === 'remove'}
        onClose={() => setAsking(null)}
        title={`Remove ${title}?`}
        action={`Remove ${title}`}
        typeToConfirm={name}
        loading={remove.isPending}
        error={remove.error ? problemOf(remove.error).detail : null}
        onConfirm={() =>
          remove.mutate(
            { name },
            {
              onSuccess: ({ endedSessions }) => {
                refresh();
                toast(`${title} is removed, ${plural(endedSessions, 'sign-in')} ended`);
                router.push('/people?tab=sign-in');
              },
            },
          )
        }
      >
        {ends} Which of its subjects is who is forgotten. People who have no password here, and no other provider, lose
        their passkeys and cannot sign in any more.
      </ConfirmDialog>
    </Page>
  );
}

function TestResult({ result }: { result: { ok: boolean; steps: { name: string; ok: boolean; message: string }[] } }) {
  return (
    <div role="status" className="rounded-lg border border-line bg-surface p-4">
      <p className={result.ok ? 'font-medium text-allow' : 'font-medium text-deny'}>
        {result.ok ? 'The provider can be used.' : 'The provider cannot be used as it is set.'}
      </p>
      <ol className="mt-2 flex flex-col gap-1">
        {result.steps.map((step) => (
          <li key={step.name + step.message} className="flex items-start gap-2">
            {step.ok ? (
              <Check aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-allow" />
            ) : (
              <X aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-deny" />
            )}
            <span className="wrap-anywhere min-w-0">
              <span className="font-medium">{STEP_NAMES[step.name] ?? step.name}</span>
              <span className="sr-only">{step.ok ? ': fine' : ': failed'}</span>
              <span className="text-muted">: {step.message}</span>
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}

const STEP_NAMES: Record<string, string> = {
  discovery: 'Discovery',
  pkce: 'PKCE',
  keys: 'Keys',
  address: 'Address',
  certificate: 'Certificate',
};
