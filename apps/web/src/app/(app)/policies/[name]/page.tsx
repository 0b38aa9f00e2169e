import type { Metadata } from 'next';
import { PolicyPage } from '@/features/policies/policy-page.tsx';

interface Props {
  params: Promise<{ name: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: (await params).name };
}

export default async function NamedPolicyPage({ params }: Props) {
  const { name } = await params;
  return <PolicyPage name={name} />;
}
