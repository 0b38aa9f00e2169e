'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button } from '@/components/button.tsx';
import { FormError } from '@/components/field.tsx';
import { Facts, Panel } from '@/components/page.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { Time } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { formatDuration } from '@/lib/format.ts';
import { useCan } from '@/lib/me.tsx';
import { problemOf } from '@/lib/problem.ts';
import type { ResourceView } from '@/lib/views.ts';
import { StepList } from './step-list.tsx';

const STEP_NAMES = {
  connect: 'Sign in with the password of before',
  set: 'Set the new one',
  try: 'Open a new connection with it',
  keep: 'Keep it',
} as const;

/** The password of the credential: how old it is, when it is changed next, how the last change went. */
export function RotationPanel({ resource }: { resource: ResourceView }) {
  const can = useCan();
  const client = useQueryClient();
  const rotate = useMutation(
    query.resources.rotate.mutationOptions({
      onSettled: () => void client.invalidateQueries({ queryKey: query.resources.key() }),
    }),
  );
  const { everyMs, nextAt, rotatedAt, failure } = resource.rotation;
  return (
    <Panel
      title="Password"
      actions={
        <Button
          size="sm"
          loading={rotate.isPending}
          disabledReason={can('resource:write') ? null : 'only admins can rotate it'}
          onClick={() => rotate.mutate({ name: resource.name })}
        >
          Rotate now
        </Button>
      }
    >
      <div className="grid items-start gap-x-8 gap-y-4 lg:grid-cols-2">
        {failure !== null && !rotate.data && (
          <div role="alert" className="rounded-md lg:col-span-2 border border-deny/40 bg-deny-soft px-3 py-2 text-deny">
            <p>
              The last rotation failed, <Time at={failure.at} />. The password of before is still in use.
            </p>
            <p className="mt-1 text-sm first-letter:uppercase">
              <Ticked text={failure.message} />
            </p>
          </div>
        )}
        <Facts
          items={[
            ['Signs in as', resource.username],
            ['Set', <Time key="set" at={resource.credentialSetAt} />],
            ['By', rotatedAt === null ? 'somebody who typed it' : 'the gate, and nobody knows it'],
            ['Rotates', everyMs === null ? 'only when asked' : `every ${formatDuration(everyMs)}`],
            ...(nextAt === null ? [] : ([['Next', <Time key="next" at={nextAt} />]] as const)),
          ]}
        />
        {rotate.isPending && (
          <p role="status" className="text-muted">
            Setting a new password at the target, and trying it. Sessions go on.
          </p>
        )}
        {rotate.data && (
          <StepList
            ok={rotate.data.ok}
            says={
              rotate.data.ok
                ? 'The password was rotated. Open sessions went on.'
                : 'The password was not rotated. The one of before is still in use.'
            }
            steps={rotate.data.steps}
            names={STEP_NAMES}
          />
        )}
        <FormError message={rotate.error ? problemOf(rotate.error).detail : null} />
      </div>
    </Panel>
  );
}
