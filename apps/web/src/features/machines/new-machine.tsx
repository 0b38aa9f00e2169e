'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { parseAsStringLiteral, useQueryState } from 'nuqs';
import { NoPermission } from '@/components/empty-state.tsx';
import { Page, PageHeader } from '@/components/page.tsx';
import { query } from '@/lib/api.ts';
import { machineLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import { MachineForm } from './machine-form.tsx';

export function NewMachine() {
  const can = useCan();
  const router = useRouter();
  const client = useQueryClient();
  const [kind] = useQueryState('kind', parseAsStringLiteral(['machine', 'agent'] as const).withDefault('machine'));
  const create = useMutation(
    query.machines.create.mutationOptions({
      onSuccess: (machine) => {
        void client.invalidateQueries({ queryKey: query.machines.key() });
        router.push(machineLink(machine.id));
      },
    }),
  );
  return (
    <Page>
      <PageHeader title={`New ${kind}`} crumbs={[{ label: 'Machines', href: `/machines?tab=${kind}s` }]} />
      {can('people:write') ? (
        <MachineForm
          kind={kind}
          machine={null}
          saving={create.isPending}
          error={create.error}
          onSave={(values) => create.mutate({ kind, ...values })}
        />
      ) : (
        <NoPermission what={`how a ${kind} is made`} />
      )}
    </Page>
  );
}
