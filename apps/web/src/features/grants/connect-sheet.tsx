'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { StateBadge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { Sheet } from '@/components/dialog.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input, Select, Textarea } from '@/components/input.tsx';
import { Facts } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Countdown, Duration, Time } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { formatDuration } from '@/lib/format.ts';
import { fieldErrors } from '@/lib/problem.ts';
import type { ActivationView, GrantView } from '@/lib/views.ts';
import { activateGrant, activationLabel, needsConfirmation } from './activate-grant.ts';
import { ActiveDetails, NewTokenDetails } from './connect-details.tsx';
import { ttlChoices } from './ttl-choices.ts';

/**
 * From a task to a running client: ask, wait where somebody must agree, activate, copy. With `grantId` it goes on with
 * a request made before. The token lives in this component's state only, and goes when the sheet closes.
 */
export function ConnectSheet({
  task,
  grantId = null,
  open,
  onClose,
}: {
  task: { readonly name: string /** `null`: of a workflow. */; readonly resource: string | null };
  grantId?: string | null;
  open: boolean;
  onClose: () => void;
}) {
  return (
    <Sheet
      open={open}
      onClose={onClose}
      title={task.resource === null ? `Run ${task.name}` : `Connect to ${task.resource}`}
      description={`${task.resource === null ? 'Workflow' : 'Task'} ${task.name}`}
    >
      <ConnectSteps taskName={task.name} initialGrantId={grantId} />
    </Sheet>
  );
}

function ConnectSteps({ taskName, initialGrantId }: { taskName: string; initialGrantId: string | null }) {
  const [grantId, setGrantId] = useState(initialGrantId);
  const [activation, setActivation] = useState<ActivationView | null>(null);
  if (activation) return <NewTokenDetails activation={activation} />;
  if (grantId) return <ActivateStep grantId={grantId} onActivated={setActivation} onAskAnew={() => setGrantId(null)} />;
  return <RequestStep taskName={taskName} onRequested={setGrantId} onActivated={setActivation} />;
}

