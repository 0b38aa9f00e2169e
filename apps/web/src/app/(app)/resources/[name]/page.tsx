import type { Metadata } from 'next';
import { ResourcePage } from '@/features/resources/resource-page.tsx';

interface Props {
  params: Promise<{ name: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: (await params).name };
}

export default async function NamedResourcePage({ params }: Props) {
  const { name } = await params;
  return <ResourcePage name={name} />;
}
