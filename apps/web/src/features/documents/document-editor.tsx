'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import dynamic from 'next/dynamic';
import { useRouter } from 'next/navigation';
import { useEffect, useState } from 'react';
import { Badge } from '@/components/badge.tsx';
import { Button } from '@/components/button.tsx';
import { Dialog } from '@/components/dialog.tsx';
import { FormError } from '@/components/field.tsx';
import { type Crumb, Page, PageHeader, Panel } from '@/components/page.tsx';
import { Skeleton } from '@/components/skeleton.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { toast } from '@/components/toast.tsx';
import { query } from '@/lib/api.ts';
import { plural } from '@/lib/format.ts';
import { simulationLink } from '@/lib/links.ts';
import { problemOf } from '@/lib/problem.ts';
import { useDebounced } from '@/lib/use-debounced.ts';
import type { ProblemItemView } from '@/lib/views.ts';
import { Description } from './description.tsx';
import { DiffView } from './diff-view.tsx';

// CodeMirror is loaded on these pages only.
const YamlEditor = dynamic(() => import('./yaml-editor.tsx').then((module) => module.YamlEditor), {
  ssr: false,
  loading: () => <Skeleton className="m-3 h-64" />,
});

const CHECK_AFTER_MS = 300;
const NO_PROBLEMS: readonly ProblemItemView[] = [];
export const FOLDERS = { Task: 'tasks', Policy: 'policies', Workflow: 'workflows' } as const;
const TITLES = { Task: 'Tasks', Policy: 'Policies', Workflow: 'Workflows' } as const;
/** What a publication means for what runs. */
const PUBLISHED = {
  Task: 'Grants that run now stay with the revision they were made for; new ones get this.',
  Policy: 'It holds at once for every task on the resources it applies to, running grants included.',
  Workflow: 'What runs now goes on with the revision it was started with; what starts next gets this.',
} as const;
export type EditableKind = keyof typeof FOLDERS;

export interface DocumentEditorProps {
  kind: EditableKind;
  /** `null` for a new one. */
  name: string | null;
  initialSource: string;
  /** The latest revision when this page was opened: another one that came meanwhile is a conflict. */
  baseRevision: number | null;
  published: { revision: number; source: string } | null;
}

