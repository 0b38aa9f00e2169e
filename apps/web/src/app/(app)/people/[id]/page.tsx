import type { Metadata } from 'next';
import { PersonPage } from '@/features/people/person-page.tsx';

interface Props {
  params: Promise<{ id: string }>;
}

export const metadata: Metadata = { title: 'Person' };

export default async function IdentityPage({ params }: Props) {
  const { id } = await params;
  return <PersonPage id={id} />;
}
