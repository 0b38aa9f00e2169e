import type { Metadata } from 'next';
import { FinishSignIn } from '@/features/auth/finish-sign-in.tsx';

export const metadata: Metadata = { title: 'Signing in' };

export default function FinishSignInPage() {
  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <FinishSignIn />
    </main>
  );
}
