import type { Metadata } from 'next';
import { ResourceList } from '@/features/resources/resource-list.tsx';

export const metadata: Metadata = { title: 'Resources' };

export default function ResourcesPage() {
  return <ResourceList />;
}
