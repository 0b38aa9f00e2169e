import type { Metadata } from 'next';
import { RequestPage } from '@/features/grants/request-page.tsx';

export const metadata: Metadata = { title: 'Request' };

export default async function RequestByIdPage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  return <RequestPage id={id} />;
}
