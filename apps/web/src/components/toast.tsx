'use client';
import clsx from 'clsx';
import { X } from 'lucide-react';
import Link from 'next/link';
import { useEffect, useState, useSyncExternalStore } from 'react';

interface Toast {
  id: number;
  tone: 'plain' | 'allow' | 'deny';
  text: string;
  action: { label: string; href?: string; onClick?: () => void } | null;
}

let toasts: readonly Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();
const EMPTY: readonly Toast[] = [];

function change(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
const dismiss = (id: number): void => change(toasts.filter((toast) => toast.id !== id));

/** Says that something happened. Errors that ask for a change belong beside the field, not here. */
export function toast(
  text: string,
  options: { tone?: Toast['tone']; action?: NonNullable<Toast['action']> } = {},
): void {
  lastId += 1;
  change([...toasts.slice(-3), { id: lastId, tone: options.tone ?? 'plain', text, action: options.action ?? null }]);
}

function ToastCard({ item }: { item: Toast }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => dismiss(item.id), item.action ? 12_000 : 6_000);
    return () => clearTimeout(timer);
  }, [held, item]);
  return (
    <li
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
      className={clsx(
        'pointer-events-auto flex items-center gap-3 rounded-md border bg-raised px-3 py-2 shadow-pop',
        item.tone === 'deny' ? 'border-deny text-deny' : item.tone === 'allow' ? 'border-allow' : 'border-line',
      )}
    >
      <span className="min-w-0 flex-1">{item.text}</span>
      {item.action?.href !== undefined && (
        <Link href={item.action.href} className="link font-medium" onClick={() => dismiss(item.id)}>
          {item.action.label}
        </Link>
      )}
      {item.action?.onClick && (
        <button
          type="button"
          className="link min-h-6 font-medium"
          onClick={() => {
            item.action?.onClick?.();
            dismiss(item.id);
          }}
        >
          {item.action.label}
        </button>
      )}
      <button
        type="button"
        aria-label="Dismiss"
        className="grid size-6 place-items-center"
        onClick={() => dismiss(item.id)}
      >
        <X aria-hidden="true" className="size-4" />
      </button>
    </li>
  );
}

export function Toaster() {
  const items = useSyncExternalStore(
    subscribe,
    () => toasts,
    () => EMPTY,
  );
  return (
    <section
      aria-label="Notifications"
      aria-live="polite"
      className="pointer-events-none fixed right-3 bottom-3 z-50 w-[min(24rem,calc(100vw-1.5rem))]"
    >
      <ol className="flex flex-col gap-2">
        {items.map((item) => (
          <ToastCard key={item.id} item={item} />
        ))}
      </ol>
    </section>
  );
}
