import { type Fields, isFields, locationOf, numberAt, type PgNode, toNode } from './node.ts';
import { type FieldShape, NODE_SHAPES } from './node-shapes.ts';
import { SQL_LIMITS } from './sql-limits.ts';

/** What a walk over a whole query found: the first thing that the analysis does not know, and what it counts. */
export interface ShapeReport {
  /** Names of unknown node kinds and fields, with the byte offset of the nearest known place. */
  readonly strange: readonly { readonly what: string; readonly location: number }[];
  readonly tooLarge: boolean;
  readonly parameterCount: number;
  /** How many data-modifying statements there are, at any depth. */
  readonly writes: number;
}

const WRITES: ReadonlySet<string> = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

interface Pending {
  readonly kind: string;
  readonly fields: Fields;
  readonly depth: number;
  readonly location: number;
}

/** Holds a query's tree against `NODE_SHAPES`, without recursion, so that depth cannot break it. */
export function checkShape(root: PgNode): ShapeReport {
  const strange = new Map<string, number>();
  const pending: Pending[] = [{ kind: root.kind, fields: root.fields, depth: 0, location: 0 }];
  let nodes = 0;
  let parameterCount = 0;
  let writes = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    nodes += 1;
    if (nodes > SQL_LIMITS.nodes || next.depth > SQL_LIMITS.depth) {
      return { strange: [], tooLarge: true, parameterCount, writes };
    }
    const location = locationOf(next.fields) || next.location;
    if (next.kind === 'ParamRef') parameterCount = Math.max(parameterCount, numberAt(next.fields, 'number'));
    if (WRITES.has(next.kind)) writes += 1;
    const shape = NODE_SHAPES.get(next.kind);
    if (shape === undefined) {
      if (!strange.has(next.kind)) strange.set(next.kind, location);
      continue;
    }
    for (const field of Object.keys(next.fields)) {
      const ok = pushField(pending, shape.get(field), next.fields[field], next.depth + 1, location);
      if (!ok) strange.set(`${next.kind}.${field}`, location);
    }
  }
  return {
    strange: [...strange].map(([what, location]) => ({ what, location })),
    tooLarge: false,
    parameterCount,
    writes,
  };
}

function pushField(
  pending: Pending[],
  shape: FieldShape | undefined,
  value: unknown,
  depth: number,
  location: number,
): boolean {
  if (shape === undefined) return false;
  switch (shape.kind) {
    case 'value':
      return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    case 'body':
      if (!isFields(value)) return false;
      pending.push({ kind: shape.nodeKind, fields: value, depth, location });
      return true;
    case 'node':
      return pushNode(pending, value, depth, location);
    case 'nodes': {
      if (!Array.isArray(value)) return false;
      for (const item of value) {
        // `select distinct` is a list of one empty node.
        if (isFields(item) && Object.keys(item).length === 0) continue;
        if (!pushNode(pending, item, depth, location)) return false;
      }
      return true;
    }
  }
}

function pushNode(pending: Pending[], value: unknown, depth: number, location: number): boolean {
  const node = toNode(value);
  if (node === null) return false;
  pending.push({ kind: node.kind, fields: node.fields, depth, location });
  return true;
}
