'use client';
import { useEffect, useRef, useState } from 'react';

/** A screen reader hears of new rows at most this often, in milliseconds. */
const QUIET_MS = 5000;

/** What to say politely when rows have come in; `scope` starts anew, as another view does. */
export function useAnnouncement(scope: string, ids: readonly string[]): string {
  const known = useRef<{ scope: string; ids: Set<string> } | null>(null);
  const waiting = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [text, setText] = useState('');
  useEffect(() => {
    if (known.current?.scope !== scope) {
      known.current = ids.length > 0 ? { scope, ids: new Set(ids) } : null;
      return;
    }
    const fresh = ids.filter((id) => !known.current?.ids.has(id)).length;
    if (fresh === 0) return;
    known.current = { scope, ids: new Set(ids) };
    waiting.current += fresh;
    timer.current ??= setTimeout(() => {
      setText(waiting.current === 1 ? 'One new request' : `${waiting.current} new requests`);
      waiting.current = 0;
      timer.current = undefined;
    }, QUIET_MS);
  }, [scope, ids]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return text;
}
