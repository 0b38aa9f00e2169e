import type { Metadata } from 'next';
import { NewRequest } from '@/features/grants/new-request.tsx';

export const metadata: Metadata = { title: 'New request' };

export default function NewRequestPage() {
  return <NewRequest />;
}
