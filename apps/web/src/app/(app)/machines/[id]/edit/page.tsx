import type { Metadata } from 'next';
import { EditMachine } from '@/features/machines/edit-machine.tsx';

export const metadata: Metadata = { title: 'Change a machine' };

export default async function EditMachinePage({ params }: { params: Promise<{ id: string }> }) {
  return <EditMachine id={(await params).id} />;
}
