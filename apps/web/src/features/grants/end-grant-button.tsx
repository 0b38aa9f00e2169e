'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button, type ButtonSize } from '@/components/button.tsx';
import { ConfirmDialog } from '@/components/confirm-dialog.tsx';
import { toast } from '@/components/toast.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { subjectName } from '@/lib/links.ts';
import { problemOf } from '@/lib/problem.ts';
import type { GrantView } from '@/lib/views.ts';

export function EndGrantButton({
  grant,
  size = 'sm',
  below = 0,
}: {
  grant: GrantView;
  size?: ButtonSize;
  /** How many grants below it have not ended. */
  below?: number;
}) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const end = useMutation(
    query.grants.end.mutationOptions({
      onSuccess: () => {
        setAsking(false);
        toast(`The grant of ${subjectName(grant)} has ended`);
        void client.invalidateQueries({ queryKey: query.grants.key() });
        void client.invalidateQueries({ queryKey: query.tasks.key() });
      },
    }),
  );
  const waiting = grant.state === 'requested' || grant.state === 'approved';
  const action = waiting
    ? 'Withdraw the request'
    : below > 0
      ? `End the grant and ${plural(below, 'grant')} below it`
      : `End the grant${grant.sessions > 0 ? ` and ${plural(grant.sessions, 'session')}` : ''}`;
  return (
    <>
      <Button
        size={size}
        disabledReason={grant.actions.end?.allowed ? null : (grant.actions.end?.why ?? 'not now')}
        onClick={() => setAsking(true)}
        aria-label={`${waiting ? 'Withdraw' : 'End'} ${subjectName(grant)}`}
      >
        {waiting ? 'Withdraw' : 'End'}
      </Button>
      <ConfirmDialog
        open={asking}
        onClose={() => setAsking(false)}
        title={waiting ? `Withdraw the request for ${subjectName(grant)}?` : `End the grant of ${subjectName(grant)}?`}
        action={action}
        loading={end.isPending}
        error={end.error ? problemOf(end.error).detail : null}
        onConfirm={() => end.mutate({ id: grant.id })}
      >
        {waiting
          ? 'Nobody will be asked about it any more.'
          : below > 0
            ? 'All grants below it end too: their tokens stop working at once, and their open connections are closed.'
            : 'Its token stops working at once, and its open connections are closed.'}
      </ConfirmDialog>
    </>
  );
}
