'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId } from 'react';
import { Button } from '@/components/button.tsx';
import { Dialog } from '@/components/dialog.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input } from '@/components/input.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { fieldErrors } from '@/lib/problem.ts';
import type { OffboardedView, ReachView } from '@/lib/views.ts';
import { aliveWords } from './alive-words.ts';

/** Says what it will end before it ends it. */
export function OffboardDialog({
  open,
  reach,
  onClose,
  onEnded,
}: {
  open: boolean;
  reach: ReachView;
  onClose: () => void;
  onEnded: (ended: OffboardedView) => void;
}) {
  const client = useQueryClient();
  const id = useId();
  const offboard = useMutation(
    query.people.offboard.mutationOptions({
      onSuccess: (ended) => {
        void client.invalidateQueries({ queryKey: query.people.key() });
        onEnded(ended);
      },
    }),
  );
  const errors = fieldErrors(offboard.error, ['reason'] as const);
  const { identity } = reach;
  const alive = aliveWords(reach);
  const alone = reach.asked.filter((one) => one.others === 0).length;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget).get('reason')).trim();
    offboard.mutate({ id: identity.id, reason });
  };
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={`Offboard ${identity.name}?`}
      footer={
        <>
          <Button onClick={onClose}>Keep them</Button>
          <Button type="submit" form={id} variant="danger" loading={offboard.isPending}>
            Offboard {identity.name}
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={submit} className="flex flex-col gap-4">
        <div>
          <p>They are disabled, and all of this ends at once:</p>
          {alive.length === 0 ? (
            <p className="mt-1 text-muted">Nothing of theirs is alive.</p>
          ) : (
            <ul className="mt-1 list-disc pl-5">
              {alive.map((words) => (
                <li key={words}>{words}</li>
              ))}
            </ul>
          )}
          {alone > 0 && (
            <p className="mt-2 text-hold">
              {plural(alone, 'request')} that nobody else can answer {alone === 1 ? 'waits' : 'wait'} for them: put
              somebody else into the group.
            </p>
          )}
        </div>
        <Field label="Reason" hint="It is in the audit with all that was ended." error={errors.byField.reason}>
          {(props) => <Input {...props} name="reason" required maxLength={500} autoComplete="off" />}
        </Field>
        <FormError message={errors.form} />
      </form>
    </Dialog>
  );
}
