import type { Metadata } from 'next';
import { GrantConsole } from '@/features/console/grant-console.tsx';

export const metadata: Metadata = { title: 'SQL console' };

export default async function GrantConsolePage({ params }: { params: Promise<{ grantId: string }> }) {
  const { grantId } = await params;
  return <GrantConsole grantId={grantId} />;
}
