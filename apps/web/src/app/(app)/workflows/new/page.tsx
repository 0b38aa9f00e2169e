import type { Metadata } from 'next';
import { EditDocument } from '@/features/documents/edit-document.tsx';

export const metadata: Metadata = { title: 'New workflow' };

export default function NewWorkflowPage() {
  return <EditDocument kind="Workflow" name={null} />;
}
