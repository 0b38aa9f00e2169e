import type { Metadata } from 'next';
import { EditResource } from '@/features/resources/edit-resource.tsx';

interface Props {
  params: Promise<{ name: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: `Edit ${(await params).name}` };
}

export default async function EditResourcePage({ params }: Props) {
  const { name } = await params;
  return <EditResource name={name} />;
}
