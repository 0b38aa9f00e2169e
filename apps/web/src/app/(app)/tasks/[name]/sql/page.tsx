import type { Metadata } from 'next';
import { TaskConsole } from '@/features/console/task-console.tsx';

export const metadata: Metadata = { title: 'SQL console' };

export default async function TaskConsolePage({ params }: { params: Promise<{ name: string }> }) {
  const { name } = await params;
  return <TaskConsole name={name} />;
}
