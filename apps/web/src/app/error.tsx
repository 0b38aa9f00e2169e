'use client';
import { Button } from '@/components/button.tsx';
import { EmptyState } from '@/components/empty-state.tsx';

export default function ErrorPage({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <main className="grid min-h-[60vh] place-items-center" role="alert">
      <EmptyState heading="h1" title="Something went wrong here" action={<Button onClick={reset}>Try again</Button>}>
        {error.digest ? `The server's log has it under ${error.digest}.` : 'Nothing was changed by it.'}
      </EmptyState>
    </main>
  );
}
