import { Check, X } from 'lucide-react';
import { Ticked } from '@/components/ticked.tsx';
import { Duration } from '@/components/time.tsx';

interface Step<Name extends string> {
  name: Name;
  ok: boolean;
  message: string;
  durationMs: number;
}

/** What was done at a target, step by step, up to the one that failed. `says`: the result in a sentence. */
export function StepList<Name extends string>({
  ok,
  says,
  steps,
  names,
}: {
  ok: boolean;
  says: string;
  steps: readonly Step<Name>[];
  names: Readonly<Record<Name, string>>;
}) {
  return (
    <div role="status">
      <p className={ok ? 'font-medium text-allow' : 'font-medium text-deny'}>{says}</p>
      <ol className="mt-2 flex flex-col gap-1">
        {steps.map((step) => (
          <li key={step.name} className="flex items-start gap-2">
            {step.ok ? (
              <Check aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-allow" />
            ) : (
              <X aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-deny" />
            )}
            <span className="wrap-anywhere min-w-0 flex-1">
              <span className="font-medium">{names[step.name]}</span>
              <span className="sr-only">{step.ok ? ': worked' : ': failed'}</span>
              {step.message !== '' && (
                <span className="text-muted">
                  : <Ticked text={step.message} />
                </span>
              )}
            </span>
            <span className="text-muted text-sm">
              <Duration ms={step.durationMs} />
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}
