import type { ReactNode } from 'react';

/** Why there is nothing here, and the one thing to do about it. */
export function EmptyState({
  title,
  children,
  action,
  heading: Heading = 'p',
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  /** `h1` where this is all that the page has to say. */
  heading?: 'p' | 'h1';
}) {
  return (
    <div className="flex flex-col items-center gap-2 px-4 py-10 text-center">
      <Heading className="font-medium">{title}</Heading>
      {children && <div className="max-w-prose text-muted">{children}</div>}
      {action && <div className="mt-1 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}

/** The filters leave nothing over. */
export function NoMatch({ what, onClear }: { what: string; onClear: () => void }) {
  return (
    <EmptyState
      title={`No ${what} match`}
      action={
        <button type="button" className="link min-h-6" onClick={onClear}>
          Clear the filters
        </button>
      }
    >
      Nothing fits all the filters that are set.
    </EmptyState>
  );
}

/** The screen exists, the reader's roles do not open it. */
export function NoPermission({
  what,
  who = 'an admin',
  heading = 'p',
}: {
  what: string;
  who?: string;
  heading?: 'p' | 'h1';
}) {
  return (
    <EmptyState title={`You may not see ${what}`} heading={heading}>
      Your groups do not give you this. Ask {who} if you need it.
    </EmptyState>
  );
}
