'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useQueryState } from 'nuqs';
import { useRef, useState } from 'react';
import { Button, LinkButton } from '@/components/button.tsx';
import { ConfirmDialog } from '@/components/confirm-dialog.tsx';
import { Sheet } from '@/components/dialog.tsx';
import { ErrorState } from '@/components/error-state.tsx';
import { FormError } from '@/components/field.tsx';
import { Page, Panel } from '@/components/page.tsx';
import { TableSkeleton } from '@/components/skeleton.tsx';
import { toast } from '@/components/toast.tsx';
import { DecideBar } from '@/features/inbox/decide-bar.tsx';
import { GrantCard } from '@/features/inbox/grant-card.tsx';
import { HoldCard } from '@/features/inbox/hold-card.tsx';
import { useItem } from '@/features/inbox/inbox.tsx';
import { query } from '@/lib/api.ts';
import { askAgainLink, consoleLink, runLink, subjectName } from '@/lib/links.ts';
import { useMe } from '@/lib/me.tsx';
import { problemOf } from '@/lib/problem.ts';
import type { ActivationView, GrantView, HoldView, InboxItemView } from '@/lib/views.ts';
import { activateGrant, activationLabel, confirmGrant } from './activate-grant.ts';
import { NewTokenDetails } from './connect-details.tsx';
import { EndGrantButton } from './end-grant-button.tsx';

/** One request or one held statement: the same page for who asks and who decides. */
export function RequestPage({ id }: { id: string }) {
  const { data, error, refetch } = useItem(id, true);
  return (
    <Page>
      {data ? (
        <Request item={data} />
      ) : error ? (
        <ErrorState error={error} retry={() => void refetch()} what="this request" />
      ) : (
        <TableSkeleton />
      )}
    </Page>
  );
}

function Request({ item }: { item: InboxItemView }) {
  const me = useMe();
  const asker = item.kind === 'grant' ? item.grant.requestedBy : item.hold.requestedBy;
  const own = asker.id === me.id;
  const open = item.kind === 'grant' ? item.grant.state === 'requested' : item.hold.state === 'waiting';
  const end = useRef<HTMLDivElement>(null);
  return (
    <Panel>
      {item.kind === 'grant' ? (
        <GrantCard grant={item.grant} heading="h1" />
      ) : (
        <HoldCard hold={item.hold} heading="h1" />
      )}
      <div ref={end} tabIndex={-1} role="status" className="mt-4 border-line border-t pt-3 focus:outline-none">
        {open && !own && <DecideBar item={item} onDecided={() => end.current?.focus()} />}
        {item.kind === 'grant' ? <GrantNext grant={item.grant} own={own} /> : <HoldNext hold={item.hold} own={own} />}
      </div>
    </Panel>
  );
}

/** Said before and after the command line has taken its token: the one follows the other at once. */
const GOES_ON = 'Your command line goes on by itself; this page can be closed.';

