import type { Metadata } from 'next';
import { SuggestPage } from '@/features/simulations/suggest-page.tsx';

export const metadata: Metadata = { title: 'Suggest a task' };

export default function Suggest() {
  return <SuggestPage />;
}
