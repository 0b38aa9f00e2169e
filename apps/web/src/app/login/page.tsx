import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { SignInForm } from '@/features/auth/sign-in-form.tsx';
import { passkeyOrigin } from '@/lib/account.ts';
import { loadWebSession } from '@/lib/actor.ts';
import { localPath } from '@/lib/local-path.ts';

export const metadata: Metadata = { title: 'Sign in' };

export default async function LoginPage({ searchParams }: { searchParams: Promise<{ next?: string | string[] }> }) {
  const { next } = await searchParams;
  const target = localPath(typeof next === 'string' ? next : null);
  const session = await loadWebSession();
  if (session) redirect(target);
  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <SignInForm next={target} passkeyOrigin={passkeyOrigin()} />
    </main>
  );
}
