import type { ExplanationView } from '@/lib/views.ts';

/** The page's title: what happened in the end, not only what was decided at the start. */
export function titleOf({ outcome, ending, hold }: ExplanationView): string {
  if (outcome === 'deny') return 'Why it was denied';
  if (outcome === 'hold')
    switch (hold?.state) {
      case 'waiting':
        return 'Why it waits';
      case 'refused':
        return 'Why it was held, and refused';
      case 'timed-out':
        return 'Why it was held, and timed out';
      case 'cancelled':
        return 'Why it was held, and taken back';
    }
  const held = outcome === 'hold';
  if (ending?.result === 'withheld') return held ? 'Approved, and its result withheld' : 'Why its result was withheld';
  if (ending?.result === 'error')
    return held ? 'Approved, and the target refused it' : 'Allowed, and the target refused it';
  return held ? 'Why it was held' : 'Why it was allowed';
}

/** How it ended, in a sentence; `null` while that is not known. */
export function endingOf({ outcome, ending, hold }: ExplanationView): string | null {
  if (outcome === 'hold' && hold?.state === 'waiting') return 'It waits for approval. Nothing of it has been sent.';
  if (ending === null) return null;
  switch (ending.result) {
    case 'done':
      return `It ran${ending.tag === null ? '' : `: ${ending.tag}`}.${ending.maskedCells > 0 ? ` ${ending.maskedCells} ${ending.maskedCells === 1 ? 'value was' : 'values were'} masked.` : ''}`;
    case 'error':
      return `The target refused it${ending.sqlstate === null ? '' : ` (${ending.sqlstate})`}.`;
    case 'refused':
      return 'Nothing of it was sent to the target.';
    case 'cancelled':
      return 'It was cancelled.';
    case 'skipped':
      return 'It was not sent, since something before it in the same message failed.';
    case 'withheld':
      return 'It ran, and its result was not sent. Where it wrote more rows than its rule lets it, the write was undone.';
    case 'unknown':
      return 'The gate ended before the target answered: it may have run.';
  }
}
