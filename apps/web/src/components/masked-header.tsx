import type { MaskName } from '@taskgate/core';
import { EyeOff } from 'lucide-react';

/** The name of a result's column, with the mask that its values went through. */
export function MaskedHeader({ name, mask }: { name: string; mask: MaskName | null }) {
  if (mask === null) return <>{name}</>;
  return (
    <span className="inline-flex items-center gap-1 text-mask">
      <EyeOff aria-hidden="true" className="size-3 shrink-0" />
      {name}
      <span className="rounded-sm border border-mask/40 bg-mask-soft px-1 font-normal font-sans text-xs leading-4">
        <span className="sr-only">, masked: </span>
        {mask}
      </span>
    </span>
  );
}
