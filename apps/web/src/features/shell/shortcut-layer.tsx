'use client';
import dynamic from 'next/dynamic';
import { useRouter } from 'next/navigation';
import { useEffect, useRef, useState } from 'react';
import { Dialog } from '@/components/dialog.tsx';
import { Kbd } from '@/components/kbd.tsx';
import { useMe } from '@/lib/me.tsx';
import { DESTINATIONS, mayOpen } from '@/lib/navigation.ts';
import { usePreferences } from '@/lib/preferences.ts';

const Palette = dynamic(() => import('./palette.tsx').then((module) => module.Palette), { ssr: false });

/** How long after `g` the second key still counts, in milliseconds. */
const CHORD_MS = 1500;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable="true"], dialog') !== null;

/** Character keys (WCAG 2.1.4: off switch in the settings), the sheet that lists them, and the palette. */
export function ShortcutLayer({
  paletteOpen,
  setPaletteOpen,
}: {
  paletteOpen: boolean;
  setPaletteOpen: (open: boolean) => void;
}) {
  const router = useRouter();
  const me = useMe();
  const { shortcuts } = usePreferences();
  const [sheetOpen, setSheetOpen] = useState(false);
  const chordAt = useRef(0);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setPaletteOpen(true);
        return;
      }
      if (!shortcuts || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === '?') {
        event.preventDefault();
        setSheetOpen(true);
      } else if (event.key === 'g') {
        chordAt.current = event.timeStamp;
      } else if (chordAt.current > 0 && event.timeStamp - chordAt.current < CHORD_MS) {
        chordAt.current = 0;
        const target = DESTINATIONS.find((item) => item.key === event.key.toLowerCase());
        if (target && mayOpen(target, me.scopes)) {
          event.preventDefault();
          router.push(target.href);
        }
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [router, shortcuts, setPaletteOpen, me.scopes]);

  return (
    <>
      {paletteOpen && <Palette onClose={() => setPaletteOpen(false)} />}
      <Dialog open={sheetOpen} onClose={() => setSheetOpen(false)} title="Keyboard">
        <dl className="grid grid-cols-[8rem_1fr] gap-x-4 gap-y-2">
          <dt>
            <Kbd keys="Ctrl K" />
          </dt>
          <dd>Go to a page or a task</dd>
          {DESTINATIONS.filter((item) => item.key && mayOpen(item, me.scopes)).map((item) => (
            <div key={item.href} className="contents">
              <dt>
                <Kbd keys={`g ${item.key}`} />
              </dt>
              <dd>{item.label}</dd>
            </div>
          ))}
          <dt>
            <Kbd keys="Ctrl Enter" />
          </dt>
          <dd>Do what the screen is for: publish, confirm, run</dd>
          <dt>
            <Kbd keys="?" />
          </dt>
          <dd>This list</dd>
        </dl>
        <p className="mt-4 text-muted text-sm">Single keys can be switched off in the settings.</p>
      </Dialog>
    </>
  );
}
