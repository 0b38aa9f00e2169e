import { plural } from '@/lib/format.ts';
import type { PolicySummaryView } from '@/lib/views.ts';

/** Never silent about reach: `2 of 3 resources, 4 tasks`. */
export function appliesToWords({ resources, tasks, totalResources }: PolicySummaryView['appliesTo']): string {
  return `${resources.length} of ${plural(totalResources, 'resource')}, ${plural(tasks.length, 'task')}`;
}
