import type { GrantView } from '@/lib/views.ts';
import type { TreeNode } from './tree-rows.ts';

/** What it is to the one above it. */
export function placeWords({ depth, step, workflow }: GrantView): string {
  if (depth === 0) return workflow === null ? 'task' : 'workflow';
  return step === null ? 'narrower' : 'step';
}

/** What it may not do that the one above may: one thing by its words, several by how many. */
export function narrowedWords({ narrowed }: GrantView): string | null {
  const [first, ...more] = narrowed;
  if (first === undefined) return null;
  return `${first.what}: ${first.after}${more.length === 0 ? '' : ` and ${more.length} more`}`;
}

/** Of all that is limited, what is nearest to its limit. */
export function tightest({ budget }: TreeNode): (TreeNode['budget'][number] & { limit: number }) | null {
  const limited = budget.flatMap((line) => (line.limit === null ? [] : [{ ...line, limit: line.limit }]));
  const share = ({ subtree, limit }: { subtree: number; limit: number }): number => (limit === 0 ? 1 : subtree / limit);
  return limited.reduce<(typeof limited)[number] | null>(
    (most, line) => (most === null || share(line) > share(most) ? line : most),
    null,
  );
}
