import type { Metadata } from 'next';
import { ProviderPage } from '@/features/sign-in-providers/provider-page.tsx';

interface Props {
  params: Promise<{ name: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: (await params).name };
}

export default async function NamedProviderPage({ params }: Props) {
  const { name } = await params;
  return <ProviderPage name={name} />;
}
