import type { Metadata } from 'next';
import { DeviceSignIn } from '@/features/devices/device-sign-in.tsx';

export const metadata: Metadata = { title: 'Sign a device in' };

export default function DevicePage() {
  return <DeviceSignIn />;
}
