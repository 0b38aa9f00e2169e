'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input } from '@/components/input.tsx';
import { Panel } from '@/components/page.tsx';
import { toast } from '@/components/toast.tsx';
import { query } from '@/lib/api.ts';
import { useMe } from '@/lib/me.tsx';
import { fieldErrors } from '@/lib/problem.ts';

export function PasswordForm() {
  const me = useMe();
  const client = useQueryClient();
  const [repeatError, setRepeatError] = useState<string | null>(null);
  const change = useMutation(query.people.changePassword.mutationOptions());
  const errors = fieldErrors(change.error, ['current', 'next'] as const);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const same = data.get('next') === data.get('repeat');
    setRepeatError(same ? null : 'This is not the same as above.');
    if (!same) return;
    try {
      await change.mutateAsync({ current: String(data.get('current')), next: String(data.get('next')) });
      form.reset();
      toast('The password is changed', { tone: 'allow' });
      void client.invalidateQueries({ queryKey: query.people.webSessions.key() });
    } catch {
      // Shown beside the fields.
    }
  };
  return (
    <Panel title="Password">
      <form onSubmit={submit} className="flex max-w-sm flex-col gap-4">
        <input type="text" name="username" autoComplete="username" value={me.email} readOnly hidden />
        <Field label="Current password" error={errors.byField.current}>
          {(props) => <Input {...props} name="current" type="password" autoComplete="current-password" required />}
        </Field>
        <Field label="New password" error={errors.byField.next} hint="At least 10 characters.">
          {(props) => (
            <Input
              {...props}
              name="next"
              type="password"
              autoComplete="new-password"
              required
              minLength={10}
              maxLength={200}
            />
          )}
        </Field>
        <Field label="New password again" error={repeatError}>
          {(props) => <Input {...props} name="repeat" type="password" autoComplete="new-password" required />}
        </Field>
        <FormError message={errors.form} />
        <div>
          <Button type="submit" variant="primary" loading={change.isPending}>
            Change the password
          </Button>
        </div>
      </form>
    </Panel>
  );
}
