'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '@/components/button.tsx';
import { ConfirmDialog } from '@/components/confirm-dialog.tsx';
import { toast } from '@/components/toast.tsx';
import { query } from '@/lib/api.ts';
import { useCan, useMe } from '@/lib/me.tsx';
import { problemOf } from '@/lib/problem.ts';
import type { SessionView } from '@/lib/views.ts';

export function EndSessionButton({ session }: { session: SessionView }) {
  const client = useQueryClient();
  const me = useMe();
  const can = useCan();
  const [asking, setAsking] = useState(false);
  const end = useMutation(
    query.sessions.end.mutationOptions({
      onSuccess: () => {
        setAsking(false);
        toast('The gate was asked to end the session');
        void client.invalidateQueries({ queryKey: query.sessions.key() });
      },
    }),
  );
  const own = session.person.id === me.id && can('grant:request');
  if (session.endedAt !== null || !(own || can('grant:revoke'))) return null;
  return (
    <>
      <Button onClick={() => setAsking(true)}>End session</Button>
      <ConfirmDialog
        open={asking}
        onClose={() => setAsking(false)}
        title="End this session?"
        action={`End the session of ${session.person.name}`}
        loading={end.isPending}
        error={end.error ? problemOf(end.error).detail : null}
        onConfirm={() => end.mutate({ id: session.id })}
      >
        The connection is closed at once and its open transaction is rolled back. The grant goes on: they can connect
        again until it ends.
      </ConfirmDialog>
    </>
  );
}
