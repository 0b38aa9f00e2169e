import { Ticked } from '@/components/ticked.tsx';
import type { TreeStep } from './tree-rows.ts';

/** Why nobody has started a step. */
export function StepWords({ step }: { step: TreeStep }) {
  return (
    <span className="block first-letter:uppercase">
      {step.why === null ? 'Nobody has started it yet: the token of the run does.' : <Ticked text={`${step.why}.`} />}
    </span>
  );
}
