// biome-ignore-all lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
import clsx from 'clsx';
import { MaskedHeader } from '@/components/masked-header.tsx';
import type { HoldView } from '@/lib/views.ts';
import { Section } from './card-frame.tsx';

type Sample = NonNullable<NonNullable<HoldView['dryRun']>['sample']>;
type Values = NonNullable<Sample['rows'][number]['before']>;

/** Some of the rows that a dry run changed: each as it is, and below it as it would be. */
export function ChangeSample({ sample }: { sample: Sample }) {
  const { columns, rows, note } = sample;
  if (rows.length === 0) return note === null ? null : <p className="text-muted text-sm">No rows are shown: {note}.</p>;
  return (
    <Section title="Rows before and after" aside={note !== null && <span className="text-muted text-sm">{note}</span>}>
      <section
        tabIndex={0}
        aria-label="Rows before and after"
        className="max-h-64 overflow-auto rounded-md border border-line"
      >
        <table className="w-full border-collapse text-left text-sm">
          <thead className="sticky top-0 bg-surface">
            <tr>
              <th scope="col" className={HEAD}>
                <span className="sr-only">When</span>
              </th>
              {columns.map(({ name, mask }) => (
                <th key={name} scope="col" className={clsx(HEAD, 'font-mono')}>
                  <MaskedHeader name={name} mask={mask} />
                </th>
              ))}
            </tr>
          </thead>
          {rows.map(({ before, after }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place
            <tbody key={index} className="border-line border-b last:border-b-0">
              {before !== null && <Line when="before" values={before} other={after} />}
              {after !== null && <Line when="after" values={after} other={before} />}
            </tbody>
          ))}
        </table>
      </section>
    </Section>
  );
}

const HEAD = 'whitespace-nowrap border-line border-b px-3 py-1 font-medium text-muted text-xs';

function Line({ when, values, other }: { when: 'before' | 'after'; values: Values; other: Values | null }) {
  return (
    <tr>
      <th scope="row" className="whitespace-nowrap px-3 py-0.5 align-top font-normal text-muted">
        {when}
        {other === null && <span className="sr-only">, the only one</span>}
      </th>
      {values.map((value, index) => {
        const changes = other !== null && when === 'after' && value !== other[index];
        return (
          <td
            // biome-ignore lint/suspicious/noArrayIndexKey: a value is its column
            key={index}
            className={clsx('wrap-anywhere min-w-24 px-3 py-0.5 align-top font-mono', changes && 'bg-hold-soft')}
          >
            {value === null ? <em className="text-muted">null</em> : changes ? <strong>{value}</strong> : value}
          </td>
        );
      })}
    </tr>
  );
}
