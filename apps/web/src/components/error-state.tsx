'use client';
import { problemOf } from '@/lib/problem.ts';
import { Button } from './button.tsx';
import { EmptyState, NoPermission } from './empty-state.tsx';
import { Ticked } from './ticked.tsx';

/** A read that failed: why, in the API's own words, and a way to try again. */
export function ErrorState({
  error,
  retry,
  what = 'this',
  heading = 'p',
}: {
  error: unknown;
  retry?: () => void;
  what?: string;
  heading?: 'p' | 'h1';
}) {
  const problem = problemOf(error);
  if (problem.code === 'forbidden') return <NoPermission what={what} heading={heading} />;
  return (
    <div role="alert">
      <EmptyState
        heading={heading}
        title={problem.code === 'not-found' ? 'Not found' : `Could not read ${what}`}
        action={retry && problem.code !== 'not-found' ? <Button onClick={retry}>Try again</Button> : undefined}
      >
        <span className="block first-letter:uppercase">
          <Ticked text={problem.detail} />
        </span>
      </EmptyState>
    </div>
  );
}
