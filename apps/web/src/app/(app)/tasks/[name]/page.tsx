import type { Metadata } from 'next';
import { TaskPage } from '@/features/tasks/task-page.tsx';

interface Props {
  params: Promise<{ name: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: (await params).name };
}

export default async function NamedTaskPage({ params }: Props) {
  const { name } = await params;
  return <TaskPage name={name} />;
}
