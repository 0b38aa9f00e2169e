import { isId, SIGN_IN_REFUSALS } from '@taskgate/core';
import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { REFUSAL_WORDS } from '@/features/auth/refusal-words.ts';
import { SignInForm } from '@/features/auth/sign-in-form.tsx';
import { passkeyOrigin, signInChoices } from '@/lib/account.ts';
import { loadWebSession } from '@/lib/actor.ts';
import { localPath } from '@/lib/local-path.ts';

export const metadata: Metadata = { title: 'Sign in' };

type Query = Readonly<Record<string, string | string[] | undefined>>;

export default async function LoginPage({ searchParams }: { searchParams: Promise<Query> }) {
  const { next, refused, reference } = await searchParams;
  const target = localPath(typeof next === 'string' ? next : null);
  const session = await loadWebSession();
  if (session) redirect(target);
  const refusal = SIGN_IN_REFUSALS.find((code) => code === refused);
  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <SignInForm
        next={target}
        passkeyOrigin={passkeyOrigin()}
        choices={await signInChoices()}
        refused={
          refusal === undefined
            ? null
            : // Only what can be one: the page must not say what a link makes it say.
              { message: REFUSAL_WORDS[refusal], reference: isReference(reference) ? reference : null }
        }
      />
    </main>
  );
}

const isReference = (value: unknown): value is string =>
  isId(value, 'aud') || (typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value));
