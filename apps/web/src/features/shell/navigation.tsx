'use client';
import { useQuery } from '@tanstack/react-query';
import clsx from 'clsx';
import {
  Activity,
  Bot,
  Database,
  House,
  Inbox,
  ListChecks,
  ListTree,
  ScanSearch,
  ScrollText,
  Settings,
  ShieldMinus,
  SquareTerminal,
  Users,
  Workflow,
} from 'lucide-react';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { query } from '@/lib/api.ts';
import { useCan, useMe } from '@/lib/me.tsx';
import { DESTINATIONS, mayOpen } from '@/lib/navigation.ts';

const ICONS: Record<string, typeof House> = {
  '/': House,
  '/tasks': ListChecks,
  '/inbox': Inbox,
  '/console': SquareTerminal,
  '/sessions': Activity,
  '/runs': ListTree,
  '/operations': ScanSearch,
  '/workflows': Workflow,
  '/policies': ShieldMinus,
  '/resources': Database,
  '/audit': ScrollText,
  '/people': Users,
  '/machines': Bot,
  '/settings': Settings,
};

export function Navigation() {
  const pathname = usePathname();
  const me = useMe();
  const can = useCan();
  const inbox = useQuery({
    ...query.inbox.list.queryOptions({ input: { view: 'mine', limit: 1 } }),
    enabled: can('grant:review'),
  });
  const waiting = inbox.data?.counts.mine ?? 0;
  return (
    <nav aria-label="Main" className="flex flex-col gap-0.5 p-2">
      {DESTINATIONS.filter((destination) => mayOpen(destination, me.scopes)).map(({ href, label }) => {
        const here = href === '/' ? pathname === '/' : pathname === href || pathname.startsWith(`${href}/`);
        const Icon = ICONS[href] ?? House;
        return (
          <Link
            key={href}
            href={href}
            aria-current={here ? 'page' : undefined}
            className={clsx(
              'flex min-h-8 items-center gap-2.5 rounded-md px-2.5 font-medium',
              here ? 'bg-selected text-ink' : 'text-muted hover:bg-hover hover:text-ink',
            )}
          >
            <Icon aria-hidden="true" className={clsx('size-4', here && 'text-accent')} />
            <span className="flex-1">{label}</span>
            {href === '/inbox' && waiting > 0 && (
              <span className="rounded-full bg-accent px-1.5 font-semibold text-on-accent text-xs leading-5 tabular-nums">
                {waiting}
                <span className="sr-only"> waiting on you</span>
              </span>
            )}
          </Link>
        );
      })}
    </nav>
  );
}
