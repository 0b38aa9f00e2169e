import type { ReactNode } from 'react';

/** Why there is nothing here, and the one thing to do about it. */
export function EmptyState({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-2 px-4 py-10 text-center">
      <p className="font-medium">{title}</p>
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
export function NoPermission({ what, who = 'an admin' }: { what: string; who?: string }) {
  return (
    <EmptyState title={`You may not see ${what}`}>
      Your groups do not give you this. Ask {who} if you need it.
    </EmptyState>
  );
}
