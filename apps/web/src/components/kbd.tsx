export function Kbd({ keys }: { keys: string }) {
  return (
    <span className="inline-flex gap-0.5">
      {keys.split(' ').map((key) => (
        <kbd key={key} className="rounded-sm border border-line bg-sunken px-1 font-mono text-muted text-xs leading-5">
          {key}
        </kbd>
      ))}
    </span>
  );
}
