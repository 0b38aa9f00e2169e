'use client';
import { type FormEvent, useEffect, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input } from '@/components/input.tsx';
import { signIn } from '@/lib/sign-in.ts';

/** Makes the first admin with the token that the start printed; it stands behind the `#`, so no server sees it in an address. */
export function SetupForm() {
  const [token, setToken] = useState('');
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    setToken(decodeURIComponent(window.location.hash.slice(1)));
    // Not in the history, nor on the screen that somebody looks at later.
    window.history.replaceState(null, '', '/setup');
  }, []);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const [email, password] = [String(data.get('email')).trim(), String(data.get('password'))];
    setBusy(true);
    setError(null);
    try {
      const answer = await fetch('/api/setup', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token, email, name: String(data.get('name')).trim(), password }),
      });
      if (answer.ok) {
        const code = await signIn(email, password);
        window.location.assign(code === null ? '/' : '/login');
        return;
      }
      setError(((await answer.json()) as { detail: string }).detail);
    } catch {
      setError('The server did not answer. Check that Taskgate is running.');
    }
    setBusy(false);
  };

  return (
    <div className="w-full max-w-sm rounded-lg border border-line bg-surface p-6">
      <h1 className="font-semibold text-xl tracking-tight">The first admin</h1>
      <p className="mt-1 mb-4 text-muted">Nobody is here yet. Whoever you make now can add the others.</p>
      <form onSubmit={submit} method="post" className="flex flex-col gap-3">
        <Field label="Setup token" hint="Printed at the start. It works once, for a day.">
          {(props) => (
            <Input
              {...props}
              type="password"
              autoComplete="off"
              required
              value={token}
              onChange={(event) => setToken(event.target.value)}
            />
          )}
        </Field>
        <Field label="Name">
          {(props) => <Input {...props} name="name" required maxLength={200} autoComplete="name" />}
        </Field>
        <Field label="E-mail">
          {(props) => <Input {...props} name="email" type="email" required maxLength={254} autoComplete="username" />}
        </Field>
        <Field label="Password" hint="At least 10 characters.">
          {(props) => (
            <Input
              {...props}
              name="password"
              type="password"
              required
              minLength={10}
              maxLength={200}
              autoComplete="new-password"
            />
          )}
        </Field>
        <FormError message={error} />
        <Button type="submit" variant="primary" loading={busy}>
          Make the first admin
        </Button>
      </form>
    </div>
  );
}
