'use client';
import { useEffect, useRef } from 'react';
import { localPath } from '@/lib/local-path.ts';
import { redeemCode } from '@/lib/sign-in.ts';

/** Redeems the code behind the `#` of the address, which no server and no history keeps, and goes on. */
export function FinishSignIn() {
  const started = useRef(false);
  useEffect(() => {
    // React runs effects twice in development; the code is good for once.
    if (started.current) return;
    started.current = true;
    const given = new URLSearchParams(window.location.hash.slice(1));
    window.history.replaceState(null, '', window.location.pathname);
    void redeemCode(given.get('code') ?? '').then((error) => {
      if (error === null) return window.location.replace(localPath(given.get('next')));
      const [refused = 'internal', reference] = error.split(' ');
      const query = new URLSearchParams({ refused, ...(reference ? { reference } : {}) });
      window.location.replace(`/login?${query}`);
    });
  }, []);
  return (
    <div role="status" className="text-center">
      <h1 className="font-semibold text-xl tracking-tight">Signing in</h1>
      <p className="mt-1 text-muted">This takes a moment.</p>
    </div>
  );
}
