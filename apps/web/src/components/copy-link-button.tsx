'use client';
import { Link2 } from 'lucide-react';
import { Button } from './button.tsx';
import { toast } from './toast.tsx';

/** Copies the address of this page: what is filtered, chosen or shown is in it. */
export function CopyLinkButton() {
  return (
    <Button
      onClick={async () => {
        await navigator.clipboard.writeText(window.location.href);
        toast('Link copied');
      }}
    >
      <Link2 aria-hidden="true" className="size-4" />
      Copy link
    </Button>
  );
}
