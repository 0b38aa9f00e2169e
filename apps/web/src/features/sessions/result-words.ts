import type { Tone } from '@/components/badge.tsx';
import type { TimelineOperationView } from '@/lib/views.ts';

type Outcome = NonNullable<TimelineOperationView['result']>['outcome'] | 'running';

/** How an operation ended: a word for the list, and what it means. */
export const RESULT_WORDS: Record<Outcome, { word: string; tone: Tone; meaning: string }> = {
  running: { word: 'running', tone: 'info', meaning: 'It is under way.' },
  done: { word: 'done', tone: 'plain', meaning: 'The target carried it out.' },
  error: { word: 'error', tone: 'deny', meaning: 'The target answered with an error of its own.' },
  refused: { word: 'refused', tone: 'deny', meaning: 'The gate refused it: it never reached the target.' },
  cancelled: { word: 'cancelled', tone: 'plain', meaning: 'The client took it back.' },
  skipped: {
    word: 'skipped',
    tone: 'plain',
    meaning: 'Something before it in the same message failed: it did not run.',
  },
  withheld: {
    word: 'withheld',
    tone: 'hold',
    meaning: 'It ran, and its result was not handed out: a limit of the grant was reached.',
  },
  unknown: {
    word: 'unknown',
    tone: 'hold',
    meaning:
      'The recording ends before its outcome, as when the gate or its machine stops at once. It may have run or not: look at the target.',
  },
};

export const resultOf = (operation: TimelineOperationView): Outcome => operation.result?.outcome ?? 'running';
