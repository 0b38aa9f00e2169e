import type { Metadata } from 'next';
import { MachinePage } from '@/features/machines/machine-page.tsx';

export const metadata: Metadata = { title: 'Machine' };

export default async function OneMachinePage({ params }: { params: Promise<{ id: string }> }) {
  return <MachinePage id={(await params).id} />;
}
