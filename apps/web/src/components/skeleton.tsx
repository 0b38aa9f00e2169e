import clsx from 'clsx';

/** A grey bar in the place of what is being read. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden="true" className={clsx('animate-pulse rounded-md bg-sunken', className ?? 'h-4 w-full')} />;
}

const ROWS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];

export function TableSkeleton({ rows = 6 }: { rows?: number }) {
  return (
    <div role="status" className="flex flex-col gap-2 p-4">
      <span className="sr-only">Loading</span>
      {ROWS.slice(0, rows).map((row) => (
        <Skeleton key={row} className="h-7" />
      ))}
    </div>
  );
}
