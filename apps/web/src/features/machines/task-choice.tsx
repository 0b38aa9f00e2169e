'use client';
import { useQuery } from '@tanstack/react-query';
import { TriangleAlert } from 'lucide-react';
import Link from 'next/link';
import { Checkbox } from '@/components/input.tsx';
import { QueryState } from '@/components/query-state.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { query } from '@/lib/api.ts';
import { taskLink, workflowLink } from '@/lib/links.ts';
import type { MachineView } from '@/lib/views.ts';

/** Tasks and workflows that it may activate. Each has to name it as well: where one does not, that is said beside it. */
export function TaskChoice({
  kind,
  name,
  value,
  onChange,
}: {
  kind: MachineView['kind'];
  name: string;
  value: readonly string[];
  onChange: (tasks: string[]) => void;
}) {
  const tasks = useQuery(query.tasks.list.queryOptions());
  const workflows = useQuery(query.workflows.list.queryOptions());
  return (
    <QueryState query={tasks} what="the tasks">
      {(listed) => {
        const all = [
          ...listed.map(({ name: task, purpose, who }) => ({ name: task, purpose, who, href: taskLink(task) })),
          ...(workflows.data ?? []).map(({ name: workflow, purpose, who }) => ({
            name: workflow,
            purpose: `Workflow: ${purpose}`,
            who,
            href: workflowLink(workflow),
          })),
        ];
        const gone = value.filter((task) => !all.some((known) => known.name === task));
        return (
          <fieldset>
            <legend className="sr-only">Tasks</legend>
            <ul className="flex flex-col gap-1.5">
              {[
                ...all,
                ...gone.map((task) => ({
                  name: task,
                  purpose: 'there is no such task (any more)',
                  who: [],
                  href: taskLink(task),
                })),
              ].map((task) => {
                const chosen = value.includes(task.name);
                return (
                  <li key={task.name}>
                    <span className="flex flex-wrap items-center gap-x-2">
                      <Checkbox
                        label={task.name}
                        checked={chosen}
                        onChange={(event) =>
                          onChange(
                            event.target.checked ? [...value, task.name] : value.filter((one) => one !== task.name),
                          )
                        }
                      />
                      <span className="text-muted text-sm">{task.purpose}</span>
                    </span>
                    {chosen && name !== '' && !task.who.includes(name) && (
                      <NotNamed kind={kind} name={name} task={task.name} href={task.href} />
                    )}
                  </li>
                );
              })}
            </ul>
          </fieldset>
        );
      }}
    </QueryState>
  );
}

export function NotNamed({
  kind,
  name,
  task,
  href,
}: {
  kind: MachineView['kind'];
  name: string;
  task: string;
  /** Of the task or the workflow. */
  href: string;
}) {
  return (
    <p className="ml-6 flex items-start gap-1.5 text-hold text-sm">
      <TriangleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
      <span>
        <Ticked text={`\`${task}\` does not name it yet: add \`${name}\` to \`who.${kind}s\` `} />
        <Link className="link" href={`${href}/edit`}>
          in {task}
        </Link>
      </span>
    </p>
  );
}
