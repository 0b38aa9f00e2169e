/** The body of one node of libpg_query's JSON: field name to value. Empty, zero and false fields are left out. */
export type Fields = { readonly [field: string]: unknown };

/** A node with its kind, as `{"SelectStmt": {...}}` says it. */
export interface PgNode {
  readonly kind: string;
  readonly fields: Fields;
}

/** `null` where the value is no node. */
export function toNode(value: unknown): PgNode | null {
  if (!isFields(value)) return null;
  const kinds = Object.keys(value);
  const kind = kinds[0];
  if (kinds.length !== 1 || kind === undefined) return null;
  const fields = value[kind];
  return isFields(fields) ? { kind, fields } : null;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function nodeAt(fields: Fields, field: string): PgNode | null {
  return toNode(fields[field]);
}

export function nodesAt(fields: Fields, field: string): readonly PgNode[] {
  return toNodes(fields[field]);
}

export function toNodes(value: unknown): readonly PgNode[] {
  if (!Array.isArray(value)) return [];
  const nodes: PgNode[] = [];
  for (const item of value) {
    const node = toNode(item);
    if (node !== null) nodes.push(node);
  }
  return nodes;
}

/** A field whose kind the grammar fixes, such as `relation` of an insert: it comes without the kind around it. */
export function bodyAt(fields: Fields, field: string): Fields | null {
  const value = fields[field];
  return isFields(value) ? value : null;
}

export function textAt(fields: Fields, field: string): string | null {
  const value = fields[field];
  return typeof value === 'string' && value !== '' ? value : null;
}

export function flagAt(fields: Fields, field: string): boolean {
  return fields[field] === true;
}

export function numberAt(fields: Fields, field: string): number {
  const value = fields[field];
  return typeof value === 'number' ? value : 0;
}

/** The byte offset of a node. Offset 0 is left out of the JSON like every zero. */
export function locationOf(fields: Fields): number {
  return numberAt(fields, 'location');
}

/** The names of a list of String nodes; other nodes become `*` (A_Star) or an empty string. */
export function namesOf(nodes: readonly PgNode[]): readonly string[] {
  return nodes.map((node) => {
    if (node.kind === 'String') return textAt(node.fields, 'sval') ?? '';
    return node.kind === 'A_Star' ? '*' : '';
  });
}
