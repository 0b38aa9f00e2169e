import type { Metadata } from 'next';
import { Machines } from '@/features/machines/machines.tsx';

export const metadata: Metadata = { title: 'Machines' };

export default function MachinesPage() {
  return <Machines />;
}
