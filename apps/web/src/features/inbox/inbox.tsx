'use client';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import clsx from 'clsx';
import { parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Button } from '@/components/button.tsx';
import { EmptyState } from '@/components/empty-state.tsx';
import { ErrorState } from '@/components/error-state.tsx';
import { Kbd } from '@/components/kbd.tsx';
import { TableSkeleton } from '@/components/skeleton.tsx';
import { query } from '@/lib/api.ts';
import { useCan } from '@/lib/me.tsx';
import { usePreferences } from '@/lib/preferences.ts';
import type { InboxItemView } from '@/lib/views.ts';
import { arrangeRows } from './arrange-rows.ts';
import { DecideBar, type DecideHandle } from './decide-bar.tsx';
import { GrantCard } from './grant-card.tsx';
import { HoldCard } from './hold-card.tsx';
import { InboxRow } from './inbox-row.tsx';
import { useAnnouncement } from './use-announcement.ts';

const VIEWS = ['mine', 'waiting', 'done'] as const;
type View = (typeof VIEWS)[number];
const LABELS: Record<View, string> = { mine: 'Needs me', waiting: 'Waiting on others', done: 'Done' };

export function Inbox() {
  const can = useCan();
  const { shortcuts } = usePreferences();
  const [{ view, sel }, setParams] = useQueryStates({
    view: parseAsStringLiteral(VIEWS).withDefault(can('grant:review') ? 'mine' : 'waiting'),
    sel: parseAsString,
  });
  const list = useInfiniteQuery(
    query.inbox.list.infiniteOptions({
      input: (cursor: string | undefined) => ({ view, limit: 50, ...(cursor === undefined ? {} : { cursor }) }),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (page) => page.nextCursor ?? undefined,
      placeholderData: keepPreviousData,
      // The live connection says what changed; this is for when it is down, and for what lapses by the clock.
      refetchInterval: 20_000,
    }),
  );
  const read = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const { rows, forget } = useRows(view, list.isPlaceholderData ? null : read);
  const counts = list.data?.pages[0]?.counts;
  const announcement = useAnnouncement(
    view,
    rows.map(({ item }) => item.id),
  );

  const selected = rows.find(({ item }) => item.id === sel) ?? null;
  const current = selected ?? (sel === null ? (rows[0] ?? null) : null);
  const listRef = useRef<HTMLUListElement>(null);
  const decide = useRef<DecideHandle>(null);

  const open = useCallback(
    (id: string, history: 'push' | 'replace') => void setParams({ sel: id }, { history }),
    [setParams],
  );
  const move = useCallback(
    (step: 1 | -1) => {
      if (rows.length === 0) return;
      const at = rows.findIndex(({ item }) => item.id === current?.item.id);
      const next = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
      if (!next) return;
      open(next.item.id, 'replace');
      listRef.current?.querySelector<HTMLElement>(`[data-id="${next.item.id}"]`)?.focus();
    },
    [rows, current, open],
  );

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!shortcuts || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target;
      if (target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable="true"], dialog'))
        return;
      const key = event.key.toLowerCase();
      if (key === 'j') move(1);
      else if (key === 'k') move(-1);
      else if (key === 'a') decide.current?.start('approve');
      else if (key === 'd') decide.current?.start('refuse');
      else return;
      event.preventDefault();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [shortcuts, move]);

  const decided = (id: string) => {
    const at = rows.findIndex(({ item }) => item.id === id);
    const next = rows[at + 1] ?? rows[at - 1] ?? null;
    forget(id);
    void setParams({ sel: next?.item.id ?? null }, { history: 'replace' });
    if (next) setTimeout(() => listRef.current?.querySelector<HTMLElement>(`[data-id="${next.item.id}"]`)?.focus());
    else listRef.current?.closest('section')?.querySelector('h1')?.focus();
  };

  return (
    <div className="flex min-h-[calc(100dvh-3rem)] max-lg:flex-col lg:h-[calc(100dvh-3rem)]">
      <section
        aria-label="List"
        className={clsx(
          'flex shrink-0 flex-col border-line lg:w-80 lg:border-r xl:w-96',
          sel !== null && 'max-lg:hidden',
        )}
      >
        <div className="border-line border-b px-4 pt-4">
          <h1 tabIndex={-1} className="font-semibold text-xl tracking-tight focus:outline-none">
            Inbox
          </h1>
          <nav aria-label="Views" className="mt-2 flex flex-wrap gap-1">
            {VIEWS.map((name) => (
              <a
                key={name}
                href={`/inbox?view=${name}`}
                aria-current={view === name ? 'page' : undefined}
                onClick={(event) => {
                  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                  event.preventDefault();
                  void setParams({ view: name, sel: null }, { history: 'push' });
                }}
                className={clsx(
                  '-mb-px inline-flex min-h-8 items-center gap-1.5 border-b-2 px-1.5 font-medium text-sm',
                  view === name ? 'border-accent text-ink' : 'border-transparent text-muted hover:text-ink',
                )}
              >
                {LABELS[name]}
                {counts && name !== 'done' && counts[name] > 0 && (
                  <span className="text-muted text-xs tabular-nums">{counts[name]}</span>
                )}
              </a>
            ))}
          </nav>
        </div>
        <p role="status" className="sr-only">
          {announcement}
        </p>
        <div className="min-h-0 flex-1 overflow-y-auto bg-surface">
          {list.isPending && <TableSkeleton />}
          {list.error && rows.length === 0 && (
            <ErrorState error={list.error} retry={() => void list.refetch()} what="your inbox" />
          )}
          {list.data && rows.length === 0 && !list.isPlaceholderData && <NothingHere view={view} />}
          <ul ref={listRef}>
            {rows.map(({ item, gone }) => (
              <InboxRow
                key={item.id}
                item={item}
                gone={gone && view !== 'done'}
                selected={current?.item.id === item.id}
                href={`/inbox?view=${view}&sel=${item.id}`}
                onOpen={() => open(item.id, 'push')}
              />
            ))}
          </ul>
          {list.hasNextPage && (
            <div className="p-3 text-center">
              <Button size="sm" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                Show older ones
              </Button>
            </div>
          )}
        </div>
        {shortcuts && (
          <p className="border-line border-t px-4 py-1.5 text-muted text-xs max-lg:hidden">
            <Kbd keys="J K" /> move · <Kbd keys="A" /> approve · <Kbd keys="D" /> refuse
          </p>
        )}
      </section>
      <section aria-label="Detail" className={clsx('flex min-w-0 flex-1 flex-col', sel === null && 'max-lg:hidden')}>
        <div className="px-4 pt-3 lg:hidden">
          <Button size="sm" onClick={() => void setParams({ sel: null })}>
            Back to the list
          </Button>
        </div>
        {current ? (
          <Detail item={current.item} gone={current.gone} decideRef={decide} onDecided={decided} />
        ) : sel !== null ? (
          <DetailById id={sel} decideRef={decide} onDecided={decided} />
        ) : (
          !list.isPending && <EmptyState title="Nothing is selected" />
        )}
      </section>
    </div>
  );
}

