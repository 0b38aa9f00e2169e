// biome-ignore-all lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
'use client';
import clsx from 'clsx';
import { useEffect, useRef } from 'react';

/** A source with its line numbers, one line marked. */
export function SourceView({ source, line, label }: { source: string; line: number | null; label: string }) {
  const marked = useRef<HTMLLIElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the line decides which element is marked
  useEffect(() => marked.current?.scrollIntoView({ block: 'center' }), [line]);
  return (
    <section tabIndex={0} aria-label={label} className="overflow-x-auto py-2 font-mono text-sm leading-5">
      <ol>
        {source
          .replace(/\n$/, '')
          .split('\n')
          .map((text, index) => {
            const here = index + 1 === line;
            return (
              <li
                // biome-ignore lint/suspicious/noArrayIndexKey: lines of one immutable text
                key={index}
                ref={here ? marked : undefined}
                aria-current={here ? 'location' : undefined}
                className={clsx('flex w-max min-w-full pr-4', here && 'bg-hold-soft')}
              >
                <span aria-hidden="true" className="w-12 shrink-0 select-none pr-3 text-right text-muted">
                  {index + 1}
                </span>
                <span className="whitespace-pre">{text === '' ? ' ' : text}</span>
              </li>
            );
          })}
      </ol>
    </section>
  );
}