/** What happens now, in words, and what its owner can do. */
function GrantNext({ grant, own }: { grant: GrantView; own: boolean }) {
  const client = useQueryClient();
  // The token lives here, and goes when the sheet closes.
  const [activation, setActivation] = useState<ActivationView | null>(null);
  // A link of the command line: it waits for the yes, and takes the token itself.
  const [confirming] = useQueryState('confirm');
  const onSettled = () => client.invalidateQueries({ queryKey: query.grants.key() });
  const activate = useMutation({ mutationFn: activateGrant, onSuccess: setActivation, onSettled });
  const confirm = useMutation({ mutationFn: confirmGrant, onSettled });
  const problem = activate.error ?? confirm.error;
  const action = grant.actions.activate;
  return (
    <div className="flex flex-wrap items-center gap-2">
      {own && grant.state === 'requested' && (
        <p className="min-w-0 flex-1">
          Waiting for {grant.approvers.join(' or ')}. This page changes by itself when somebody has decided.
        </p>
      )}
      {own && grant.state === 'approved' && confirming !== null && (
        <>
          <p className="min-w-0 flex-1">
            {grant.confirmed
              ? `Confirmed. ${GOES_ON}`
              : 'Your command line waits for you to confirm that it activates this.'}
          </p>
          {!grant.confirmed && (
            <Button variant="primary" loading={confirm.isPending} onClick={() => confirm.mutate(grant.id)}>
              Confirm with passkey
            </Button>
          )}
        </>
      )}
      {own && grant.state === 'approved' && confirming === null && (
        <>
          <p className="min-w-0 flex-1">Approved. Its time starts when you activate it.</p>
          <Button
            variant="primary"
            loading={activate.isPending}
            disabledReason={action?.allowed ? null : (action?.why ?? 'not now')}
            onClick={() => activate.mutate(grant)}
          >
            {activationLabel(grant, 'Activate and show the token')}
          </Button>
        </>
      )}
      {own && grant.state === 'active' && grant.task === null && (
        <p className="min-w-0 flex-1">
          {confirming === null
            ? 'Active. Its token, shown once, starts its steps.'
            : `Confirmed, and active. ${GOES_ON}`}
        </p>
      )}
      {own && grant.state === 'active' && grant.task !== null && (
        <>
          <p className="min-w-0 flex-1">
            {confirming === null
              ? 'Active. Its token was shown once; the console needs none.'
              : `Confirmed, and active. ${GOES_ON}`}
          </p>
          <LinkButton variant="primary" href={consoleLink(grant.id)}>
            Open the console
          </LinkButton>
        </>
      )}
      {grant.state === 'ended' && (
        <>
          <p className="min-w-0 flex-1">{endWords(grant)}</p>
          {own && <LinkButton href={askAgainLink(grant)}>Ask again</LinkButton>}
        </>
      )}
      {(grant.activatedAt !== null || grant.depth > 0) && (
        <LinkButton href={runLink(grant.id)}>Show the run</LinkButton>
      )}
      {grant.actions.end?.allowed && <EndGrantButton grant={grant} size="md" />}
      <FormError message={problem ? problemOf(problem).detail : null} />
      <Sheet
        open={activation !== null}
        onClose={() => setActivation(null)}
        title={grant.resource === null ? `Run ${subjectName(grant)}` : `Connect to ${grant.resource}`}
        description={`${grant.task === null ? 'Workflow' : 'Task'} ${subjectName(grant)}`}
      >
        {activation && <NewTokenDetails activation={activation} />}
      </Sheet>
    </div>
  );
}

function endWords(grant: GrantView): string {
  switch (grant.endReason) {
    case 'refused':
      return 'Refused. The reason stands with the answer above.';
    case 'expired':
      return grant.activatedAt === null
        ? 'Lapsed: it was not answered, or not activated, in time.'
        : 'Its time is over.';
    case 'revoked':
      return grant.activatedAt === null
        ? `Withdrawn${grant.endedBy ? ` by ${grant.endedBy.name}` : ''} before it started.`
        : `Revoked${grant.endedBy ? ` by ${grant.endedBy.name}` : ''}: its token stopped working at once.`;
    case 'failed':
      return `Failed${grant.exitCode === null ? '' : `, with exit code ${grant.exitCode}`}, as its job said.`;
    case 'parent-ended':
      return 'Ended with the grant above it.';
    default:
      return 'Ended by its owner.';
  }
}

function HoldNext({ hold, own }: { hold: HoldView; own: boolean }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const cancel = useMutation(
    query.holds.cancel.mutationOptions({
      onSuccess: () => {
        setAsking(false);
        toast('The statement was taken back');
        void client.invalidateQueries({ queryKey: query.holds.key() });
        void client.invalidateQueries({ queryKey: query.inbox.key() });
      },
    }),
  );
  const words = {
    waiting: own ? `Your statement waits in its connection for ${hold.approvers.join(' or ')}.` : null,
    approved:
      hold.redeemedAt === null
        ? 'Approved. The connection runs it in a moment.'
        : 'Approved and run. The result is in the session.',
    refused: 'Refused: it did not run. The reason stands with the answer above.',
    'timed-out': 'Nobody answered in time: it did not run.',
    cancelled: 'Taken back, or its connection ended: it did not run.',
  }[hold.state];
  return (
    <div className="flex flex-wrap items-center gap-2">
      {words !== null && <p className="min-w-0 flex-1">{words}</p>}
      {own && hold.state === 'waiting' && (
        <Button
          disabledReason={hold.actions.cancel?.allowed ? null : (hold.actions.cancel?.why ?? 'not now')}
          onClick={() => setAsking(true)}
        >
          Take it back
        </Button>
      )}
      <ConfirmDialog
        open={asking}
        onClose={() => setAsking(false)}
        title="Take the statement back?"
        action="Take the statement back"
        loading={cancel.isPending}
        error={cancel.error ? problemOf(cancel.error).detail : null}
        onConfirm={() => cancel.mutate({ id: hold.id })}
      >
        It will not run. The connection goes on.
      </ConfirmDialog>
    </div>
  );
}
