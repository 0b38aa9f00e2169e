'use client';
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';

const SHOW_AFTER_MS = 250;
/** Long enough for the pointer to cross the gap to the tip (WCAG 1.4.13: it can be hovered). */
const HIDE_AFTER_MS = 120;
const GAP = 6;

/**
 * Says more about its child on hover and on focus; Escape hides it. The child is one element that can take focus. The
 * tip is in the browser's top layer, so nothing clips it, and is placed through the CSSOM, which the CSP lets through.
 */
export function Tooltip({ text, children }: { text: ReactNode; children: ReactNode }) {
  const id = useId();
  const wrapper = useRef<HTMLSpanElement>(null);
  const tip = useRef<HTMLSpanElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [open, setOpen] = useState(false);

  const later = (next: boolean, afterMs: number) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setOpen(next), afterMs);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    const anchor = wrapper.current?.firstElementChild;
    const element = tip.current;
    if (!open || !anchor || !element) return;
    element.showPopover();
    const at = anchor.getBoundingClientRect();
    const own = element.getBoundingClientRect();
    const above = at.top - own.height - GAP;
    const left = Math.min(Math.max(8, at.left + at.width / 2 - own.width / 2), window.innerWidth - own.width - 8);
    element.style.top = `${above >= 8 ? above : at.bottom + GAP}px`;
    element.style.left = `${left}px`;
    anchor.setAttribute('aria-describedby', id);
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') setOpen(false);
    };
    const hide = () => setOpen(false);
    document.addEventListener('keydown', onKey);
    window.addEventListener('scroll', hide, { capture: true, passive: true });
    return () => {
      document.removeEventListener('keydown', onKey);
      window.removeEventListener('scroll', hide, { capture: true });
      anchor.removeAttribute('aria-describedby');
    };
  }, [open, id]);

  return (
    <>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it only listens to what happens on its child */}
      <span
        ref={wrapper}
        className="contents"
        onPointerEnter={() => later(true, SHOW_AFTER_MS)}
        onPointerLeave={() => later(false, HIDE_AFTER_MS)}
        onFocus={(event) => {
          if (event.target.matches(':focus-visible')) later(true, 0);
        }}
        onBlur={() => later(false, 0)}
      >
        {children}
      </span>
      {open && (
        <span
          ref={tip}
          id={id}
          role="tooltip"
          popover="manual"
          onPointerEnter={() => later(true, 0)}
          onPointerLeave={() => later(false, HIDE_AFTER_MS)}
          className="fixed inset-auto m-0 w-max max-w-xs whitespace-normal rounded-md text-left border border-line bg-raised px-2 py-1 font-normal text-ink text-xs shadow-pop"
        >
          {text}
        </span>
      )}
    </>
  );
}
