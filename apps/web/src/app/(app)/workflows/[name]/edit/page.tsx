import type { Metadata } from 'next';
import { EditDocument } from '@/features/documents/edit-document.tsx';

interface Props {
  params: Promise<{ name: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: `Edit ${(await params).name}` };
}

export default async function EditWorkflowPage({ params }: Props) {
  const { name } = await params;
  return <EditDocument kind="Workflow" name={name} />;
}
