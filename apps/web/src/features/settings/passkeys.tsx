'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { Badge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { Dialog } from '@/components/dialog.tsx';
import { EmptyState } from '@/components/empty-state.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input } from '@/components/input.tsx';
import { Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Table } from '@/components/table.tsx';
import { Time } from '@/components/time.tsx';
import { toast } from '@/components/toast.tsx';
import { ProofFields, proofOf } from '@/features/passkeys/prove-dialog.tsx';
import { api, query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { makePasskey, passkeyAddress } from '@/lib/passkey.ts';
import { fieldErrors } from '@/lib/problem.ts';
import type { PasskeyView } from '@/lib/views.ts';

export function Passkeys() {
  const passkeys = useQuery(query.passkeys.list.queryOptions());
  const [adding, setAdding] = useState(false);
  const [renaming, setRenaming] = useState<PasskeyView | null>(null);
  const [removing, setRemoving] = useState<PasskeyView | null>(null);
  const elsewhere = passkeys.data ? passkeyAddress(passkeys.data.origin) : null;
  const whyNot = passkeys.data?.why ?? (elsewhere === null ? null : 'passkeys do not work at this address');
  const all = passkeys.data?.items ?? [];
  const close = () => {
    setAdding(false);
    setRenaming(null);
    setRemoving(null);
  };
  return (
    <Panel
      title="Passkeys"
      flush
      actions={
        <Button size="sm" variant="primary" disabledReason={whyNot} onClick={() => setAdding(true)}>
          New passkey
        </Button>
      }
    >
      {whyNot !== null && (
        <p className="border-line border-b px-4 py-2 text-sm first-letter:uppercase">
          {elsewhere === null ? (
            whyNot
          ) : (
            <>
              Passkeys belong to a host name.{' '}
              <a href={elsewhere} className="link">
                Open this page at {new URL(elsewhere).host}
              </a>
            </>
          )}
        </p>
      )}
      <QueryState query={passkeys} what="your passkeys">
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState title="No passkeys">
              With one you sign in without a password, and what you approve is signed: nobody approves as you with a
              stolen sign-in.
            </EmptyState>
          ) : (
            <Table
              caption={plural(items.length, 'passkey')}
              rows={items}
              rowKey={(passkey) => passkey.id}
              columns={[
                {
                  key: 'name',
                  header: 'Name',
                  cell: (passkey) => (
                    <span className="flex flex-wrap items-center gap-1.5 font-medium">
                      {passkey.name}
                      {passkey.synced && <Badge>on several devices</Badge>}
                      {!passkey.usable && <Badge tone="hold">of another address</Badge>}
                    </span>
                  ),
                },
                {
                  key: 'key',
                  header: 'Key',
                  hideBelow: 'md',
                  cell: (passkey) => (
                    <code className="wrap-anywhere font-mono text-muted text-xs">{passkey.keySha256}</code>
                  ),
                },
                {
                  key: 'used',
                  header: 'Last used',
                  hideBelow: 'sm',
                  cell: (passkey) => (passkey.lastUsedAt ? <Time at={passkey.lastUsedAt} /> : 'never'),
                },
                {
                  key: 'made',
                  header: 'Made',
                  hideBelow: 'sm',
                  cell: (passkey) => <Time at={passkey.createdAt} dateOnly />,
                },
                {
                  key: 'actions',
                  header: '',
                  align: 'right',
                  cell: (passkey) => (
                    <span className="flex justify-end gap-1">
                      <Button size="sm" aria-label={`Rename ${passkey.name}`} onClick={() => setRenaming(passkey)}>
                        Rename
                      </Button>
                      <Button size="sm" aria-label={`Remove ${passkey.name}`} onClick={() => setRemoving(passkey)}>
                        Remove
                      </Button>
                    </span>
                  ),
                },
              ]}
            />
          )
        }
      </QueryState>
      {adding && <AddDialog provable={all.some(({ usable }) => usable)} onClose={close} />}
      {renaming && <RenameDialog passkey={renaming} onClose={close} />}
      {removing && (
        <RemoveDialog
          passkey={removing}
          last={all.length === 1}
          provable={whyNot === null && all.some(({ usable }) => usable)}
          onClose={close}
        />
      )}
    </Panel>
  );
}

