import type { Metadata } from 'next';
import { EditDocument } from '@/features/documents/edit-document.tsx';

export const metadata: Metadata = { title: 'New task' };

export default function NewTaskPage() {
  return <EditDocument kind="Task" name={null} />;
}
