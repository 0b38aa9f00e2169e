import type { Metadata } from 'next';
import { ExplanationPage } from '@/features/explain/explanation-page.tsx';

export const metadata: Metadata = { title: 'Explanation' };

export default async function ExplainPage({ params }: { params: Promise<{ decisionId: string }> }) {
  const { decisionId } = await params;
  return <ExplanationPage decisionId={decisionId} />;
}
