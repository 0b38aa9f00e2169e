import { headers } from 'next/headers';
import { redirect } from 'next/navigation';
import type { ReactNode } from 'react';
import { Shell } from '@/features/shell/shell.tsx';
import { loadWebSession } from '@/lib/actor.ts';
import { LiveProvider } from '@/lib/live.tsx';
import { SessionProvider } from '@/lib/me.tsx';

export default async function SignedInLayout({ children }: { children: ReactNode }) {
  const session = await loadWebSession();
  if (!session) redirect(`/login?next=${encodeURIComponent((await headers()).get('x-taskgate-path') ?? '/')}`);
  return (
    <SessionProvider session={session}>
      <LiveProvider>
        <Shell>{children}</Shell>
      </LiveProvider>
    </SessionProvider>
  );
}
