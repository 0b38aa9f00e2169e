'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { whyEscalates, whyNotAdmin } from '@taskgate/core';
import { Check, X } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { CopyField } from '@/components/copy-field.tsx';
import { NoPermission } from '@/components/empty-state.tsx';
import { FormError } from '@/components/field.tsx';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { toast } from '@/components/toast.tsx';
import { type GivenProof, ProveDialog } from '@/features/passkeys/prove-dialog.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { useCan, useMe } from '@/lib/me.tsx';
import { problemOf } from '@/lib/problem.ts';
import type { ProviderView } from '@/lib/views.ts';
import { GroupMappings, type Mapping } from './group-mappings.tsx';
import { ProviderForm, type ProviderValues } from './provider-form.tsx';
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

/** What waits for a proof of who is here: who says what a provider is and gives says who somebody is. */
type Deed =
  | { readonly kind: 'save'; readonly values: ProviderValues }
  | { readonly kind: 'map'; readonly mappings: Mapping[] }
  | { readonly kind: 'turn on' | 'turn off' | 'remove' };

const ENDS =
  'Everybody who came by it is signed out, the API tokens of all whom it knows end, and the groups that it gave are taken away, with their grants.';
const DEEDS: Record<
  Deed['kind'],
  { readonly title: (of: string) => string; readonly action: (of: string) => string; readonly what: string }
> = {
  save: {
    title: (of) => `Change ${of}?`,
    action: (of) => `Save ${of}`,
    what: 'Who runs it says who signs in. With another issuer or entity id it knows nobody any more.',
  },
  map: {
    title: (of) => `Map the groups of ${of}?`,
    action: () => 'Map the groups',
    what: 'Memberships, and the grants that came with them, follow at once.',
  },
  'turn on': {
    title: (of) => `Turn ${of} on?`,
    action: (of) => `Turn ${of} on`,
    what: 'People can sign in by it again.',
  },
  'turn off': {
    title: (of) => `Turn ${of} off?`,
    action: (of) => `Turn ${of} off`,
    what: `${ENDS} Turned on again, they get them back at their next sign-in.`,
  },
  remove: {
    title: (of) => `Remove ${of}?`,
    action: (of) => `Remove ${of}`,
    what: `${ENDS} Which of its subjects is who is forgotten. People who have no password here, and no other provider, lose their passkeys and cannot sign in any more.`,
  },
};

function Loaded({ provider }: { provider: ProviderView }) {
  const client = useQueryClient();
  const router = useRouter();
  const me = useMe();
  const groups = useQuery(query.people.groups.queryOptions());
  const mapped = groups.data?.filter((group) => provider.mappings.some((mapping) => mapping.group === group.name));
  const whyNot =
    provider.emailTrust === 'never'
      ? whyEscalates(me, mapped ?? [])
      : whyNotAdmin(me, 'it is trusted with e-mail addresses, and so could let anybody in as anybody');
  const [deed, setDeed] = useState<Deed | null>(null);
  const refresh = () => {
    void client.invalidateQueries({ queryKey: query.providers.key() });
    void client.invalidateQueries({ queryKey: query.people.key() });
  };
  const update = useMutation(query.providers.update.mutationOptions({ onSuccess: refresh }));
  const turn = useMutation(query.providers.update.mutationOptions({ onSuccess: refresh }));
  const map = useMutation(query.providers.mapGroups.mutationOptions({ onSuccess: refresh }));
  const test = useMutation(query.providers.test.mutationOptions());
  const remove = useMutation(query.providers.remove.mutationOptions());
  const ask = (next: Deed) => {
    for (const mutation of [update, turn, map, remove]) mutation.reset();
    setDeed(next);
  };
  const { name, title, enabled, addresses } = provider;
  const close = () => setDeed(null);
  const run = (asked: Deed, proof: GivenProof) => {
    const done = (message: string) => () => {
      close();
      toast(message, { tone: 'allow' });
    };
    switch (asked.kind) {
      case 'save':
        return update.mutate({ ...asked.values, proof }, { onSuccess: done(`${asked.values.title} is saved`) });
      case 'map':
        return map.mutate({ name, mappings: asked.mappings, proof }, { onSuccess: done('The groups are mapped') });
      case 'turn on':
      case 'turn off':
        return turn.mutate({ name, enabled: asked.kind === 'turn on', proof }, { onSuccess: close });
      case 'remove':
        return remove.mutate(
          { name, proof },
          {
            onSuccess: ({ endedSessions }) => {
              refresh();
              toast(`${title} is removed, ${plural(endedSessions, 'sign-in')} ended`);
              router.push('/people?tab=sign-in');
            },
          },
        );
    }
  };

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
              <Button disabledReason={whyNot} onClick={() => ask({ kind: 'turn off' })}>
                Turn off
              </Button>
            ) : (
              <Button disabledReason={whyNot} onClick={() => ask({ kind: 'turn on' })}>
                Turn on
              </Button>
            )}
            <Button variant="danger" disabledReason={whyNot} onClick={() => ask({ kind: 'remove' })}>
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
        error={deed === null ? map.error : null}
        onSave={(mappings) => ask({ kind: 'map', mappings })}
      />
      <ProviderForm
        key={provider.updatedAt}
        provider={provider}
        whyNot={whyNot}
        saving={update.isPending}
        error={deed === null ? update.error : null}
        onSave={(values) => ask({ kind: 'save', values })}
      />
      <ProveDialog
        open={deed !== null}
        onClose={close}
        title={deed === null ? '' : DEEDS[deed.kind].title(title)}
        action={deed === null ? '' : DEEDS[deed.kind].action(title)}
        loading={[update, turn, map, remove].some(({ isPending }) => isPending)}
        error={update.error ?? turn.error ?? map.error ?? remove.error}
        onProved={(proof) => deed !== null && run(deed, proof)}
      >
        {deed !== null && DEEDS[deed.kind].what}
      </ProveDialog>
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
