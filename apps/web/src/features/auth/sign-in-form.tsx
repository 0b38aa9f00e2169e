'use client';
import { useRouter } from 'next/navigation';
import { type FormEvent, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { Field, FormError } from '@/components/field.tsx';
import { Input } from '@/components/input.tsx';
import { signIn, signInWithPasskey } from '@/lib/sign-in.ts';

export interface SignInChoice {
  readonly name: string;
  readonly title: string;
}

const MESSAGES: Record<string, string> = {
  'wrong-password': 'The e-mail address or the password is not right.',
  'wrong-passkey': 'The passkey was not used, or is not known here. Try again, or sign in with the password.',
  'not-supported': 'Passkeys do not work at this address. Sign in with the password.',
  'rate-limited': 'Too many attempts. Wait a few minutes, then try again.',
  forbidden: 'This account is disabled. Ask an admin.',
  'bad-input': 'Type an e-mail address and a password.',
  'store-unavailable': 'The store cannot be reached now. Try again in a moment.',
  network: 'The server did not answer. Check that Taskgate is running.',
};

/**
 * `passkeyOrigin`: where passkeys work, which may be another name of this machine; `null`: nowhere. `refused`: what was
 * wrong with a sign-in at a provider, and the reference that the admin finds it by.
 */
export function SignInForm({
  next,
  passkeyOrigin,
  choices,
  refused,
}: {
  next: string;
  passkeyOrigin: string | null;
  choices: readonly SignInChoice[];
  refused: { readonly message: string; readonly reference: string | null } | null;
}) {
  const router = useRouter();
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState<'password' | 'passkey' | null>(null);

  const enter = async (by: 'password' | 'passkey', start: () => Promise<string | null>) => {
    setBusy(by);
    setError(null);
    const code = await start();
    if (code === null) {
      // A code after `#` (of a device) is not sent to the server, and goes on from here.
      router.replace(`${next}${window.location.hash}`);
      router.refresh();
      return;
    }
    setBusy(null);
    setError(MESSAGES[code] ?? 'The sign-in failed. Try again.');
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    void enter('password', () => signIn(String(form.get('email')), String(form.get('password'))));
  };
  const byPasskey = () => {
    // A passkey belongs to a host's name: at another name of this machine the page there goes on.
    if (passkeyOrigin !== null && passkeyOrigin !== window.location.origin)
      window.location.assign(`${passkeyOrigin}/login?next=${encodeURIComponent(next)}`);
    else void enter('passkey', signInWithPasskey);
  };

  return (
    <div className="w-full max-w-sm rounded-lg border border-line bg-surface p-6">
      <svg viewBox="0 0 32 32" aria-hidden="true" className="mb-3 size-8 text-accent">
        <path
          d="M6 8h20M6 24h20M11 8v6M11 18v6M21 8v6M21 18v6"
          stroke="currentColor"
          strokeWidth="3"
          strokeLinecap="round"
          fill="none"
        />
      </svg>
      <h1 className="font-semibold text-xl tracking-tight">Sign in to Taskgate</h1>
      <p className="mt-1 mb-4 text-muted">One narrow opening for each task.</p>
      {refused && (
        <div role="alert" className="mb-4 rounded-md border border-deny/40 bg-deny-soft px-3 py-2 text-deny">
          <p>{refused.message}</p>
          {refused.reference !== null && (
            <p className="wrap-anywhere mt-1 text-sm">
              For the admin: <span className="font-mono">{refused.reference}</span>
            </p>
          )}
        </div>
      )}
      {choices.length > 0 && (
        <>
          <ul className="flex flex-col gap-2">
            {choices.map(({ name, title }) => (
              <li key={name}>
                {/* A page of another site at the end: not the router's. */}
                <a
                  href={`/api/sign-in/${name}/start?next=${encodeURIComponent(next)}`}
                  className="flex min-h-8 items-center justify-center rounded-md border border-line-strong px-3 font-medium hover:bg-hover"
                >
                  Sign in with {title}
                </a>
              </li>
            ))}
          </ul>
          <p className="my-4 flex items-center gap-3 text-muted text-sm before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
            or with a password kept here
          </p>
        </>
      )}
      <form onSubmit={submit} method="post" className="flex flex-col gap-3">
        <Field label="E-mail">
          {(props) => (
            <Input
              {...props}
              name="email"
              type="email"
              autoComplete="username"
              required
              autoFocus={choices.length === 0}
            />
          )}
        </Field>
        <Field label="Password">
          {(props) => <Input {...props} name="password" type="password" autoComplete="current-password" required />}
        </Field>
        <FormError message={error} />
        <Button type="submit" variant="primary" loading={busy === 'password'}>
          Sign in
        </Button>
        {passkeyOrigin !== null && (
          <Button loading={busy === 'passkey'} onClick={byPasskey}>
            Use a passkey
          </Button>
        )}
      </form>
    </div>
  );
}
