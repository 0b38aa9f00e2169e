import type { Metadata } from 'next';
import { EditDocument } from '@/features/documents/edit-document.tsx';

export const metadata: Metadata = { title: 'New policy' };

export default function NewPolicyPage() {
  return <EditDocument kind="Policy" name={null} />;
}
