import type { ResourceTestView } from '@/lib/views.ts';
import { StepList } from './step-list.tsx';

const STEP_NAMES = {
  connect: 'Connect',
  tls: 'TLS',
  authenticate: 'Sign in with the credential',
  catalog: 'Read the catalog',
  principals: 'Roles for grants',
} as const;

/** What was tried against a resource. */
export function TestSteps({ result }: { result: ResourceTestView }) {
  const says = result.ok ? 'The gate can open this resource.' : 'The gate cannot open this resource.';
  return <StepList ok={result.ok} says={says} steps={result.steps} names={STEP_NAMES} />;
}
