import type { GrantTreeView } from '@/lib/views.ts';

export type TreeNode = GrantTreeView['nodes'][number];
export type TreeStep = GrantTreeView['steps'][number];

interface Place {
  /** Of the grant; of a step that nobody has started yet, its task. */
  readonly id: string;
  readonly parentId: string | null;
  /** 1 at the top. */
  readonly level: number;
  /** From 1, among its siblings. */
  readonly position: number;
  readonly siblings: number;
  /** `null` where nothing is below it. */
  readonly expanded: boolean | null;
}
export type TreeRow = Place & ({ readonly node: TreeNode } | { readonly step: TreeStep });

/** Rows in the order they are shown: children under their parent, steps that wait for their turn after those that run. */
export function arrangeRows(tree: GrantTreeView, collapsed: ReadonlySet<string>): readonly TreeRow[] {
  const shown = new Set(tree.nodes.map(({ grant }) => grant.id));
  const above = ({ grant }: TreeNode): string | null =>
    grant.parentId !== null && shown.has(grant.parentId) ? grant.parentId : null;
  const waiting = tree.steps.filter(({ grantId }) => grantId === null);
  const childrenOf = (id: string | null): readonly ({ node: TreeNode } | { step: TreeStep })[] => [
    ...tree.nodes.filter((node) => above(node) === id).map((node) => ({ node })),
    ...(id === tree.rootId ? waiting.map((step) => ({ step })) : []),
  ];
  const rows: TreeRow[] = [];
  const visit = (parentId: string | null, level: number): void => {
    const children = childrenOf(parentId);
    children.forEach((child, index) => {
      const place = { parentId, level, position: index + 1, siblings: children.length };
      if ('step' in child) {
        rows.push({ ...child, ...place, id: `step:${child.step.task}`, expanded: null });
        return;
      }
      const { id } = child.node.grant;
      const expanded = childrenOf(id).length === 0 ? null : !collapsed.has(id);
      rows.push({ ...child, ...place, id, expanded });
      if (expanded) visit(id, level + 1);
    });
  };
  visit(null, 1);
  return rows;
}

/** How many grants below it have not ended. */
export function liveBelow(tree: GrantTreeView, id: string): number {
  return tree.nodes
    .filter(({ grant }) => grant.parentId === id)
    .reduce((sum, { grant }) => sum + (grant.state === 'ended' ? 0 : 1) + liveBelow(tree, grant.id), 0);
}
