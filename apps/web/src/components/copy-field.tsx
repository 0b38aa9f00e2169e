'use client';
import { Check, Copy, Eye, EyeOff } from 'lucide-react';
import { useState } from 'react';
import { Button } from './button.tsx';
import { ScrollText } from './scroll-text.tsx';

/**
 * Text to take away. With `secret` it is masked until asked for; what is copied is the whole of it either way. Keep it
 * in component state only: never in a URL or in storage.
 */
export function CopyField({
  label,
  value,
  secret = false,
  masked,
}: {
  label: string;
  value: string;
  secret?: boolean;
  /** What is shown in place of a secret value, when only a part of it is secret. */
  masked?: string;
}) {
  const [shown, setShown] = useState(!secret);
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(value);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <span className="font-medium text-sm">{label}</span>
      <div className="flex min-w-0 items-stretch rounded-md border border-line bg-sunken">
        <ScrollText label={label} className="min-w-0 flex-1 overflow-x-auto px-2 py-1.5">
          {shown ? value : <Covered text={masked ?? '•'.repeat(Math.min(32, value.length))} />}
        </ScrollText>
        {secret && (
          <Button
            variant="ghost"
            size="sm"
            className="min-h-8 self-start"
            aria-pressed={shown}
            aria-label={shown ? `Hide ${label}` : `Show ${label}`}
            onClick={() => setShown(!shown)}
          >
            {shown ? <EyeOff aria-hidden="true" className="size-4" /> : <Eye aria-hidden="true" className="size-4" />}
            {shown ? 'Hide' : 'Show'}
          </Button>
        )}
        <Button variant="ghost" size="sm" className="min-h-8 self-start" aria-label={`Copy ${label}`} onClick={copy}>
          {copied ? (
            <Check aria-hidden="true" className="size-4 text-allow" />
          ) : (
            <Copy aria-hidden="true" className="size-4" />
          )}
          Copy
        </Button>
      </div>
      <span role="status" className="sr-only">
        {copied ? `${label} copied` : ''}
      </span>
    </div>
  );
}

/** Dots taken along by a selection would be pasted as the secret. */
function Covered({ text }: { text: string }) {
  const [before, dots = '', after = ''] = text.split(/(•+)/);
  return (
    <>
      {before}
      <span className="select-none">{dots}</span>
      {after}
    </>
  );
}
