import type { ReactNode } from 'react';
import { ScrollText } from './scroll-text.tsx';

export function CodeBlock({ label, children }: { label: string; children: ReactNode }) {
  return (
    <ScrollText label={label} className="overflow-x-auto rounded-md border border-line bg-sunken p-3">
      {children}
    </ScrollText>
  );
}
