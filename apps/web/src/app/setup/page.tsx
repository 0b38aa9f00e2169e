import type { Metadata } from 'next';
import { SetupForm } from '@/features/setup/setup-form.tsx';

export const metadata: Metadata = { title: 'First admin' };

export default function SetupPage() {
  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <SetupForm />
    </main>
  );
}
