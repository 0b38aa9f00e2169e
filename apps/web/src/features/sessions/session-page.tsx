// biome-ignore-all lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import Link from 'next/link';
import { parseAsString, useQueryState } from 'nuqs';
import { useCallback, useEffect, useRef } from 'react';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { Button, LinkButton } from '@/components/button.tsx';
import { EmptyState } from '@/components/empty-state.tsx';
import { ErrorState } from '@/components/error-state.tsx';
import { Facts, Page, PageHeader, Panel } from '@/components/page.tsx';
import { TableSkeleton } from '@/components/skeleton.tsx';
import { Duration, Time } from '@/components/time.tsx';
import { query } from '@/lib/api.ts';
import { formatNumber, plural } from '@/lib/format.ts';
import { grantLink, resourceLink, runLink, taskLink } from '@/lib/links.ts';
import { useCan, useMe } from '@/lib/me.tsx';
import { usePreferences } from '@/lib/preferences.ts';
import type { SessionView } from '@/lib/views.ts';
import { EndSessionButton } from './end-session-button.tsx';
import { KeepRecordingButton } from './keep-recording-button.tsx';
import { OperationDetail } from './operation-detail.tsx';
import { OperationList } from './operation-list.tsx';
import { useTimeline } from './use-timeline.ts';
import { VerifyPanel } from './verify-panel.tsx';

export function SessionPage({ id }: { id: string }) {
  const session = useQuery({
    ...query.sessions.get.queryOptions({ input: { id } }),
    refetchInterval: (state) => (state.state.data?.endedAt === null ? 5_000 : false),
  });
  return (
    <Page wide>
      {session.data ? (
        <Loaded session={session.data} />
      ) : session.error ? (
        <ErrorState error={session.error} retry={() => void session.refetch()} what="this session" />
      ) : (
        <TableSkeleton rows={8} />
      )}
    </Page>
  );
}

const RECORDING_MEANS: Record<SessionView['recording'], string> = {
  live: 'It is being written.',
  complete: 'It holds the session from its start to its end.',
  interrupted: 'The gate stopped before the session ended. What was written until then is here.',
  erased: 'Its time was over, and it was deleted. What it counted and its signed head are still here.',
  missing: 'The store knows of this session, but its recording is not where it should be. Ask an admin.',
};

function Loaded({ session }: { session: SessionView }) {
  const can = useCan();
  const live = session.endedAt === null;
  return (
    <>
      <PageHeader
        crumbs={[{ label: 'Sessions', href: '/sessions' }]}
        title={`${session.person.name} in ${session.task}`}
        badges={
          <>
            {live && <StateBadge state="live" />}
            {session.denied > 0 && <Badge tone="deny">{formatNumber(session.denied)} denied</Badge>}
            {session.held > 0 && <Badge tone="hold">{formatNumber(session.held)} held</Badge>}
          </>
        }
        actions={
          <>
            {can('task:write') && (
              <LinkButton href={`/tasks/suggest?resource=${session.resource}&session=${session.id}`}>
                Suggest a task
              </LinkButton>
            )}
            <KeepRecordingButton session={session} />
            <EndSessionButton session={session} />
          </>
        }
      />
      <Panel>
        <div className="grid items-start gap-x-8 gap-y-1.5 lg:grid-cols-3">
          <Facts
            items={[
              ['Who', session.person.email],
              [
                'Task',
                <Link key="task" className="link" href={taskLink(session.task)}>
                  {session.task}, revision {session.taskRevision}
                </Link>,
              ],
              [
                'Resource',
                can('resource:read') ? (
                  <Link key="res" className="link" href={resourceLink(session.resource)}>
                    {session.resource}
                  </Link>
                ) : (
                  session.resource
                ),
              ],
              [
                'Grant',
                <Link key="grant" className="link" href={grantLink(session.grantId)}>
                  Its request and approvals
                </Link>,
              ],
              ...(session.run === null
                ? []
                : [
                    [
                      'Part of',
                      <Link key="run" className="link" href={runLink(session.grantId)}>
                        run of {session.run.name}
                      </Link>,
                    ] as const,
                  ]),
            ]}
          />
          <Facts
            items={[
              ['Client', `${session.application || session.protocol}, from ${session.clientAddress}`],
              ['Started', <Time key="at" at={session.startedAt} />],
              [
                live ? 'Running' : 'Lasted',
                live ? 'now' : <Duration key="d" ms={Date.parse(session.endedAt!) - Date.parse(session.startedAt)} />,
              ],
              ...(live ? [] : [['Ended because', session.endReason ?? 'not known'] as const]),
            ]}
          />
          <Facts
            items={[
              ['Statements', formatNumber(session.operations)],
              ['Rows sent', `${formatNumber(session.rows)}, ${plural(session.maskedCells, 'masked cell')}`],
              [
                'Recording',
                <span key="rec" className="flex flex-col items-start gap-0.5">
                  <StateBadge state={session.recording} />
                  <span className="text-muted text-sm">{RECORDING_MEANS[session.recording]}</span>
                  {session.keepReason !== null && (
                    <span className="text-sm">Kept beyond its time: {session.keepReason}</span>
                  )}
                </span>,
              ],
            ]}
          />
        </div>
      </Panel>
      {session.recording === 'missing' || session.recording === 'erased' ? (
        <Panel title="Recording">
          <EmptyState title={session.recording === 'erased' ? 'The recording was deleted' : 'The recording is missing'}>
            {RECORDING_MEANS[session.recording]}
          </EmptyState>
        </Panel>
      ) : session.mayReplay ? (
        <>
          <Replay session={session} live={live} />
          <VerifyPanel session={session} />
        </>
      ) : (
        <Panel title="What was said in it">
          <EmptyState title="You may not read what was said in it">
            The task or a policy names its readers, and you are not among them. That it took place, and its numbers, you
            may see.
          </EmptyState>
        </Panel>
      )}
      <Viewers id={session.id} />
    </>
  );
}

