/** A node of the server's own query tree, as `pg_node_tree` prints it (nodes/outfuncs.c). */
export interface ServerNode {
  readonly kind: string;
  readonly fields: ReadonlyMap<string, ServerValue>;
}
export type ServerValue = ServerNode | string | null | readonly ServerValue[];

/** Reads `{NODE :field value ...}`, lists and atoms. Text that is none of these throws: it would be half a tree. */
export function parseServerTree(text: string): ServerValue {
  const tokens = text.match(/[(){}]|(?:\\[\s\S]|[^\s(){}\\])+/g) ?? [];
  let at = 0;
  const value = (): ServerValue => {
    const token = tokens[at];
    at += 1;
    if (token === undefined || token === ')' || token === '}') throw new Error('the tree ends too early');
    if (token === '(') {
      const list: ServerValue[] = [];
      while (tokens[at] !== ')') list.push(value());
      at += 1;
      return list;
    }
    if (token === '{') {
      const kind = tokens[at] ?? '';
      at += 1;
      const fields = new Map<string, ServerValue>();
      while (tokens[at] !== '}') {
        const name = (tokens[at] ?? '').slice(1);
        at += 1;
        // A constant's bytes are several atoms: only the first value of a field is of use here.
        fields.set(name, value());
        while (tokens[at] !== '}' && !tokens[at]?.startsWith(':')) value();
      }
      at += 1;
      return { kind, fields };
    }
    return token === '<>' ? null : token.replace(/^"([\s\S]*)"$/, '$1').replaceAll(/\\([\s\S])/g, '$1');
  };
  return value();
}

export const isNode = (value: ServerValue | undefined): value is ServerNode =>
  typeof value === 'object' && value !== null && 'kind' in value;

export const isList = (value: ServerValue | undefined): value is readonly ServerValue[] => Array.isArray(value);

export function listAt(node: ServerNode, field: string): readonly ServerValue[] {
  const value = node.fields.get(field);
  return isList(value) ? value : [];
}

export function nodesIn(value: ServerValue | undefined): readonly ServerNode[] {
  return isList(value) ? value.filter(isNode) : [];
}

export function nodeIn(node: ServerNode, field: string): ServerNode | null {
  const value = node.fields.get(field);
  return isNode(value) ? value : null;
}

export function numberIn(node: ServerNode, field: string): number {
  return Number(node.fields.get(field) ?? 0);
}

export function textIn(node: ServerNode, field: string): string {
  const value = node.fields.get(field);
  return typeof value === 'string' ? value : '';
}
