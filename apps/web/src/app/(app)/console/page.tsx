import type { Metadata } from 'next';
import { ConsolePicker } from '@/features/console/console-picker.tsx';

export const metadata: Metadata = { title: 'Console' };

export default function ConsolePage() {
  return <ConsolePicker />;
}
