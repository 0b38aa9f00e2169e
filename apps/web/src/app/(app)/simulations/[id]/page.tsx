import type { Metadata } from 'next';
import { SimulationPage } from '@/features/simulations/simulation-page.tsx';

export const metadata: Metadata = { title: 'Simulation' };

export default async function Simulation({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  return <SimulationPage id={id} />;
}
