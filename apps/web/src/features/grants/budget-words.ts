import { formatBytes, formatDuration, formatNumber } from '@/lib/format.ts';
import type { GrantView } from '@/lib/views.ts';

type Dimension = GrantView['budget'][number]['dimension'];

const AMOUNT: Readonly<Record<Dimension, (amount: number) => string>> = {
  rows: formatNumber,
  bytes: formatBytes,
  statements: formatNumber,
  duration: (ms) => formatDuration(ms),
};
const WHAT: Readonly<Record<Dimension, string>> = {
  rows: 'rows',
  bytes: 'of results',
  statements: 'statements',
  duration: 'of running statements',
};

export const amountWords = (dimension: Dimension, amount: number): string => AMOUNT[dimension](amount);

/** `320 of 5,000 rows`; without a limit, `320 rows`. */
export const budgetWords = (dimension: Dimension, used: number, limit: number | null): string =>
  `${amountWords(dimension, used)}${limit === null ? '' : ` of ${amountWords(dimension, limit)}`} ${WHAT[dimension]}`;
