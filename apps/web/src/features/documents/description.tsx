import clsx from 'clsx';
import { Ban, Check, Dot, EyeOff, Gauge, Hourglass } from 'lucide-react';
import { Ticked } from '@/components/ticked.tsx';
import type { DescriptionView } from '@/lib/views.ts';

const TONES = {
  allow: { icon: Check, className: 'text-allow', word: 'allows' },
  deny: { icon: Ban, className: 'text-deny', word: 'denies' },
  hold: { icon: Hourglass, className: 'text-hold', word: 'holds' },
  mask: { icon: EyeOff, className: 'text-mask', word: 'masks' },
  limit: { icon: Gauge, className: 'text-muted', word: 'limits' },
  plain: { icon: Dot, className: 'text-muted', word: '' },
} as const;

/** What a task or policy means, in words; each line leads to the one of the source that says so. */
export function Description({
  sections,
  onLine,
}: {
  sections: readonly DescriptionView[];
  onLine: (line: number) => void;
}) {
  return (
    <div className="flex flex-col gap-4">
      {sections.map((section) => (
        <section key={section.title}>
          <h3 className="mb-1 font-semibold text-sm">{section.title}</h3>
          <ul className="flex flex-col gap-0.5">
            {section.items.map((item, index) => {
              const { icon: Icon, className, word } = TONES[item.tone];
              return (
                // biome-ignore lint/suspicious/noArrayIndexKey: two rules may read the same
                <li key={`${item.path}-${index}`} className="flex min-h-6 items-start gap-2">
                  <Icon aria-hidden="true" className={clsx('mt-1 size-3.5 shrink-0', className)} />
                  {word !== '' && <span className="sr-only">{word}:</span>}
                  <span className="wrap-anywhere min-w-0 flex-1">
                    <Ticked text={item.text} />
                  </span>
                  {item.line !== null && (
                    <button
                      type="button"
                      onClick={() => onLine(item.line as number)}
                      aria-label={`Line ${item.line} of the source`}
                      className="min-h-6 shrink-0 rounded-sm px-1 text-right font-mono text-muted text-xs hover:bg-hover hover:text-ink"
                    >
                      line {item.line}
                    </button>
                  )}
                </li>
              );
            })}
          </ul>
        </section>
      ))}
    </div>
  );
}
