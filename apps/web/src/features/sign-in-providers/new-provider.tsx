'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { NoPermission } from '@/components/empty-state.tsx';
import { Page, PageHeader } from '@/components/page.tsx';
import { toast } from '@/components/toast.tsx';
import { ProveDialog } from '@/features/passkeys/prove-dialog.tsx';
import { query } from '@/lib/api.ts';
import { providerLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import { ProviderForm, type ProviderValues } from './provider-form.tsx';

export function NewProvider() {
  const can = useCan();
  const client = useQueryClient();
  const router = useRouter();
  // What waits for a proof of who is here: who runs a provider says who somebody is.
  const [proving, setProving] = useState<ProviderValues | null>(null);
  const create = useMutation(
    query.providers.create.mutationOptions({
      onSuccess: (provider) => {
        void client.invalidateQueries({ queryKey: query.providers.key() });
        toast(`${provider.title} is added`, { tone: 'allow' });
        router.push(providerLink(provider.name));
      },
    }),
  );
  if (!can('people:write')) return <NoPermission heading="h1" what="the form for sign-in providers" />;
  return (
    <Page>
      <PageHeader
        crumbs={[{ label: 'Sign-in', href: '/people?tab=sign-in' }]}
        title="New sign-in provider"
        description="When it is added, its page shows the addresses that the provider must be told."
      />
      <ProviderForm
        provider={null}
        whyNot={null}
        saving={create.isPending}
        error={proving === null ? create.error : null}
        onSave={(values) => {
          create.reset();
          setProving(values);
        }}
      />
      <ProveDialog
        open={proving !== null}
        onClose={() => setProving(null)}
        title={`Let people sign in with ${proving?.title}?`}
        action="Add this provider"
        loading={create.isPending}
        error={create.error}
        onProved={(proof) => create.mutate({ ...proving!, proof })}
      >
        Who runs it says who signs in.
      </ProveDialog>
    </Page>
  );
}
