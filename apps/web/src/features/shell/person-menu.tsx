'use client';
import { CircleUser, LogOut, Settings } from 'lucide-react';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { useEffect, useId, useRef, useState } from 'react';
import { useMe } from '@/lib/me.tsx';
import { signOut } from '@/lib/sign-in.ts';
import { readTheme, setTheme, THEMES, type Theme } from '@/lib/theme.ts';

const ITEM = 'flex min-h-8 w-full items-center gap-2 rounded-sm px-2 text-left hover:bg-hover';

/** A disclosure in the browser's own popover: it closes on Escape, on a click beside it, and when the page changes. */
export function PersonMenu() {
  const me = useMe();
  const id = useId();
  const panel = useRef<HTMLDivElement>(null);
  const pathname = usePathname();
  const [theme, setCurrent] = useState<Theme>('system');
  // biome-ignore lint/correctness/useExhaustiveDependencies: it closes whenever the page changes
  useEffect(() => panel.current?.hidePopover(), [pathname]);
  useEffect(() => setCurrent(readTheme(document.documentElement.dataset.theme)), []);
  return (
    <>
      <button
        type="button"
        popoverTarget={id}
        className="inline-flex min-h-8 items-center gap-2 rounded-md px-2 hover:bg-hover"
      >
        <CircleUser aria-hidden="true" className="size-5 text-muted" />
        <span className="max-w-40 truncate max-sm:sr-only">{me.name}</span>
        <span className="sr-only">: account</span>
      </button>
      <div
        ref={panel}
        id={id}
        popover="auto"
        onToggle={() => setCurrent(readTheme(document.documentElement.dataset.theme))}
        className="fixed inset-auto top-12 right-3 m-0 w-60 rounded-lg border border-line bg-raised p-1 text-ink shadow-pop"
      >
        <p className="px-2 py-1.5">
          <span className="block truncate font-medium">{me.email}</span>
          <span className="block text-muted text-xs">{me.roles.join(', ') || 'no role'}</span>
        </p>
        <fieldset className="border-line border-y px-2 py-1.5">
          <legend className="sr-only">Appearance</legend>
          <div className="grid grid-cols-3 gap-1">
            {THEMES.map((item) => (
              <label
                key={item}
                className="relative flex min-h-7 cursor-pointer items-center justify-center rounded-sm text-sm capitalize hover:bg-hover has-checked:bg-selected has-checked:font-medium has-focus-visible:outline-2 has-focus-visible:outline-focus"
              >
                <input
                  type="radio"
                  name="theme"
                  value={item}
                  checked={theme === item}
                  onChange={() => {
                    setTheme(item);
                    setCurrent(item);
                  }}
                  className="absolute inset-0 cursor-pointer opacity-0"
                />
                {item}
              </label>
            ))}
          </div>
        </fieldset>
        <Link href="/settings" className={`${ITEM} mt-1`}>
          <Settings aria-hidden="true" className="size-4" />
          Settings
        </Link>
        <button type="button" className={ITEM} onClick={() => void signOut()}>
          <LogOut aria-hidden="true" className="size-4" />
          Sign out
        </button>
      </div>
    </>
  );
}
