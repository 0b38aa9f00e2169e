import type { Metadata } from 'next';
import { NewMachine } from '@/features/machines/new-machine.tsx';

export const metadata: Metadata = { title: 'New machine' };

export default function NewMachinePage() {
  return <NewMachine />;
}
