'use client';
import { useQuery } from '@tanstack/react-query';
import { History, Play, Square } from 'lucide-react';
import dynamic from 'next/dynamic';
import Link from 'next/link';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Badge, type Tone } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { Kbd } from '@/components/kbd.tsx';
import { Skeleton } from '@/components/skeleton.tsx';
import { Countdown } from '@/components/time.tsx';
import { toast } from '@/components/toast.tsx';
import { query } from '@/lib/api.ts';
import { sessionLink, subjectLink, subjectName } from '@/lib/links.ts';
import { offsetOf, placeOf, spanOfName, utf16Offset, wordEnd } from '@/lib/position.ts';
import type { GrantView } from '@/lib/views.ts';
import type { Run, TransactionState } from './console-state.ts';
import { EndedBar } from './ended-bar.tsx';
import { HistorySheet } from './history-sheet.tsx';
import { RunResults } from './run-results.tsx';
import type { Mark, SqlEditorHandle } from './sql-editor.tsx';
import { taskSchema } from './task-schema.ts';
import { useConsole } from './use-console.ts';
import { VerdictStrip } from './verdict-strip.tsx';

// CodeMirror is loaded on this page only.
const SqlEditor = dynamic(() => import('./sql-editor.tsx').then((module) => module.SqlEditor), {
  ssr: false,
  loading: () => <Skeleton className="m-3 h-24" />,
});

const PREFLIGHT_AFTER_MS = 300;
/** What was typed for each task, so that asking for another grant and coming back loses nothing. In memory only. */
const drafts = new Map<string, string>();
const NO_MARKS: readonly Mark[] = [];
const TRANSACTIONS: Record<TransactionState, { tone: Tone; label: string }> = {
  idle: { tone: 'plain', label: 'no transaction' },
  open: { tone: 'info', label: 'in a transaction' },
  failed: { tone: 'deny', label: 'transaction failed' },
};

/** SQL under one grant: the same door, the same rules and the same recording as psql has. */
export function Console({ grant }: { grant: GrantView }) {
  const { state, run, cancel, preflight, reconnect } = useConsole(grant.id);
  const editor = useRef<SqlEditorHandle>(null);
  const results = useRef<HTMLElement>(null);
  const asked = useRef<{ id: number; text: string; offset: number } | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [historyOpen, setHistoryOpen] = useState(false);
  const task = useQuery(query.tasks.get.queryOptions({ input: { name: subjectName(grant) } }));

  const ready = state.connection === 'ready';
  const running = state.running !== null;
  const lastRun = state.runs.at(-1) ?? null;
  const seen = useSeenColumns(state.runs);
  const schema = useMemo(() => taskSchema(task.data?.description ?? [], seen), [task.data, seen]);

  const check = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      const chosen = editor.current?.chosen() ?? null;
      if (chosen === null || !ready) {
        asked.current = null;
        return;
      }
      if (asked.current?.text === chosen.text && asked.current.offset === chosen.offset) return;
      asked.current = { id: preflight(chosen.text), ...chosen };
    }, PREFLIGHT_AFTER_MS);
  }, [preflight, ready]);
  useEffect(() => {
    // A new connection has decided nothing yet.
    asked.current = null;
    if (ready) check();
  }, [ready, check]);
  useEffect(() => () => clearTimeout(timer.current), []);

  const verdict = state.verdict !== null && state.verdict.id === asked.current?.id ? state.verdict : null;
  const marks = useMarks(verdict?.statements ?? null, asked.current, lastRun, editor);

  const go = (what: { text: string; offset: number } | null) => {
    if (what && run(what.text, what.offset)) results.current?.scrollTo({ top: 0 });
  };
  const onCancel = () => {
    if (!running) return false;
    cancel();
    return true;
  };
  useHeldNotice(lastRun, running);

  const whyNot = !ready
    ? state.connection === 'opening'
      ? 'the console is connecting'
      : 'the connection has ended'
    : running
      ? 'one statement runs at a time'
      : null;
  const place = lastRun?.error?.position != null ? errorOffset(lastRun) : null;

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape cancels wherever the focus is in the console
    <div
      className="flex h-[calc(100dvh-3rem)] min-h-[28rem] flex-col"
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !event.defaultPrevented && onCancel()) event.preventDefault();
      }}
    >
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-line border-b bg-surface px-3 py-2">
        <h1 className="min-w-0 font-semibold text-base">
          <Link href={subjectLink(grant)} className="hover:underline">
            {subjectName(grant)}
          </Link>{' '}
          <span className="font-normal text-muted">on {grant.resource}</span>
        </h1>
        {ready && <Badge tone={TRANSACTIONS[state.transaction].tone}>{TRANSACTIONS[state.transaction].label}</Badge>}
        {state.connection === 'opening' && <Badge>connecting</Badge>}
        {state.connection === 'ended' && <Badge tone="deny">ended</Badge>}
        {grant.expiresAt !== null && state.connection !== 'ended' && (
          <span className="text-muted text-sm">
            <Countdown until={grant.expiresAt} />
          </span>
        )}
        <div className="ml-auto flex flex-wrap items-center gap-2">
          {state.session && (
            <Link href={sessionLink(state.session.id)} className="link text-sm">
              Recording
            </Link>
          )}
          <Button size="sm" variant="ghost" onClick={() => setHistoryOpen(true)}>
            <History aria-hidden="true" className="size-4" />
            History
          </Button>
          {running ? (
            <Button size="sm" variant="danger" onClick={onCancel}>
              <Square aria-hidden="true" className="size-3.5" />
              Cancel
            </Button>
          ) : (
            <>
              <Button
                size="sm"
                disabledReason={whyNot}
                onClick={() => go({ text: editor.current?.all() ?? '', offset: 0 })}
              >
                Run all
              </Button>
              <Button
                size="sm"
                variant="primary"
                disabledReason={whyNot}
                onClick={() => go(editor.current?.chosen() ?? null)}
              >
                <Play aria-hidden="true" className="size-3.5" />
                Run
              </Button>
            </>
          )}
        </div>
      </div>
      {state.ended && <EndedBar ended={state.ended} grant={grant} onReconnect={reconnect} />}
      <div className="min-h-32 flex-[2]">
        <SqlEditor
          ref={editor}
          initial={drafts.get(subjectName(grant)) ?? ''}
          schema={schema}
          marks={marks}
          onChange={() => {
            if (editor.current) drafts.set(subjectName(grant), editor.current.all());
            check();
          }}
          onRun={() => go(editor.current?.chosen() ?? null)}
          onRunAll={() => go({ text: editor.current?.all() ?? '', offset: 0 })}
          onCancel={onCancel}
          onLeave={() => results.current?.focus()}
        />
      </div>
      <VerdictStrip key={state.runs.length} statements={verdict?.statements ?? null} />
      <section
        ref={results}
        tabIndex={-1}
        aria-label="Results"
        onKeyDown={(event) => {
          if (event.key === 'F6') {
            event.preventDefault();
            editor.current?.focus();
          }
        }}
        className="min-h-40 flex-[3] border-line border-t bg-surface focus-visible:outline-offset-[-2px]"
      >
        {lastRun ? (
          <RunResults
            run={lastRun}
            running={state.running === lastRun.id}
            onCancel={onCancel}
            errorPlace={place === null ? null : placeOf(editor.current?.all() ?? '', place)}
            onGoTo={() => editor.current?.focus()}
          />
        ) : (
          <Hints />
        )}
      </section>
      <HistorySheet
        runs={state.runs}
        open={historyOpen}
        onClose={() => setHistoryOpen(false)}
        onChoose={(chosen) => {
          setHistoryOpen(false);
          // After the dialog has given the focus back.
          setTimeout(() => editor.current?.replace(chosen.sql));
        }}
      />
    </div>
  );
}

