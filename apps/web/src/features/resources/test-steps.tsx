import { Check, X } from 'lucide-react';
import { Duration } from '@/components/time.tsx';
import type { ResourceTestView } from '@/lib/views.ts';

const STEP_NAMES = {
  connect: 'Connect',
  tls: 'TLS',
  authenticate: 'Sign in with the credential',
  catalog: 'Read the catalog',
  principals: 'Roles for grants',
} as const;

/** What was tried against a resource, step by step, up to the one that failed. */
export function TestSteps({ result }: { result: ResourceTestView }) {
  return (
    <div role="status">
      <p className={result.ok ? 'font-medium text-allow' : 'font-medium text-deny'}>
        {result.ok ? 'The gate can open this resource.' : 'The gate cannot open this resource.'}
      </p>
      <ol className="mt-2 flex flex-col gap-1">
        {result.steps.map((step) => (
          <li key={step.name} className="flex items-start gap-2">
            {step.ok ? (
              <Check aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-allow" />
            ) : (
              <X aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-deny" />
            )}
            <span className="wrap-anywhere min-w-0 flex-1">
              <span className="font-medium">{STEP_NAMES[step.name]}</span>
              <span className="sr-only">{step.ok ? ': worked' : ': failed'}</span>
              {step.message !== '' && <span className="text-muted">: {step.message}</span>}
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