/** Source on the left, what it means on the right; saved as a draft, or published after a look at what changes. */
export function DocumentEditor({ kind, name, initialSource, baseRevision, published }: DocumentEditorProps) {
  const client = useQueryClient();
  const router = useRouter();
  const [source, setSource] = useState(initialSource);
  const [base, setBase] = useState(baseRevision);
  const [saved, setSaved] = useState(initialSource);
  const [goTo, setGoTo] = useState<{ line: number; at: number } | null>(null);
  const [reviewing, setReviewing] = useState(false);
  const settled = useDebounced(source, CHECK_AFTER_MS);
  const check = useQuery({
    ...query.documents.check.queryOptions({ input: { kind, source: settled } }),
    placeholderData: (previous) => previous,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const saveTask = useMutation(query.tasks.save.mutationOptions());
  const savePolicy = useMutation(query.policies.save.mutationOptions());
  const simulate = useMutation(query.simulations.start.mutationOptions());
  const saveWorkflow = useMutation(query.workflows.save.mutationOptions());
  const save = { Task: saveTask, Policy: savePolicy, Workflow: saveWorkflow }[kind];
  const folder = FOLDERS[kind];
  const dirty = source !== saved;

  useEffect(() => {
    if (!dirty) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [dirty]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: submit is made anew at each rendering
  useEffect(() => {
    if (!reviewing) return;
    const shownAt = performance.now();
    const onKey = (event: KeyboardEvent) => {
      // The press that opened the dialog is still on its way up, and may be held down: neither is a second decision.
      const anew = event.timeStamp > shownAt && !event.repeat;
      if (anew && event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !save.isPending) void submit(true);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [reviewing, save.isPending, source]);

  const submit = async (publish: boolean) => {
    try {
      const result = await save.mutateAsync({ source, publish, baseRevision: base });
      setSaved(source);
      setBase(result.latestRevision);
      void client.invalidateQueries({ queryKey: query[folder].key() });
      toast(
        publish
          ? `${result.name} is published as revision ${result.revision}`
          : `Draft saved as revision ${result.latestRevision}`,
        { tone: 'allow' },
      );
      setReviewing(false);
      if (publish) router.push(`/${folder}/${result.name}`);
      else if (name === null) router.replace(`/${folder}/${result.name}/edit`);
    } catch {
      // Shown above the editor, or in the dialog.
    }
  };

  const problems = check.data?.problems ?? NO_PROBLEMS;
  const warnings = check.data?.warnings ?? NO_PROBLEMS;
  const saveProblem = save.error ? problemOf(save.error) : null;
  const shownProblems = problems.length > 0 ? problems : (saveProblem?.problems ?? NO_PROBLEMS);
  const cannotPublish =
    problems.length > 0
      ? `${plural(problems.length, 'problem')} in the source`
      : published?.source === source
        ? 'this is what is published already'
        : null;
  const crumbs: Crumb[] = [
    { label: TITLES[kind], href: `/${folder}` },
    ...(name === null ? [] : [{ label: name, href: `/${folder}/${name}` }]),
  ];
  const review = () => {
    if (cannotPublish === null) setReviewing(true);
  };
  const cannotSimulate =
    problems.length > 0
      ? `${plural(problems.length, 'problem')} in the source`
      : kind === 'Workflow'
        ? 'a workflow decides no statement; simulate its tasks'
        : kind === 'Task' && published === null
          ? 'nothing was done under a task that was never published'
          : null;
  const runSimulation = async () => {
    if (cannotSimulate !== null || simulate.isPending) return;
    try {
      const { id } = await simulate.mutateAsync({ source });
      // Beside the editor: what is being written stays as it is.
      window.open(simulationLink(id), '_blank', 'noopener');
    } catch {
      // Shown above the editor.
    }
  };

  return (
    <Page wide>
      <PageHeader
        crumbs={crumbs}
        title={name === null ? `New ${kind.toLowerCase()}` : `Edit ${name}`}
        badges={
          <>
            {base !== null && <Badge>revision {base}</Badge>}
            {dirty && <Badge tone="hold">not saved</Badge>}
          </>
        }
        actions={
          <>
            <Button
              loading={save.isPending && !reviewing}
              disabledReason={dirty || base === null ? null : 'nothing has changed since it was saved'}
              onClick={() => void submit(false)}
            >
              Save draft
            </Button>
            <Button
              loading={simulate.isPending}
              disabledReason={cannotSimulate}
              aria-keyshortcuts="Control+Shift+Enter"
              onClick={() => void runSimulation()}
            >
              Simulate
            </Button>
            <Button variant="primary" disabledReason={cannotPublish} onClick={review}>
              Review and publish
            </Button>
          </>
        }
      />
      {!reviewing && <FormError message={saveProblem ? saveProblem.detail : null} />}
      <FormError message={simulate.error ? problemOf(simulate.error).detail : null} />
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <Panel
          title="Source"
          flush
          actions={<span className="text-muted text-sm">Ctrl Enter publishes, Ctrl Shift Enter simulates</span>}
        >
          <div className="h-[min(70dvh,48rem)]">
            <YamlEditor
              label={`Source of the ${kind.toLowerCase()}`}
              value={initialSource}
              onChange={setSource}
              onSubmit={review}
              onSimulate={() => void runSimulation()}
              problems={shownProblems}
              warnings={warnings}
              goTo={goTo}
            />
          </div>
        </Panel>
        <div className="flex min-w-0 flex-col gap-4">
          <Panel title={shownProblems.length === 0 ? 'No problems' : plural(shownProblems.length, 'problem')}>
            <div role="status">
              {shownProblems.length === 0 ? (
                <p className="text-muted">
                  {check.isPending ? 'Checking…' : 'The source is complete and can be published.'}
                </p>
              ) : (
                <ProblemLines problems={shownProblems} onLine={(line) => setGoTo({ line, at: Date.now() })} />
              )}
              {warnings.length > 0 && (
                <>
                  <h3 className="mt-3 mb-1 font-semibold text-hold text-sm">
                    {plural(warnings.length, 'warning')}: it can be published all the same
                  </h3>
                  <ProblemLines problems={warnings} onLine={(line) => setGoTo({ line, at: Date.now() })} />
                </>
              )}
            </div>
          </Panel>
          <Panel title="What it means">
            {check.data && check.data.description.length > 0 ? (
              <Description sections={check.data.description} onLine={(line) => setGoTo({ line, at: Date.now() })} />
            ) : (
              <p className="text-muted">Shown here as soon as the source can be read.</p>
            )}
            {kind !== 'Task' && check.data && (
              <p className="mt-4 border-line border-t pt-3 text-sm">
                <span className="font-medium">{kind === 'Policy' ? 'Applies to: ' : 'Reaches: '}</span>
                {check.data.appliesTo.length === 0 ? 'no resource now' : check.data.appliesTo.join(', ')}
              </p>
            )}
          </Panel>
        </div>
      </div>
      <Dialog
        open={reviewing}
        onClose={() => setReviewing(false)}
        wide
        title="Publish this revision?"
        description={
          published === null
            ? 'Nothing is published under this name yet.'
            : `What changes against revision ${published.revision}.`
        }
        footer={
          <>
            <Button onClick={() => setReviewing(false)}>Go on editing</Button>
            {cannotSimulate === null && (
              <Button loading={simulate.isPending} onClick={() => void runSimulation()}>
                Simulate first
              </Button>
            )}
            <Button variant="primary" loading={save.isPending} onClick={() => void submit(true)}>
              Publish
            </Button>
          </>
        }
      >
        <div className="flex flex-col gap-3">
          <DiffView before={published?.source ?? ''} after={source} label="What changes" />
          <p className="text-muted text-sm">{PUBLISHED[kind]}</p>
          <FormError message={saveProblem ? saveProblem.detail : null} />
        </div>
      </Dialog>
    </Page>
  );
}

function ProblemLines({ problems, onLine }: { problems: readonly ProblemItemView[]; onLine: (line: number) => void }) {
  return (
    <ul className="flex flex-col gap-1">
      {problems.slice(0, 20).map((problem, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two problems may read the same
        <li key={index} className="flex items-start gap-2">
          <button
            type="button"
            className="link min-h-6 shrink-0 font-mono text-sm"
            onClick={() => onLine(problem.position?.line ?? 1)}
          >
            line {problem.position?.line ?? 1}
          </button>
          <span className="wrap-anywhere min-w-0">
            <Ticked text={problem.message} />
          </span>
        </li>
      ))}
    </ul>
  );
}
