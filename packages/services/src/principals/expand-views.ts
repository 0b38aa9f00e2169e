import type { CatalogRelation, PostgresCatalog, RelationAccess } from '@taskgate/core';
import type { ExpandView } from '@taskgate/policy';
import { sqlAnalyzer } from '@taskgate/sql';
import { quoted, quotedRelation } from './principal-names.ts';

/** What statements on a view reach, by the gate's own analysis of the plainest one. */
export async function createViewExpansion(catalog: PostgresCatalog): Promise<ExpandView> {
  const analyzer = await sqlAnalyzer(catalog.serverVersion);
  const known = new Map<string, readonly RelationAccess[]>();
  return (view, verb, columns) => {
    const text = plainest(view, verb, columns);
    const found = known.get(text);
    if (found !== undefined) return found;
    const operations = analyzer.analyze(text, catalog);
    const [operation] = operations;
    const access =
      operations.length === 1 && operation?.unknowns.length === 0
        ? operation.accesses.find((one) => one.oid === view.oid && one.verb === verb)
        : undefined;
    const expands = access?.expands ?? [];
    known.set(text, expands);
    return expands;
  };
}

function plainest(view: CatalogRelation, verb: Parameters<ExpandView>[1], columns: readonly string[]): string {
  const name = quotedRelation(view);
  const list = columns.map(quoted).join(', ');
  switch (verb) {
    case 'select':
      return `select ${list} from ${name}`;
    case 'insert':
      return `insert into ${name} (${list}) values (${columns.map(() => 'default').join(', ')})`;
    case 'update':
      return `update ${name} set ${columns.map((column) => `${quoted(column)} = default`).join(', ')}`;
    case 'delete':
      return `delete from ${name}`;
  }
}
