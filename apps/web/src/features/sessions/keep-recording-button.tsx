'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { Dialog } from '@/components/dialog.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input } from '@/components/input.tsx';
import { query } from '@/lib/api.ts';
import { useCan } from '@/lib/me.tsx';
import { fieldErrors } from '@/lib/problem.ts';
import type { SessionView } from '@/lib/views.ts';

/** Keeps a recording beyond its time, as for a legal case, or lets it go again. */
export function KeepRecordingButton({ session }: { session: SessionView }) {
  const can = useCan();
  const client = useQueryClient();
  const id = useId();
  const [asking, setAsking] = useState(false);
  const keep = useMutation(
    query.sessions.keep.mutationOptions({
      onSuccess: () => {
        setAsking(false);
        void client.invalidateQueries({ queryKey: query.sessions.key() });
      },
    }),
  );
  if (!can('session:read') || !session.mayReplay || session.erasedAt !== null) return null;
  const errors = fieldErrors(keep.error, ['reason'] as const);
  if (session.keepReason !== null)
    return (
      <Button loading={keep.isPending} onClick={() => keep.mutate({ id: session.id, reason: null })}>
        Keep no longer
      </Button>
    );
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    keep.mutate({ id: session.id, reason: String(new FormData(event.currentTarget).get('reason')).trim() });
  };
  return (
    <>
      <Button onClick={() => setAsking(true)}>Keep</Button>
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        title="Keep this recording?"
        footer={
          <>
            <Button onClick={() => setAsking(false)}>Cancel</Button>
            <Button type="submit" form={id} variant="primary" loading={keep.isPending}>
              Keep it
            </Button>
          </>
        }
      >
        <form id={id} onSubmit={submit} className="flex flex-col gap-4">
          <p>It is not deleted when its time is over, until somebody lets it go.</p>
          <Field label="Reason" error={errors.byField.reason}>
            {(props) => <Input {...props} name="reason" required maxLength={500} autoComplete="off" />}
          </Field>
          <FormError message={errors.form} />
        </form>
      </Dialog>
    </>
  );
}
