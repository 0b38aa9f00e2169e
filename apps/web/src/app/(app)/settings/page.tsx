import type { Metadata } from 'next';
import { Settings } from '@/features/settings/settings.tsx';
import { signInChoices } from '@/lib/account.ts';

export const metadata: Metadata = { title: 'Settings' };

export default async function SettingsPage() {
  return <Settings providers={await signInChoices()} />;
}
