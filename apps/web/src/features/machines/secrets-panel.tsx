'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { ConfirmDialog } from '@/components/confirm-dialog.tsx';
import { Dialog } from '@/components/dialog.tsx';
import { EmptyState } from '@/components/empty-state.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input, Select } from '@/components/input.tsx';
import { LifetimeField, lifetimeMs } from '@/components/lifetime-field.tsx';
import { Panel } from '@/components/page.tsx';
import { ShownOnceDialog } from '@/components/shown-once-dialog.tsx';
import { Table } from '@/components/table.tsx';
import { Time } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { useCan } from '@/lib/me.tsx';
import { fieldErrors, problemOf } from '@/lib/problem.ts';
import type { MachineView } from '@/lib/views.ts';

const DAY_MS = 86_400_000;
const LIFETIMES_DAYS = [1, 7, 30, 90] as const;
const OVERLAPS = [
  { label: 'nothing: it ends now', ms: 0 },
  { label: '1 hour', ms: 3_600_000 },
  { label: '1 day', ms: DAY_MS },
  { label: '7 days', ms: 7 * DAY_MS },
] as const;

type Secret = MachineView['secrets'][number];

/** `whyNotBe`: why no secret of it is made by who is here. */
export function SecretsPanel({ machine, whyNotBe }: { machine: MachineView; whyNotBe: string | null }) {
  const mayWrite = useCan()('people:write');
  const client = useQueryClient();
  const [creating, setCreating] = useState(false);
  const [rotating, setRotating] = useState<Secret | null>(null);
  const [revoking, setRevoking] = useState<Secret | null>(null);
  const revoke = useMutation(
    query.machines.revokeSecret.mutationOptions({
      onSuccess: () => {
        setRevoking(null);
        void client.invalidateQueries({ queryKey: query.machines.key() });
      },
    }),
  );
  return (
    <Panel
      title="Static secrets"
      flush
      actions={
        mayWrite && (
          <Button
            size="sm"
            disabledReason={machine.disabledAt ? 'it is disabled' : whyNotBe}
            onClick={() => setCreating(true)}
          >
            New static secret
          </Button>
        )
      }
    >
      {machine.secrets.length === 0 ? (
        <EmptyState title="No static secret">
          That is best. A static secret opens the same to whoever finds it, until it ends: use one only where no issuer
          can vouch.
        </EmptyState>
      ) : (
        <Table
          caption={plural(machine.secrets.length, 'static secret')}
          rows={machine.secrets}
          rowKey={(secret) => secret.id}
          columns={[
            { key: 'name', header: 'Name', cell: (secret) => <span className="font-medium">{secret.name}</span> },
            {
              key: 'used',
              header: 'Last used',
              hideBelow: 'sm',
              cell: (secret) => (secret.lastUsedAt ? <Time at={secret.lastUsedAt} /> : 'never'),
            },
            { key: 'ends', header: 'Ends', cell: (secret) => <Time at={secret.expiresAt} /> },
            {
              key: 'actions',
              header: '',
              align: 'right',
              cell: (secret) =>
                mayWrite && (
                  <span className="flex justify-end gap-2">
                    <Button
                      size="sm"
                      aria-label={`Rotate ${secret.name}`}
                      disabledReason={machine.disabledAt ? 'it is disabled' : whyNotBe}
                      onClick={() => setRotating(secret)}
                    >
                      Rotate
                    </Button>
                    <Button size="sm" aria-label={`Revoke ${secret.name}`} onClick={() => setRevoking(secret)}>
                      Revoke
                    </Button>
                  </span>
                ),
            },
          ]}
        />
      )}
      {creating && <CreateSecret machine={machine} onClose={() => setCreating(false)} />}
      {rotating && <RotateSecret machine={machine} secret={rotating} onClose={() => setRotating(null)} />}
      <ConfirmDialog
        open={revoking !== null}
        onClose={() => setRevoking(null)}
        title={`Revoke ${revoking?.name}?`}
        action={`Revoke ${revoking?.name}`}
        loading={revoke.isPending}
        error={revoke.error ? problemOf(revoke.error).detail : null}
        onConfirm={() => revoking && revoke.mutate({ id: machine.id, secretId: revoking.id })}
      >
        Whatever calls with it is refused from now on. Grants that it activated go on until their end.
      </ConfirmDialog>
    </Panel>
  );
}

function CreateSecret({ machine, onClose }: { machine: MachineView; onClose: () => void }) {
  const client = useQueryClient();
  const id = useId();
  const create = useMutation(
    query.machines.createSecret.mutationOptions({
      onSuccess: () => void client.invalidateQueries({ queryKey: query.machines.key() }),
    }),
  );
  const errors = fieldErrors(create.error, ['name', 'ttlMs'] as const);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    create.mutate({ id: machine.id, name: String(data.get('name')).trim(), ttlMs: lifetimeMs(data) });
  };
  if (create.data) return <SecretShownOnce token={create.data.token} onClose={onClose} />;
  return (
    <Dialog
      open
      onClose={onClose}
      title="New static secret"
      description="Discouraged: it has to be kept where the machine runs, and whoever reads it there is the machine. An issuer's tokens need no keeping."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={id} variant="primary" loading={create.isPending}>
            Create the secret
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={submit} className="flex flex-col gap-4">
        <Field label="Name" error={errors.byField.name} hint="Where it is kept, as you will look for it later.">
          {(props) => <Input {...props} name="name" required maxLength={200} autoComplete="off" />}
        </Field>
        <LifetimeField days={LIFETIMES_DAYS} chosen={30} error={errors.byField.ttlMs} />
        <FormError message={errors.form} />
      </form>
    </Dialog>
  );
}

function RotateSecret({ machine, secret, onClose }: { machine: MachineView; secret: Secret; onClose: () => void }) {
  const client = useQueryClient();
  const id = useId();
  const rotate = useMutation(
    query.machines.rotateSecret.mutationOptions({
      onSuccess: () => void client.invalidateQueries({ queryKey: query.machines.key() }),
    }),
  );
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const overlapMs = Number(new FormData(event.currentTarget).get('overlap'));
    rotate.mutate({ id: machine.id, secretId: secret.id, overlapMs });
  };
  if (rotate.data) return <SecretShownOnce token={rotate.data.token} onClose={onClose} />;
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Rotate ${secret.name}`}
      description="A new secret takes its place, for as long as the old one was made for."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={id} variant="primary" loading={rotate.isPending}>
            Make the new secret
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={submit} className="flex flex-col gap-4">
        <Field label="The old one goes on for" hint="Long enough to put the new one where the machine runs.">
          {(props) => (
            <Select {...props} name="overlap" defaultValue={DAY_MS}>
              {OVERLAPS.map(({ label, ms }) => (
                <option key={ms} value={ms}>
                  {label}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <FormError message={rotate.error ? problemOf(rotate.error).detail : null} />
      </form>
    </Dialog>
  );
}

function SecretShownOnce({ token, onClose }: { token: string; onClose: () => void }) {
  return <ShownOnceDialog title="The secret, shown once" label="Static secret" token={token} onClose={onClose} />;
}