function useRefresh(): () => void {
  const client = useQueryClient();
  return () => void client.invalidateQueries({ queryKey: query.passkeys.key() });
}

function AddDialog({ provable, onClose }: { provable: boolean; onClose: () => void }) {
  const id = useId();
  const refresh = useRefresh();
  const add = useMutation({
    mutationFn: async ({ name, password }: { name: string; password: string | null }) => {
      const options = await api.passkeys.askToRegister(await proofOf(password));
      return api.passkeys.register({ name, registration: await makePasskey(options) });
    },
    onSuccess: ({ name }) => {
      toast(`The passkey ${name} is registered`, { tone: 'allow' });
      onClose();
    },
    onSettled: refresh,
  });
  const errors = fieldErrors(add.error, ['name', 'password'] as const);
  const [name, setName] = useState('');
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    add.mutate({ name, password: String(new FormData(event.currentTarget).get('password')) });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title="New passkey"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          {provable && (
            <Button
              disabledReason={name.trim() === '' ? 'name it first' : null}
              onClick={() => add.mutate({ name, password: null })}
            >
              Confirm with passkey
            </Button>
          )}
          <Button type="submit" form={id} variant="primary" loading={add.isPending}>
            Register the passkey
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={submit} className="flex flex-col gap-4">
        <Field label="Name" error={errors.byField.name} hint="The device it is on. It is shown with what you sign.">
          {(props) => (
            <Input
              {...props}
              required
              maxLength={60}
              autoComplete="off"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <ProofFields
          error={errors.byField.password}
          hint={
            provable
              ? 'It shows that it is you; so does a passkey that you have.'
              : 'It shows that it is you. Without a password here, sign in again and leave it empty.'
          }
        />
        <FormError message={errors.form} />
      </form>
    </Dialog>
  );
}

function RenameDialog({ passkey, onClose }: { passkey: PasskeyView; onClose: () => void }) {
  const id = useId();
  const refresh = useRefresh();
  const rename = useMutation(
    query.passkeys.rename.mutationOptions({
      onSuccess: () => {
        refresh();
        onClose();
      },
    }),
  );
  const errors = fieldErrors(rename.error, ['name'] as const);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    rename.mutate({ id: passkey.id, name: String(new FormData(event.currentTarget).get('name')) });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Rename ${passkey.name}`}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={id} variant="primary" loading={rename.isPending}>
            Rename
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={submit} className="flex flex-col gap-4">
        <Field label="Name" error={errors.byField.name}>
          {(props) => (
            <Input {...props} name="name" required maxLength={60} autoComplete="off" defaultValue={passkey.name} />
          )}
        </Field>
        <FormError message={errors.form} />
      </form>
    </Dialog>
  );
}

function RemoveDialog({
  passkey,
  last,
  provable,
  onClose,
}: {
  passkey: PasskeyView;
  last: boolean;
  provable: boolean;
  onClose: () => void;
}) {
  const id = useId();
  const refresh = useRefresh();
  const remove = useMutation({
    mutationFn: async (password: string | null) =>
      api.passkeys.remove({ id: passkey.id, ...(await proofOf(password)) }),
    onSuccess: () => {
      toast(`The passkey ${passkey.name} is removed`);
      onClose();
    },
    onSettled: refresh,
  });
  const errors = fieldErrors(remove.error, ['password'] as const);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    remove.mutate(String(new FormData(event.currentTarget).get('password')));
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Remove ${passkey.name}?`}
      footer={
        <>
          <Button onClick={onClose}>Keep it</Button>
          {provable && <Button onClick={() => remove.mutate(null)}>Confirm with passkey</Button>}
          <Button type="submit" form={id} variant="danger" loading={remove.isPending}>
            Remove {passkey.name}
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={submit} className="flex flex-col gap-4">
        <p>What it signed stays verifiable.</p>
        {last && (
          <p className="rounded-md border border-hold/30 bg-hold-soft px-3 py-2 text-hold">
            It is your last one. Without a passkey you cannot activate or approve where a task asks for one, and what
            you approve elsewhere is not signed.
          </p>
        )}
        <ProofFields
          error={errors.byField.password}
          hint={
            provable
              ? 'It shows that it is you; so does a passkey.'
              : 'It shows that it is you. Without a password here, sign in again and leave it empty.'
          }
        />
        <FormError message={errors.form} />
      </form>
    </Dialog>
  );
}
