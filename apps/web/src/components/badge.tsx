import type { GrantState } from '@taskgate/core';
import clsx from 'clsx';
import { Ban, Check, EyeOff, Hourglass } from 'lucide-react';
import type { ReactNode } from 'react';

export type Tone = 'plain' | 'allow' | 'deny' | 'hold' | 'mask' | 'info';

const TONES: Record<Tone, string> = {
  plain: 'border-line bg-sunken text-muted',
  allow: 'border-allow/30 bg-allow-soft text-allow',
  deny: 'border-deny/30 bg-deny-soft text-deny',
  hold: 'border-hold/30 bg-hold-soft text-hold',
  mask: 'border-mask/30 bg-mask-soft text-mask',
  info: 'border-info/30 bg-info-soft text-info',
};

export function Badge({
  tone = 'plain',
  children,
  className,
}: {
  tone?: Tone;
  children: ReactNode;
  className?: string;
}) {
  return (
    <span
      className={clsx(
        'inline-flex items-center gap-1 whitespace-nowrap rounded-sm border px-1.5 font-medium text-xs leading-5',
        TONES[tone],
        className,
      )}
    >
      {children}
    </span>
  );
}

const OUTCOMES = {
  allow: { tone: 'allow', label: 'allowed', icon: Check },
  deny: { tone: 'deny', label: 'denied', icon: Ban },
  hold: { tone: 'hold', label: 'held', icon: Hourglass },
  mask: { tone: 'mask', label: 'masked', icon: EyeOff },
} as const;

/** What the gate decided. Never by colour alone: each has its own sign and word. */
export function OutcomeBadge({ outcome, label }: { outcome: keyof typeof OUTCOMES; label?: string }) {
  const { tone, label: word, icon: Icon } = OUTCOMES[outcome];
  return (
    <Badge tone={tone}>
      <Icon aria-hidden="true" className="size-3" />
      {label ?? word}
    </Badge>
  );
}

const STATES: Record<string, { tone: Tone; label: string }> = {
  requested: { tone: 'hold', label: 'waiting for approval' },
  approved: { tone: 'info', label: 'approved' },
  active: { tone: 'allow', label: 'active' },
  ended: { tone: 'plain', label: 'ended' },
  expired: { tone: 'plain', label: 'expired' },
  completed: { tone: 'plain', label: 'completed' },
  failed: { tone: 'deny', label: 'failed' },
  'parent-ended': { tone: 'plain', label: 'ended from above' },
  blocked: { tone: 'plain', label: 'not yet' },
  ready: { tone: 'info', label: 'can start' },
  revoked: { tone: 'deny', label: 'revoked' },
  refused: { tone: 'deny', label: 'refused' },
  waiting: { tone: 'hold', label: 'waiting' },
  'timed-out': { tone: 'plain', label: 'timed out' },
  cancelled: { tone: 'plain', label: 'cancelled' },
  live: { tone: 'allow', label: 'live' },
  complete: { tone: 'plain', label: 'complete' },
  interrupted: { tone: 'hold', label: 'interrupted' },
  erased: { tone: 'plain', label: 'deleted' },
  missing: { tone: 'deny', label: 'missing' },
  draft: { tone: 'hold', label: 'draft' },
  published: { tone: 'allow', label: 'published' },
  disabled: { tone: 'deny', label: 'disabled' },
};

/** The state of a grant, a hold, a session's recording, a revision or a person. */
export function StateBadge({ state }: { state: GrantState | (string & {}) }) {
  const known = STATES[state];
  return <Badge tone={known?.tone ?? 'plain'}>{known?.label ?? state}</Badge>;
}
