'use client';
import { useQuery } from '@tanstack/react-query';
import clsx from 'clsx';
import { useRouter } from 'next/navigation';
import { useMemo, useState } from 'react';
import { Dialog } from '@/components/dialog.tsx';
import { query } from '@/lib/api.ts';
import { useCan, useMe } from '@/lib/me.tsx';
import { DESTINATIONS, mayOpen } from '@/lib/navigation.ts';

interface Entry {
  id: string;
  label: string;
  detail: string;
  href: string;
}

const MAX_SHOWN = 12;

export function Palette({ onClose }: { onClose: () => void }) {
  const router = useRouter();
  const me = useMe();
  const can = useCan();
  const [text, setText] = useState('');
  const [selected, setSelected] = useState(0);
  const tasks = useQuery({ ...query.tasks.list.queryOptions(), enabled: can('task:read') });

  const entries = useMemo(() => {
    const pages: Entry[] = DESTINATIONS.filter((item) => mayOpen(item, me.scopes)).map((item) => ({
      id: `page-${item.href}`,
      label: item.label,
      detail: 'page',
      href: item.href,
    }));
    const found: Entry[] = (tasks.data ?? []).map((task) => ({
      id: `task-${task.name}`,
      label: task.name,
      detail: `task on ${task.resource}`,
      href: `/tasks/${task.name}`,
    }));
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return [...pages, ...found]
      .filter((entry) => words.every((word) => `${entry.label} ${entry.detail}`.toLowerCase().includes(word)))
      .slice(0, MAX_SHOWN);
  }, [me.scopes, tasks.data, text]);

  const index = Math.min(selected, entries.length - 1);
  const open = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    router.push(entry.href);
  };
  return (
    <Dialog open onClose={onClose} title="Go to">
      <input
        autoFocus
        role="combobox"
        aria-label="Page or task"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={entries[index] ? `palette-${entries[index].id}` : undefined}
        className="control"
        placeholder="Page or task"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setSelected(0);
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setSelected(Math.min(index + 1, entries.length - 1));
          else if (event.key === 'ArrowUp') setSelected(Math.max(index - 1, 0));
          else if (event.key === 'Enter') open(entries[index]);
          else return;
          event.preventDefault();
        }}
      />
      <div id="palette-list" role="listbox" aria-label="Results" className="mt-2 flex flex-col">
        {entries.map((entry, position) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are handled by the combobox
          <div
            key={entry.id}
            id={`palette-${entry.id}`}
            role="option"
            tabIndex={-1}
            aria-selected={position === index}
            onClick={() => open(entry)}
            onPointerMove={() => setSelected(position)}
            className={clsx(
              'flex min-h-8 cursor-pointer items-center justify-between gap-4 rounded-md px-2',
              position === index && 'bg-selected',
            )}
          >
            <span className="truncate font-medium">{entry.label}</span>
            <span className="shrink-0 text-muted text-sm">{entry.detail}</span>
          </div>
        ))}
      </div>
      {entries.length === 0 && <p className="px-2 py-3 text-muted">Nothing is called that.</p>}
    </Dialog>
  );
}
