'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { Button } from '@/components/button.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input, Select, Textarea } from '@/components/input.tsx';
import { query } from '@/lib/api.ts';
import { formatDuration } from '@/lib/format.ts';
import { fieldErrors } from '@/lib/problem.ts';
import type { GrantView, TaskSummaryView, WorkflowSummaryView } from '@/lib/views.ts';
import { ttlChoices } from './ttl-choices.ts';

/** Asks for one activation of a task or a workflow: why, on which ticket, for how long. The same on its own page and in a dialog. */
export function RequestForm({
  task,
  reason = '',
  onRequested,
}: {
  /** A task, or a workflow, which has steps. */
  task: TaskSummaryView | WorkflowSummaryView;
  /** What the reason starts with, such as what was refused. */
  reason?: string;
  onRequested: (grant: GrantView) => void;
}) {
  const client = useQueryClient();
  const request = useMutation(
    query.grants.request.mutationOptions({
      onSuccess: (grant) => {
        void client.invalidateQueries({ queryKey: query.grants.key() });
        void client.invalidateQueries({ queryKey: query.inbox.key() });
        onRequested(grant);
      },
    }),
  );
  const errors = fieldErrors(request.error, ['reason', 'ticket', 'ttlMs'] as const);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string): string | null => String(form.get(name) ?? '').trim() || null;
    request.mutate({
      ...('steps' in task ? { workflow: task.name } : { task: task.name }),
      reason: text('reason'),
      ticket: text('ticket'),
      ttlMs: Number(form.get('ttlMs')) || null,
    });
  };
  return (
    <form
      onSubmit={submit}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
      }}
      className="flex flex-col gap-4"
    >
      <p>{task.purpose}</p>
      {task.approvals && (
        <p className="rounded-md border border-hold/30 bg-hold-soft px-3 py-2 text-hold">
          {task.approvals.count === 1 ? 'One person' : `${task.approvals.count} people`} of{' '}
          {task.approvals.from.join(' or ')} must agree first.
        </p>
      )}
      <Field
        label="Reason"
        optional={!task.reasonRequired}
        error={errors.byField.reason}
        hint="Approvers and auditors read this."
      >
        {(props) => (
          <Textarea
            {...props}
            name="reason"
            rows={3}
            maxLength={500}
            defaultValue={reason}
            required={task.reasonRequired}
          />
        )}
      </Field>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Ticket" optional={!task.ticketRequired} error={errors.byField.ticket}>
          {(props) => <Input {...props} name="ticket" maxLength={100} required={task.ticketRequired} />}
        </Field>
        <Field label="For how long" error={errors.byField.ttlMs} hint={`At most ${formatDuration(task.ttlMs)}.`}>
          {(props) => (
            <Select {...props} name="ttlMs" defaultValue={task.ttlMs}>
              {ttlChoices(task.ttlMs).map((ms) => (
                <option key={ms} value={ms}>
                  {formatDuration(ms)}
                </option>
              ))}
            </Select>
          )}
        </Field>
      </div>
      <FormError message={errors.form} />
      <div>
        <Button
          type="submit"
          variant="primary"
          loading={request.isPending}
          disabledReason={task.mayActivate ? null : (task.whyNot ?? 'you may not activate this task now')}
        >
          {task.approvals ? 'Ask for approval' : 'Request'}
        </Button>
      </div>
    </form>
  );
}
