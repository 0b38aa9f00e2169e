// biome-ignore-all lint/a11y/noNoninteractiveTabindex: what scrolls sideways must be reachable by keyboard
import type { ReactNode } from 'react';

/** Preformatted text in one line or many, which scrolls sideways on its own. */
export function ScrollText({ label, className, children }: { label: string; className?: string; children: ReactNode }) {
  return (
    <section tabIndex={0} aria-label={label} className={className}>
      <pre className="font-mono text-sm leading-5">{children}</pre>
    </section>
  );
}
