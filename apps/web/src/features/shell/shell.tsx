'use client';
import { Menu, Search } from 'lucide-react';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { type ReactNode, useEffect, useState } from 'react';
import { useLive } from '@/lib/live.tsx';
import { Navigation } from './navigation.tsx';
import { PersonMenu } from './person-menu.tsx';
import { ShortcutLayer } from './shortcut-layer.tsx';

function StaleBanner() {
  const { stale } = useLive();
  return (
    <div role="status">
      {stale && (
        <p className="border-hold/40 border-b bg-hold-soft px-4 py-1 text-hold text-sm">
          The live connection is down, so this may be out of date. Trying again.
        </p>
      )}
    </div>
  );
}

export function Shell({ children }: { children: ReactNode }) {
  const [menuOpen, setMenuOpen] = useState(false);
  const [paletteOpen, setPaletteOpen] = useState(false);
  const pathname = usePathname();
  // biome-ignore lint/correctness/useExhaustiveDependencies: it closes whenever the page changes
  useEffect(() => setMenuOpen(false), [pathname]);
  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#main"
        className="sr-only z-50 rounded-md bg-accent px-3 py-1.5 text-on-accent focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to content
      </a>
      <header className="sticky top-0 z-30 flex h-12 items-center gap-2 border-line border-b bg-surface px-3 sm:px-4">
        <button
          type="button"
          aria-label="Menu"
          aria-expanded={menuOpen}
          aria-controls="navigation"
          onClick={() => setMenuOpen(!menuOpen)}
          className="grid size-8 place-items-center rounded-md hover:bg-hover lg:hidden"
        >
          <Menu aria-hidden="true" className="size-5" />
        </button>
        <Link href="/" className="inline-flex min-h-8 items-center gap-2 rounded-md px-1 font-semibold tracking-tight">
          <svg viewBox="0 0 32 32" aria-hidden="true" className="size-5 text-accent">
            <path
              d="M6 8h20M6 24h20M11 8v6M11 18v6M21 8v6M21 18v6"
              stroke="currentColor"
              strokeWidth="3"
              strokeLinecap="round"
              fill="none"
            />
          </svg>
          Taskgate
        </Link>
        <div className="flex-1" />
        <button
          type="button"
          onClick={() => setPaletteOpen(true)}
          className="inline-flex min-h-8 items-center gap-2 rounded-md border border-line px-2 text-muted hover:bg-hover hover:text-ink"
        >
          <Search aria-hidden="true" className="size-4" />
          <span className="max-sm:sr-only">Go to</span>
          <kbd className="rounded-sm border border-line bg-sunken px-1 font-mono text-xs max-sm:hidden">Ctrl K</kbd>
        </button>
        <PersonMenu />
      </header>
      <StaleBanner />
      <div className="flex flex-1 max-lg:flex-col">
        <div
          id="navigation"
          className={`shrink-0 border-line bg-surface max-lg:border-b lg:sticky lg:top-12 lg:block lg:h-[calc(100dvh-3rem)] lg:w-52 lg:overflow-y-auto lg:border-r ${menuOpen ? '' : 'max-lg:hidden'}`}
        >
          <Navigation />
        </div>
        <main id="main" tabIndex={-1} className="min-w-0 flex-1 focus:outline-none">
          {children}
        </main>
      </div>
      <ShortcutLayer paletteOpen={paletteOpen} setPaletteOpen={setPaletteOpen} />
    </div>
  );
}
