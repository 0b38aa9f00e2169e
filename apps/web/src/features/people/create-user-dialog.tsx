'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { whyNotAdmin } from '@taskgate/core';
import { type FormEvent, useId, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { Dialog } from '@/components/dialog.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input } from '@/components/input.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { toast } from '@/components/toast.tsx';
import { ProveDialog } from '@/features/passkeys/prove-dialog.tsx';
import { query } from '@/lib/api.ts';
import { useMe } from '@/lib/me.tsx';
import { fieldErrors } from '@/lib/problem.ts';
import { GroupChoice } from './group-choice.tsx';

interface Wish {
  readonly email: string;
  readonly name: string;
  readonly groups: string[];
  readonly password: string;
}

export function CreateUserDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const client = useQueryClient();
  const whyNoPassword = whyNotAdmin(useMe(), 'Whoever gives somebody a password can be them');
  const id = useId();
  const [groups, setGroups] = useState<string[]>([]);
  // What waits for a proof of who is here: who knows the first password can sign in as them.
  const [proving, setProving] = useState<Wish | null>(null);
  const create = useMutation(
    query.people.createUser.mutationOptions({
      onSuccess: (user) => {
        void client.invalidateQueries({ queryKey: query.people.key() });
        toast(user.hasPassword ? `${user.name} can sign in now` : `${user.name} is here now`, { tone: 'allow' });
        setGroups([]);
        setProving(null);
        onClose();
      },
    }),
  );
  const errors = fieldErrors(create.error, ['email', 'name', 'groups', 'password'] as const);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const password = String(data.get('password'));
    const wish = { email: String(data.get('email')).trim(), name: String(data.get('name')).trim(), groups };
    create.reset();
    if (password === '') create.mutate(wish);
    else setProving({ ...wish, password });
  };
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title="New user"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={id} variant="primary" loading={create.isPending}>
            Create the user
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={submit} className="flex flex-col gap-4">
        <Field label="Name" error={errors.byField.name}>
          {(props) => <Input {...props} name="name" required maxLength={200} autoComplete="off" />}
        </Field>
        <Field label="E-mail" error={errors.byField.email}>
          {(props) => <Input {...props} name="email" type="email" required maxLength={254} autoComplete="off" />}
        </Field>
        <Field
          label="First password"
          optional
          error={proving === null ? errors.byField.password : undefined}
          hint={
            whyNoPassword === null ? (
              'At least 10 characters. They can change it. Without one they sign in at a provider.'
            ) : (
              <Ticked text={`${whyNoPassword}. Without one they sign in at a provider.`} />
            )
          }
        >
          {(props) => (
            <Input
              {...props}
              name="password"
              type="password"
              minLength={10}
              maxLength={200}
              autoComplete="new-password"
              readOnly={whyNoPassword !== null}
            />
          )}
        </Field>
        <GroupChoice value={groups} onChange={setGroups} />
        <FormError message={proving === null ? (errors.byField.groups ?? errors.form) : null} />
      </form>
      <ProveDialog
        open={proving !== null}
        onClose={() => setProving(null)}
        title="Give them this password?"
        action="Create the user"
        loading={create.isPending}
        error={create.error}
        onProved={(proof) => create.mutate({ ...proving!, proof })}
      >
        Who knows it can sign in as them.
      </ProveDialog>
    </Dialog>
  );
}
