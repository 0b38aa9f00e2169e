'use client';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { Dialog } from '@/components/dialog.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input } from '@/components/input.tsx';
import { api, query } from '@/lib/api.ts';
import { useMe } from '@/lib/me.tsx';
import { askPasskey, passkeyAddress } from '@/lib/passkey.ts';
import { fieldErrors, problemOf } from '@/lib/problem.ts';

/** What shows that it is the person: a passkey where `password` is null. */
export const proofOf = async (password: string | null) =>
  password === null ? { assertion: await askPasskey(() => api.passkeys.askToProve()) } : { password: password || null };
export type GivenProof = Awaited<ReturnType<typeof proofOf>>;

/** The password, or a passkey that is there already. */
export function ProofFields({ error, hint }: { error: string | undefined; hint: string }) {
  const me = useMe();
  return (
    <>
      <input type="text" name="username" autoComplete="username" value={me.email} readOnly hidden />
      <Field label="Your password" error={error} hint={hint}>
        {(props) => <Input {...props} name="password" type="password" autoComplete="current-password" />}
      </Field>
    </>
  );
}

/** Asks who is here to show that it is they, before a deed that a stolen sign-in must not do. `action` names it. */
export function ProveDialog({
  open,
  onClose,
  title,
  action,
  onProved,
  children,
  loading,
  error,
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  action: string;
  onProved: (proof: GivenProof) => void;
  children: ReactNode;
  loading: boolean;
  /** Of the deed itself. */
  error: unknown;
}) {
  const id = useId();
  const passkeys = useQuery(query.passkeys.list.queryOptions({ enabled: open }));
  const [failure, setFailure] = useState<unknown>(null);
  const provable =
    passkeys.data !== undefined &&
    passkeys.data.why === null &&
    passkeyAddress(passkeys.data.origin) === null &&
    passkeys.data.items.some(({ usable }) => usable);
  const errors = fieldErrors(failure ?? error, ['password'] as const);
  const prove = async (password: string | null) => {
    setFailure(null);
    try {
      onProved(await proofOf(password));
    } catch (problem) {
      setFailure(problem);
    }
  };
  const close = () => {
    setFailure(null);
    onClose();
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    void prove(String(new FormData(event.currentTarget).get('password')));
  };
  return (
    <Dialog
      open={open}
      onClose={close}
      title={title}
      footer={
        <>
          <Button onClick={close}>Cancel</Button>
          {provable && <Button onClick={() => void prove(null)}>Confirm with passkey</Button>}
          <Button type="submit" form={id} variant="danger" loading={loading}>
            {action}
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={submit} className="flex flex-col gap-4">
        <div>{children}</div>
        <ProofFields
          error={errors.byField.password}
          hint={
            provable
              ? 'It shows that it is you who does this; so does your passkey.'
              : 'It shows that it is you who does this. Without one here, sign in again and leave it empty.'
          }
        />
        <FormError message={errors.form ?? (failure === null ? null : problemOf(failure).detail)} />
      </form>
    </Dialog>
  );
}
