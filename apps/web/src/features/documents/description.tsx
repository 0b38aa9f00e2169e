import clsx from 'clsx';
import { Ban, Check, Dot, EyeOff, Gauge, Hourglass } from 'lucide-react';
import { Badge } from '@/components/badge.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { Time } from '@/components/time.tsx';
import { formatNumber } from '@/lib/format.ts';
import type { DescriptionView, RuleUsageView } from '@/lib/views.ts';

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
  usage = null,
}: {
  sections: readonly DescriptionView[];
  onLine: (line: number) => void;
  /** How often each rule was used, where that is known. */
  usage?: RuleUsageView | null;
}) {
  const usageOf = new Map(usage?.rules.map((rule) => [rule.path, rule]));
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
                  <Used rule={usageOf.get(item.path)} />
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

/** How often in 30 days; a rule that nothing used may be one too many. */
function Used({ rule }: { rule: RuleUsageView['rules'][number] | undefined }) {
  if (rule === undefined) return null;
  if (rule.hits === 0) return <Badge tone="hold">unused</Badge>;
  return (
    <span className="shrink-0 text-muted text-xs tabular-nums leading-6">
      {formatNumber(rule.hits)}
      <span className="sr-only"> operations</span>
      <span aria-hidden="true">×</span>
    </span>
  );
}

/** Since when uses are counted: 30 days, or as long as the revision is published. */
export function UsedSince({ usage }: { usage: RuleUsageView }) {
  return (
    <span className="text-muted text-sm">
      Uses since <Time at={usage.since} dateOnly />
    </span>
  );
}