function Hints() {
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5 p-4 text-muted text-sm">
      <dt>
        <Kbd keys="Ctrl Enter" />
      </dt>
      <dd>runs the statement at the cursor, or what is selected</dd>
      <dt>
        <Kbd keys="Ctrl Shift Enter" />
      </dt>
      <dd>runs everything</dd>
      <dt>
        <Kbd keys="Esc" />
      </dt>
      <dd>cancels what runs, at the database too</dd>
      <dt>
        <Kbd keys="F6" />
      </dt>
      <dd>goes from the editor to the results, and back</dd>
    </dl>
  );
}

const errorOffset = (run: Run): number => run.offset + utf16Offset(run.sql, run.error!.position!);

/** Where to underline: what the last text failed on, else what the gate would block. */
function useMarks(
  statements: NonNullable<ReturnType<typeof useConsole>['state']['verdict']>['statements'] | null,
  asked: { text: string; offset: number } | null,
  lastRun: Run | null,
  editor: React.RefObject<SqlEditorHandle | null>,
): readonly Mark[] {
  const denied = statements?.filter((verdict) => verdict.outcome === 'deny').flatMap((verdict) => verdict.reasons);
  const failed = lastRun?.error?.position == null ? null : lastRun;
  const key = JSON.stringify([denied, asked?.offset, failed?.id]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for them
  return useMemo(() => {
    const marks: Mark[] = [];
    if (asked)
      for (const reason of denied ?? []) {
        const text = editor.current?.all() ?? '';
        if (reason.position !== null) {
          const from = asked.offset + offsetOf(asked.text, reason.position);
          marks.push({ from, to: wordEnd(text, from), message: reason.message });
          continue;
        }
        const span = spanOfName(asked.text, reason.message);
        if (span) marks.push({ from: asked.offset + span.from, to: asked.offset + span.to, message: reason.message });
      }
    if (failed && marks.length === 0) {
      const text = editor.current?.all() ?? '';
      // Only while the text that failed still stands where it was sent from.
      if (text.slice(failed.offset, failed.offset + failed.sql.length) === failed.sql) {
        const from = errorOffset(failed);
        marks.push({ from, to: wordEnd(text, from), message: failed.error!.message });
      }
    }
    return marks.length === 0 ? NO_MARKS : marks;
  }, [key]);
}

/** Names of columns that results had: completion learns them. */
function useSeenColumns(runs: readonly Run[]): readonly string[] {
  const key = [...new Set(runs.flatMap((run) => run.sets.flatMap((set) => set.columns.map((column) => column.name))))]
    .filter((name) => /^[a-z_]\w*$/.test(name))
    .sort()
    .join(' ');
  return useMemo(() => (key === '' ? [] : key.split(' ')), [key]);
}

/** Who went elsewhere while a statement was held is told when it has an answer. */
function useHeldNotice(run: Run | null, running: boolean): void {
  const held = run?.notices.some((notice) => notice.link?.includes('hld_')) ?? false;
  const told = useRef<number | null>(null);
  useEffect(() => {
    if (!held || running || run === null || told.current === run.id) return;
    told.current = run.id;
    toast(run.error ? 'The held statement did not run' : 'The held statement was approved and has run', {
      tone: run.error ? 'deny' : 'allow',
    });
    if (document.visibilityState === 'visible') return;
    const title = document.title;
    document.title = `● ${title}`;
    const restore = () => {
      document.title = title;
    };
    document.addEventListener('visibilitychange', restore, { once: true });
  }, [held, running, run]);
}
