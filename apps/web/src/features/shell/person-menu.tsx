'use client';
import clsx from 'clsx';
import { Check, CircleUser, LogOut, Settings } from 'lucide-react';
import Link from 'next/link';
import { DropdownMenu } from 'radix-ui';
import { useState } from 'react';
import { useMe } from '@/lib/me.tsx';
import { signOut } from '@/lib/sign-in.ts';
import { setTheme, THEMES, type Theme } from '@/lib/theme.ts';

const ITEM =
  'flex min-h-8 cursor-pointer items-center gap-2 rounded-sm px-2 outline-none data-[highlighted]:bg-hover data-[highlighted]:outline-2 data-[highlighted]:outline-focus';

export function PersonMenu() {
  const me = useMe();
  const [theme, setCurrent] = useState<Theme>('system');
  return (
    <DropdownMenu.Root
      onOpenChange={() => setCurrent((document.documentElement.dataset.theme as Theme | undefined) ?? 'system')}
      modal={false}
    >
      <DropdownMenu.Trigger
        aria-label={`Signed in as ${me.email}`}
        className="inline-flex min-h-8 items-center gap-2 rounded-md px-2 hover:bg-hover"
      >
        <CircleUser aria-hidden="true" className="size-5 text-muted" />
        <span className="max-w-40 truncate max-sm:hidden">{me.name}</span>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={6}
          className="z-40 w-60 rounded-lg border border-line bg-raised p-1 shadow-pop"
        >
          <DropdownMenu.Label className="px-2 py-1.5">
            <span className="block truncate font-medium">{me.email}</span>
            <span className="block text-muted text-xs">{me.roles.join(', ') || 'no role'}</span>
          </DropdownMenu.Label>
          <DropdownMenu.Separator className="my-1 h-px bg-line" />
          <DropdownMenu.Label className="px-2 py-1 text-muted text-xs">Appearance</DropdownMenu.Label>
          <DropdownMenu.RadioGroup
            value={theme}
            onValueChange={(value) => {
              setTheme(value as Theme);
              setCurrent(value as Theme);
            }}
          >
            {THEMES.map((item) => (
              <DropdownMenu.RadioItem key={item} value={item} className={clsx(ITEM, 'capitalize')}>
                <span className="grid size-4 place-items-center">
                  <DropdownMenu.ItemIndicator>
                    <Check aria-hidden="true" className="size-4" />
                  </DropdownMenu.ItemIndicator>
                </span>
                {item}
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
          <DropdownMenu.Separator className="my-1 h-px bg-line" />
          <DropdownMenu.Item asChild>
            <Link href="/settings" className={ITEM}>
              <Settings aria-hidden="true" className="size-4" />
              Settings
            </Link>
          </DropdownMenu.Item>
          <DropdownMenu.Item className={ITEM} onSelect={() => void signOut()}>
            <LogOut aria-hidden="true" className="size-4" />
            Sign out
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
