import { LinkButton } from '@/components/button.tsx';
import { EmptyState } from '@/components/empty-state.tsx';

export default function NotFound() {
  return (
    <main className="grid min-h-[60vh] place-items-center">
      <EmptyState heading="h1" title="There is no page here" action={<LinkButton href="/">Home</LinkButton>}>
        The address may be mistyped, or what it named was renamed.
      </EmptyState>
    </main>
  );
}
