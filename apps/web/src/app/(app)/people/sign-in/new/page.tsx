import type { Metadata } from 'next';
import { NewProvider } from '@/features/sign-in-providers/new-provider.tsx';

export const metadata: Metadata = { title: 'New sign-in provider' };

export default function NewProviderPage() {
  return <NewProvider />;
}
