'use client';
import { useQuery } from '@tanstack/react-query';
import { parseAsString, useQueryState } from 'nuqs';
import { useRef, useState } from 'react';
import { Badge, StateBadge } from '@/components/badge.tsx';
import { LinkButton } from '@/components/button.tsx';
import { NoPermission } from '@/components/empty-state.tsx';
import { Page, PageHeader, Panel } from '@/components/page.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { useNow } from '@/components/time.tsx';
import { grantState } from '@/features/inbox/item-words.ts';
import { query } from '@/lib/api.ts';
import { formatInstant, plural } from '@/lib/format.ts';
import { subjectLink } from '@/lib/links.ts';
import { useMe } from '@/lib/me.tsx';
import { DESTINATIONS, mayOpen } from '@/lib/navigation.ts';
import type { GrantTreeView } from '@/lib/views.ts';
import { NodePanel, StepPanel } from './node-panel.tsx';
import { RunTree } from './run-tree.tsx';
import { axisOf } from './time-axis.ts';
import { arrangeRows } from './tree-rows.ts';
import { whoWords } from './who.tsx';

/** What changes without an event, such as what gateways have counted, is this old at most. */
const REFRESH_MS = 5_000;
const STILL_MS = 3_600_000;

const isLive = (tree: GrantTreeView): boolean => tree.nodes.some(({ grant }) => grant.endedAt === null);

/** One run as a tree. The address may be that of any grant in it, which is then the chosen one. */
export function RunPage({ id }: { id: string }) {
  const me = useMe();
  const allowed = mayOpen(DESTINATIONS.find(({ href }) => href === '/runs')!, me.scopes);
  const tree = useQuery({
    ...query.grants.tree.queryOptions({ input: { id } }),
    enabled: allowed,
    refetchInterval: ({ state }) => (state.data && isLive(state.data) ? REFRESH_MS : false),
  });
  return (
    <Page wide>
      {allowed ? (
        <QueryState query={tree} what="this run" page>
          {(data) => <Run tree={data} asked={id} />}
        </QueryState>
      ) : (
        <NoPermission what="this run" heading="h1" />
      )}
    </Page>
  );
}

function Run({ tree, asked }: { tree: GrantTreeView; asked: string }) {
  const [node, setNode] = useQueryState('node', parseAsString.withOptions({ history: 'replace', scroll: false }));
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  const details = useRef<HTMLElement>(null);
  const live = isLive(tree);
  const now = useNow(live ? 1000 : STILL_MS) ?? Date.now();
  const all = arrangeRows(tree, new Set());
  const chosen = all.find(({ id }) => id === node) ?? all.find(({ id }) => id === asked) ?? all[0]!;
  const axis = axisOf(
    tree.nodes.map(({ grant }) => grant),
    now,
  );
  const top = tree.nodes[0]!.grant;
  const { root } = top;
  const select = (id: string) => void setNode(id);
  const below = tree.nodes.filter(({ grant }) => grant.id !== tree.rootId).length;
  return (
    <>
      <PageHeader
        crumbs={[{ label: 'Runs', href: '/runs' }]}
        title={root.name}
        badges={
          <>
            {top.id === tree.rootId && <StateBadge state={grantState(top)} />}
            <Badge>{plural(below, 'grant')} below</Badge>
          </>
        }
        description={`Started by ${whoWords(root.requestedBy)} at ${formatInstant(top.requestedAt)}.`}
        actions={
          top.id === tree.rootId && (
            <LinkButton href={subjectLink(top)}>{top.task === null ? 'The workflow' : 'The task'}</LinkButton>
          )
        }
      />
      <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1fr)_23rem]">
        <Panel flush>
          <RunTree
            rows={arrangeRows(tree, collapsed)}
            selected={chosen.id}
            axis={axis}
            now={now}
            onSelect={select}
            onOpen={(id) => {
              select(id);
              details.current?.focus();
            }}
            onExpand={(id, expanded) => {
              const next = new Set(collapsed);
              if (expanded) next.delete(id);
              else next.add(id);
              setCollapsed(next);
            }}
          />
          {tree.more && (
            <p className="border-line border-t px-4 py-2 text-muted text-sm">
              This run has more grants than are shown here. The lists of sessions and operations have all.
            </p>
          )}
        </Panel>
        <aside
          ref={details}
          tabIndex={-1}
          aria-label="Details of the chosen grant"
          onKeyDown={(event) => {
            if (event.key !== 'Escape' || event.defaultPrevented) return;
            document.querySelector<HTMLElement>(`[data-row="${chosen.id}"]`)?.focus();
          }}
          className="min-w-0 rounded-lg border border-line bg-surface xl:sticky xl:top-16 xl:max-h-[calc(100dvh-5rem)] xl:overflow-y-auto"
        >
          {'node' in chosen ? (
            <NodePanel key={chosen.id} tree={tree} node={chosen.node} onSelect={select} />
          ) : (
            <StepPanel step={chosen.step} />
          )}
        </aside>
      </div>
    </>
  );
}
