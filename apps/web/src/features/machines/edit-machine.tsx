'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { NoPermission } from '@/components/empty-state.tsx';
import { Page, PageHeader } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { query } from '@/lib/api.ts';
import { machineLink } from '@/lib/links.ts';
import { useCan } from '@/lib/me.tsx';
import { MachineForm } from './machine-form.tsx';

export function EditMachine({ id }: { id: string }) {
  const can = useCan();
  const router = useRouter();
  const client = useQueryClient();
  const machine = useQuery({ ...query.machines.get.queryOptions({ input: { id } }), enabled: can('people:write') });
  const update = useMutation(
    query.machines.update.mutationOptions({
      onSuccess: () => {
        void client.invalidateQueries({ queryKey: query.machines.key() });
        router.push(machineLink(id));
      },
    }),
  );
  return (
    <Page>
      {can('people:write') ? (
        <QueryState query={machine} what="the machine" page>
          {(found) => (
            <>
              <PageHeader
                title={`Change ${found.name}`}
                crumbs={[
                  { label: 'Machines', href: `/machines?tab=${found.kind}s` },
                  { label: found.name, href: machineLink(id) },
                ]}
              />
              <MachineForm
                kind={found.kind}
                machine={found}
                saving={update.isPending}
                error={update.error}
                onSave={({ tasks, proof }) => update.mutate({ id, tasks, proof })}
              />
            </>
          )}
        </QueryState>
      ) : (
        <NoPermission what="how a machine is changed" heading="h1" />
      )}
    </Page>
  );
}
