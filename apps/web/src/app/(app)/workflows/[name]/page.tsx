import type { Metadata } from 'next';
import { WorkflowPage } from '@/features/workflows/workflow-page.tsx';

interface Props {
  params: Promise<{ name: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: (await params).name };
}

export default async function NamedWorkflowPage({ params }: Props) {
  const { name } = await params;
  return <WorkflowPage name={name} />;
}
