import type { SimulationView } from '@/lib/views.ts';

export type SimulatedGroup = NonNullable<SimulationView['result']>['groups'][number];

/** In the order in which a reviewer should look. */
export const CHANGES: readonly {
  change: SimulatedGroup['change'];
  words: string;
  tone: 'deny' | 'hold' | 'allow' | 'mask';
}[] = [
  { change: 'denied-to-allowed', words: 'would be allowed, is denied now', tone: 'allow' },
  { change: 'held-to-allowed', words: 'would need no approval any more', tone: 'allow' },
  { change: 'denied-to-held', words: 'would be held, is denied now', tone: 'hold' },
  { change: 'allowed-to-denied', words: 'would be denied', tone: 'deny' },
  { change: 'held-to-denied', words: 'would be denied, is held now', tone: 'deny' },
  { change: 'allowed-to-held', words: 'would need approval', tone: 'hold' },
  { change: 'approvals-changed', words: 'would need other approvals', tone: 'hold' },
  { change: 'masks-changed', words: 'would be masked otherwise', tone: 'mask' },
  { change: 'rows-changed', words: 'would have another limit of rows', tone: 'hold' },
];

export const NOT_SIMULATED: Record<NonNullable<SimulationView['result']>['notSimulated'][number]['why'], string> = {
  older: 'are older than the newest 100,000',
  'no-recording': 'have no recording that can be read',
  'too-long': 'are longer than 64 KB',
  'no-catalog': 'are of a resource whose catalog is not known',
};