function Replay({ session, live }: { session: SessionView; live: boolean }) {
  const { operations, complete, loading, error, loadMore } = useTimeline(session.id, live, session.mayReplay);
  const [op, setOp] = useQueryState('op', parseAsString);
  const { shortcuts } = usePreferences();
  const client = useQueryClient();
  const read = operations.length > 0;
  useEffect(() => {
    // Reading it is itself written down, and shown below.
    if (read) void client.invalidateQueries({ queryKey: query.sessions.viewers.key() });
  }, [read, client]);
  const listRef = useRef<HTMLDivElement>(null);
  const index = operations.findIndex((operation) => operation.decisionId === op);
  // The one that a link names may be on a page that is still to come.
  const current = index >= 0 ? operations[index]! : op === null || complete ? (operations[0] ?? null) : null;

  const move = useCallback(
    (step: 1 | -1) => {
      const from = current ? operations.indexOf(current) : -1;
      const next = operations[Math.max(0, Math.min(operations.length - 1, from + step))];
      if (!next) return;
      void setOp(next.decisionId, { history: 'replace' });
      requestAnimationFrame(() =>
        listRef.current?.querySelector<HTMLElement>(`[data-op="${next.decisionId}"]`)?.focus({ preventScroll: true }),
      );
    },
    [operations, current, setOp],
  );
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!shortcuts || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target;
      if (target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable="true"], dialog'))
        return;
      const key = event.key.toLowerCase();
      if (key !== 'j' && key !== 'k') return;
      event.preventDefault();
      move(key === 'j' ? 1 : -1);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [shortcuts, move]);

  if (error && operations.length === 0)
    return (
      <Panel title="Statements">
        <ErrorState error={error} what="the recording" />
      </Panel>
    );
  return (
    <section
      aria-label="Replay"
      className="grid min-w-0 rounded-lg border border-line bg-surface lg:max-h-[calc(100dvh-7rem)] lg:min-h-96 lg:grid-rows-[minmax(0,1fr)] lg:grid-cols-[minmax(20rem,2fr)_3fr]"
    >
      <div className="flex min-h-0 min-w-0 flex-col border-line max-lg:border-b lg:border-r">
        <p role="status" className="flex min-h-10 items-center gap-2 border-line border-b px-3 text-muted text-sm">
          {operations.length === 0 && loading ? 'Reading' : plural(operations.length, 'statement')}
          {!complete && !loading && (
            <Button size="sm" onClick={loadMore}>
              Read more
            </Button>
          )}
          {live && <span className="ml-auto">following</span>}
        </p>
        <div ref={listRef} className="min-h-0 flex-1 overflow-y-auto max-lg:max-h-80">
          {operations.length === 0 ? (
            loading ? (
              <TableSkeleton />
            ) : (
              <EmptyState title="Nothing was asked in this session">
                {live ? 'What is asked from now on appears here.' : 'The client connected and left again.'}
              </EmptyState>
            )
          ) : (
            <OperationList
              operations={operations}
              selected={current?.decisionId ?? null}
              hrefOf={(operation) => `/sessions/${session.id}?op=${operation.decisionId}`}
              onSelect={(operation) => void setOp(operation.decisionId, { history: 'push' })}
              listRef={listRef}
            />
          )}
        </div>
      </div>
      <section
        aria-label="Statement"
        tabIndex={0}
        className="min-h-0 min-w-0 overflow-y-auto p-4 focus-visible:outline-offset-[-2px]"
      >
        {current ? (
          <OperationDetail key={current.decisionId} operation={current} />
        ) : (
          <p className="text-muted">{loading ? 'Reading' : 'Choose a statement.'}</p>
        )}
      </section>
    </section>
  );
}

function Viewers({ id }: { id: string }) {
  const me = useMe();
  const viewers = useQuery(query.sessions.viewers.queryOptions({ input: { id } }));
  if (!viewers.data) return null;
  return (
    <Panel title="Viewed by">
      {viewers.data.length === 0 ? (
        <p className="text-muted">Nobody but whose session it is has read it.</p>
      ) : (
        <ul className="flex flex-col gap-1">
          {viewers.data.map((viewer) => (
            <li key={`${viewer.person.id} ${viewer.at}`}>
              {viewer.person.name}
              {viewer.person.id === me.id && ' (you)'}{' '}
              <span className="text-muted text-sm">
                <Time at={viewer.at} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