/** The rows on the screen, which outlive a re-read; `null` while another view's data is still shown. */
function useRows(view: View, read: readonly InboxItemView[] | null) {
  const [state, setState] = useState<{ view: View; from: unknown; rows: { item: InboxItemView; gone: boolean }[] }>({
    view,
    from: null,
    rows: [],
  });
  let { rows } = state;
  if (read !== null && (state.from !== read || state.view !== view)) {
    rows =
      view === 'done'
        ? read.map((item) => ({ item, gone: false }))
        : arrangeRows(state.view === view ? rows : [], read);
    setState({ view, from: read, rows });
  } else if (state.view !== view) rows = [];
  const forget = (id: string) =>
    setState((before) => ({ ...before, rows: before.rows.filter(({ item }) => item.id !== id) }));
  return { rows, forget };
}

function Detail({
  item,
  gone = false,
  decideRef,
  onDecided,
}: {
  item: InboxItemView;
  gone?: boolean;
  decideRef: React.Ref<DecideHandle>;
  onDecided: (id: string) => void;
}) {
  // What has left the list was decided or has lapsed: how it ended is asked for by itself.
  const fresh = useItem(item.id, gone);
  const shown = fresh.data ?? item;
  const open = shown.kind === 'grant' ? shown.grant.state === 'requested' : shown.hold.state === 'waiting';
  return (
    <>
      <div className="min-h-0 flex-1 overflow-y-auto px-4 py-3 sm:px-5" key={item.id}>
        {shown.kind === 'grant' ? <GrantCard grant={shown.grant} /> : <HoldCard hold={shown.hold} />}
      </div>
      {open && (
        <div className="sticky bottom-0 border-line border-t bg-surface px-4 py-2.5 sm:px-5">
          <DecideBar key={item.id} ref={decideRef} item={shown} onDecided={() => onDecided(item.id)} />
        </div>
      )}
    </>
  );
}

function DetailById({
  id,
  ...rest
}: {
  id: string;
  decideRef: React.Ref<DecideHandle>;
  onDecided: (id: string) => void;
}) {
  const { data, error, refetch } = useItem(id, true);
  if (data) return <Detail item={data} {...rest} />;
  if (error) return <ErrorState error={error} retry={() => void refetch()} what="this request" />;
  return <TableSkeleton />;
}

/** One grant or hold by its id, whatever view it is in. */
export function useItem(id: string, enabled: boolean) {
  const isHold = id.startsWith('hld_');
  const grant = useQuery({
    ...query.grants.get.queryOptions({ input: { id }, enabled: enabled && !isHold }),
    select: (data): InboxItemView => ({ kind: 'grant', id, at: data.requestedAt, grant: data }),
    refetchInterval: 20_000,
  });
  const hold = useQuery({
    ...query.holds.get.queryOptions({ input: { id }, enabled: enabled && isHold }),
    select: (data): InboxItemView => ({ kind: 'hold', id, at: data.createdAt, hold: data }),
    refetchInterval: 10_000,
  });
  return isHold ? hold : grant;
}

function NothingHere({ view }: { view: View }) {
  if (view === 'mine')
    return (
      <EmptyState title="Nobody waits for you">Requests and held statements that you may decide come here.</EmptyState>
    );
  if (view === 'waiting')
    return (
      <EmptyState title="You wait for nobody">What you ask for comes here until somebody has decided it.</EmptyState>
    );
  return (
    <EmptyState title="Nothing has been decided yet">
      Decided, lapsed and withdrawn requests come here, and stay.
    </EmptyState>
  );
}
