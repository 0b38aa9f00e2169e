'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button, LinkButton } from '@/components/button.tsx';
import { FormError } from '@/components/field.tsx';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { activateGrant, activationLabel } from '@/features/grants/activate-grant.ts';
import { GrantCard } from '@/features/inbox/grant-card.tsx';
import { query } from '@/lib/api.ts';
import { askAgainLink, subjectLink, subjectName } from '@/lib/links.ts';
import { problemOf } from '@/lib/problem.ts';
import type { GrantView } from '@/lib/views.ts';
import { Console } from './console.tsx';

/** The console of a grant, or the step that is still missing before it. */
export function OpenGrant({ grant }: { grant: GrantView }) {
  // Once open it stays on the screen when the grant ends, with what was typed and what came back.
  const [opened, setOpened] = useState(grant.state === 'active');
  if (!opened && grant.state === 'active') setOpened(true);
  if (opened) return <Console grant={grant} />;
  return (
    <Page>
      <PageHeader
        title={`Console of ${subjectName(grant)}`}
        crumbs={[{ label: subjectName(grant), href: subjectLink(grant) }]}
      />
      <Panel>
        <div role="status" className="mb-4 flex flex-wrap items-center gap-2 border-line border-b pb-4">
          {grant.state === 'approved' ? (
            <ActivateButton grant={grant} />
          ) : grant.state === 'requested' ? (
            <p>Waiting for {grant.approvers.join(' or ')}. The console can be opened here once they have agreed.</p>
          ) : (
            <>
              <p className="min-w-0 flex-1">This grant has ended.</p>
              <LinkButton href={askAgainLink(grant)}>Ask again</LinkButton>
            </>
          )}
        </div>
        <GrantCard grant={grant} />
      </Panel>
    </Page>
  );
}

function ActivateButton({ grant }: { grant: GrantView }) {
  const client = useQueryClient();
  const activate = useMutation({
    // Its token is for other clients and is not kept: the console needs none.
    mutationFn: activateGrant,
    onSettled: () => client.invalidateQueries({ queryKey: query.grants.key() }),
  });
  const action = grant.actions.activate;
  return (
    <div className="flex min-w-0 flex-1 flex-col gap-2">
      <p className="text-muted text-sm">
        Activated here, it is for the console: the token for psql is shown only by Connect, on the task.
      </p>
      <FormError message={activate.error ? problemOf(activate.error).detail : null} />
      <div>
        <Button
          variant="primary"
          loading={activate.isPending}
          disabledReason={action?.allowed ? null : (action?.why ?? 'not now')}
          onClick={() => activate.mutate(grant)}
        >
          {activationLabel(grant, 'Activate and open the console')}
        </Button>
      </div>
    </div>
  );
}
