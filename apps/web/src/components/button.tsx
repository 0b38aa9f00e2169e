'use client';
import clsx from 'clsx';
import Link from 'next/link';
import type { ButtonHTMLAttributes, ComponentProps, ReactNode } from 'react';
import { Ticked } from './ticked.tsx';
import { Tooltip } from './tooltip.tsx';

export type ButtonVariant = 'primary' | 'secondary' | 'ghost' | 'danger';
export type ButtonSize = 'sm' | 'md';

const VARIANTS: Record<ButtonVariant, string> = {
  primary: 'bg-accent text-on-accent border-transparent hover:bg-accent-strong',
  secondary: 'bg-surface text-ink border-line-strong hover:bg-hover',
  ghost: 'bg-transparent text-ink border-transparent hover:bg-hover',
  danger: 'bg-deny-solid text-on-deny border-transparent hover:opacity-90',
};
const SIZES: Record<ButtonSize, string> = { sm: 'min-h-7 px-2 text-sm', md: 'min-h-8 px-3 text-base' };

function buttonClass(variant: ButtonVariant, size: ButtonSize, className?: string): string {
  return clsx(
    'inline-flex items-center justify-center gap-1.5 rounded-md border font-medium whitespace-nowrap select-none',
    VARIANTS[variant],
    SIZES[size],
    className,
  );
}

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  variant?: ButtonVariant;
  size?: ButtonSize;
  /** Why it cannot be pressed now. The button stays focusable, so that the reason can be read. */
  disabledReason?: string | null | undefined;
  loading?: boolean;
}

export function Button({
  variant = 'secondary',
  size = 'md',
  disabledReason,
  loading = false,
  className,
  onClick,
  type = 'button',
  children,
  ...rest
}: ButtonProps) {
  const off = Boolean(disabledReason) || loading;
  const button = (
    <button
      {...rest}
      type={type}
      aria-disabled={off || undefined}
      aria-busy={loading || undefined}
      onClick={off ? (event) => event.preventDefault() : onClick}
      className={clsx(
        buttonClass(variant, size, className),
        off && 'cursor-not-allowed saturate-50',
        disabledReason && 'border-line! bg-sunken! text-muted!',
      )}
    >
      {children}
      {loading && (
        <span
          aria-hidden="true"
          className="size-3 animate-spin rounded-full border-2 border-current border-r-transparent"
        />
      )}
    </button>
  );
  return disabledReason ? <Tooltip text={<Ticked text={disabledReason} />}>{button}</Tooltip> : button;
}

export function LinkButton({
  variant = 'secondary',
  size = 'md',
  className,
  ...rest
}: ComponentProps<typeof Link> & { variant?: ButtonVariant; size?: ButtonSize; children: ReactNode }) {
  return <Link {...rest} className={buttonClass(variant, size, className)} />;
}