function RequestStep({
  taskName,
  onRequested,
  onActivated,
}: {
  taskName: string;
  onRequested: (grantId: string) => void;
  onActivated: (activation: ActivationView) => void;
}) {
  const client = useQueryClient();
  const task = useQuery(query.tasks.get.queryOptions({ input: { name: taskName } }));
  const activate = useMutation({ mutationFn: activateGrant });
  const request = useMutation(query.grants.request.mutationOptions());
  const errors = fieldErrors(request.error ?? activate.error, ['reason', 'ticket', 'ttlMs'] as const);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string): string | null => String(form.get(name) ?? '').trim() || null;
    try {
      const grant = await request.mutateAsync({
        task: taskName,
        reason: text('reason'),
        ticket: text('ticket'),
        ttlMs: Number(form.get('ttlMs')) || null,
      });
      // Nobody and nothing to wait for: one step less.
      if (grant.state === 'approved' && !needsConfirmation(grant)) onActivated(await activate.mutateAsync(grant));
      else onRequested(grant.id);
    } catch {
      // Shown beside the fields.
    } finally {
      void client.invalidateQueries({ queryKey: query.grants.key() });
    }
  };

  return (
    <QueryState query={task} what="the task">
      {(data) => (
        <form onSubmit={submit} className="flex flex-col gap-4">
          <p>{data.purpose}</p>
          {data.approvals && (
            <p className="rounded-md border border-hold/30 bg-hold-soft px-3 py-2 text-hold">
              {data.approvals.count === 1 ? 'One person' : `${data.approvals.count} people`} of{' '}
              {data.approvals.from.join(' or ')} must agree first.
            </p>
          )}
          <Field
            label="Reason"
            optional={!data.reasonRequired}
            error={errors.byField.reason}
            hint="Approvers and auditors read this."
          >
            {(props) => <Textarea {...props} name="reason" rows={2} maxLength={500} required={data.reasonRequired} />}
          </Field>
          {data.ticketRequired && (
            <Field label="Ticket" error={errors.byField.ticket}>
              {(props) => <Input {...props} name="ticket" maxLength={100} required />}
            </Field>
          )}
          <Field label="For how long" error={errors.byField.ttlMs} hint="It can be ended earlier at any time.">
            {(props) => (
              <Select {...props} name="ttlMs" defaultValue={data.ttlMs}>
                {ttlChoices(data.ttlMs).map((ms) => (
                  <option key={ms} value={ms}>
                    {formatDuration(ms)}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          <FormError message={errors.form} />
          <div>
            <Button
              type="submit"
              variant="primary"
              loading={request.isPending || activate.isPending}
              disabledReason={data.mayActivate ? null : (data.whyNot ?? 'you may not activate this task now')}
            >
              {data.approvals
                ? 'Ask for approval'
                : needsConfirmation({ stepUp: data.stepUp, confirmed: false })
                  ? 'Go on and confirm with a passkey'
                  : 'Activate and show the token'}
            </Button>
          </div>
        </form>
      )}
    </QueryState>
  );
}

function ActivateStep({
  grantId,
  onActivated,
  onAskAnew,
}: {
  grantId: string;
  onActivated: (activation: ActivationView) => void;
  onAskAnew: () => void;
}) {
  const client = useQueryClient();
  const grant = useQuery({
    ...query.grants.get.queryOptions({ input: { id: grantId } }),
    // The live connection says when somebody has decided; this is for when it is down.
    refetchInterval: 15_000,
  });
  const activate = useMutation({
    mutationFn: activateGrant,
    onSuccess: (activation) => {
      onActivated(activation);
      void client.invalidateQueries({ queryKey: query.grants.key() });
    },
  });
  return (
    <QueryState query={grant} what="the request">
      {(data) =>
        data.state === 'active' ? (
          <ActiveDetails grant={data} onAskAnew={onAskAnew} />
        ) : (
          <div className="flex flex-col gap-4">
            <div role="status" className="flex flex-wrap items-center gap-2">
              <StateBadge state={data.state === 'ended' ? (data.endReason ?? 'ended') : data.state} />
              <GrantProgress grant={data} />
            </div>
            <Facts
              items={[
                ['Reason', data.reason ?? '—'],
                ['Asked at', <Time key="at" at={data.requestedAt} />],
                ['For', <Duration key="ttl" ms={data.ttlMs} />],
                ['Who can agree', data.approvers.join(', ') || '—'],
                ...data.approvals.map(
                  (approval) =>
                    [
                      approval.outcome === 'approved' ? 'Agreed' : 'Refused',
                      `${approval.by.name}${approval.comment ? `: ${approval.comment}` : ''}`,
                    ] as const,
                ),
              ]}
            />
            <FormError message={fieldErrors(activate.error, []).form} />
            {data.state !== 'ended' && (
              <div>
                <Button
                  variant="primary"
                  loading={activate.isPending}
                  disabledReason={data.actions.activate?.allowed ? null : (data.actions.activate?.why ?? 'not now')}
                  onClick={() => activate.mutate(data)}
                >
                  {activationLabel(data, 'Activate and show the token')}
                </Button>
              </div>
            )}
          </div>
        )
      }
    </QueryState>
  );
}

function GrantProgress({ grant }: { grant: GrantView }) {
  if (grant.state === 'requested') {
    const given = grant.approvals.filter((approval) => approval.outcome === 'approved').length;
    return (
      <span>
        {given} of {grant.approvalsNeeded} agreed; it lapses in <Countdown until={grant.requestExpiresAt} label="" />
      </span>
    );
  }
  if (grant.state === 'approved') return <span>Ready to activate. Its time starts then.</span>;
  return <span>Nothing more can be done with this one. Ask for a new one.</span>;
}
