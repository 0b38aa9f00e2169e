import type { Metadata } from 'next';
import { NewResource } from '@/features/resources/edit-resource.tsx';

export const metadata: Metadata = { title: 'New resource' };

export default function NewResourcePage() {
  return <NewResource />;
}
