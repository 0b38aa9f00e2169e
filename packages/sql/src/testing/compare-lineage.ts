import type { ColumnName, PostgresCatalog, RelationAccess, SqlOperation } from '@taskgate/core';
import type { ServerAnswer, ServerOracle, ValueOracle } from '@taskgate/testkit';

/**
 * One difference between the analysis and the database. A **disagreement** is one of
 *
 * - `missed-read`: the server's tree, or pg_depend, has a column (through views) that no access of the analysis names
 * - `false-read`: an access names a column that the statement does not name, expand to, or hold within a whole row
 * - `missed-source`: an output column can hold values of a column that is not among its sources
 * - `false-plain`: an output column is said to hold values as they are, and does not
 * - `missed-use`: a column is used other than as it is, and `uses` does not have it
 * - `shape`: another number of output columns, or another name of one
 * - `told`: changing the values of a column, which is not in `uses`, changed what the client sees elsewhere than in the
 *   output columns that have it as a source (another row, another value, an error, or what a write left behind)
 *
 * No statement may have any, unless the analysis does not understand it (which denies it). `wider` is not one: the
 * analysis names more sources or uses than there are, which is safe, and a needless denial where the column is masked.
 */
export interface Difference {
  readonly kind:
    | 'missed-read'
    | 'false-read'
    | 'missed-source'
    | 'false-plain'
    | 'missed-use'
    | 'shape'
    | 'told'
    | 'wider-source'
    | 'wider-use'
    | 'wider-plain';
  readonly what: string;
}

export const isDisagreement = ({ kind }: Difference): boolean => !kind.startsWith('wider');

const nameOf = ({ relation, column }: ColumnName): string => `${relation}.${column}`;

function flatten(accesses: readonly RelationAccess[]): readonly RelationAccess[] {
  return accesses.flatMap((access) => [access, ...flatten(access.expands)]);
}

function columnsOf(accesses: readonly RelationAccess[]): ReadonlySet<string> {
  return new Set(accesses.flatMap(({ relation, columns }) => columns.map((column) => `${relation.name}.${column}`)));
}

/** Relations of the catalog that a relation inherits from: the analysis counts their columns as its own. */
function ancestorsOf(catalog: PostgresCatalog, name: string): ReadonlySet<string> {
  const found = new Set<string>();
  const add = (one: string): void => {
    for (const parent of catalog.relations.find((relation) => relation.name === one)?.parents ?? []) {
      const parentName = catalog.relations.find(({ oid }) => oid === parent)!.name;
      if (!found.has(parentName)) add(parentName);
      found.add(parentName);
    }
  };
  add(name);
  return found;
}

/** Everything in which the analysis of a statement and the server's own resolution of it differ. */
export function compareLineage(
  operation: SqlOperation,
  answer: ServerAnswer,
  oracle: ServerOracle,
  catalog: PostgresCatalog,
): readonly Difference[] {
  const differences: Difference[] = [];
  const add = (kind: Difference['kind'], what: string): void => {
    differences.push({ kind, what });
  };
  const selects = operation.accesses.filter(({ verb }) => verb === 'select');
  const read = columnsOf(selects);
  for (const column of answer.reads) if (!read.has(column)) add('missed-read', column);
  for (const column of read) if (!answer.reads.has(column)) add('false-read', column);
  for (const relation of answer.relations) {
    if (!operation.accesses.some((access) => access.relation.name === relation)) add('missed-read', relation);
  }
  const reached = flatten(operation.accesses);
  const touched = columnsOf(reached);
  // The excluded row of ON CONFLICT has all columns of its table in pg_depend, used or not.
  const listsAll = /\bon conflict\b.*\bdo update\b/is.test(operation.text);
  for (const column of answer.depends) {
    if (!column.endsWith('.') && !touched.has(column) && !listsAll) add('missed-read', `${column} of pg_depend`);
  }
  for (const { relation } of reached) {
    for (const column of oracle.viewReads.get(relation.name) ?? [])
      if (!touched.has(column)) add('missed-read', `${column} within ${relation.name}`);
  }

  const uses = new Set(operation.uses.map(({ column }) => nameOf(column)));
  for (const column of answer.uses) if (!uses.has(column)) add('missed-use', column);
  const isInherited = (column: string, known: ReadonlySet<string>): boolean => {
    const [relation = '', name] = column.split('.');
    return [...known].some((one) => {
      const [other = '', otherName] = one.split('.');
      return otherName === name && ancestorsOf(catalog, other).has(relation);
    });
  };
  for (const column of uses) {
    if (!answer.uses.has(column) && !isInherited(column, answer.uses)) add('wider-use', column);
  }

  if (operation.output?.length !== answer.outputs?.length) {
    add('shape', `${operation.output?.length} columns, not ${answer.outputs?.length}`);
    return differences;
  }
  for (const [index, output] of (operation.output ?? []).entries()) {
    const truth = answer.outputs![index]!;
    const name = answer.names![index]!;
    if (output.name !== name) add('shape', `column ${index} is \`${name}\`, not \`${output.name}\``);
    const sources = new Set(output.sources.map(nameOf));
    for (const source of truth.sources) if (!sources.has(source)) add('missed-source', `${index}: ${source}`);
    for (const source of sources) {
      if (!truth.sources.has(source) && !isInherited(source, truth.sources)) add('wider-source', `${index}: ${source}`);
    }
    if (output.plain && !truth.plain) add('false-plain', String(index));
    if (!output.plain && truth.plain && sources.size > 0) add('wider-plain', String(index));
  }
  return differences;
}

/** How many columns are changed for one statement, of those that it reads and of those that it does not. */
const CHANGES_EACH = 2;

/**
 * What can be told of columns that the analysis says are not used. `order` picks which of them to change: any number.
 * `ran` is how often the statement ran.
 */
export async function compareValues(
  operation: SqlOperation,
  oracle: ServerOracle,
  values: ValueOracle,
  order: number,
): Promise<{ readonly differences: readonly Difference[]; readonly ran: number }> {
  const writes = operation.statementClass !== 'select' || /\b(update|delete) .* returning\b/is.test(operation.text);
  const reached = new Set(flatten(operation.accesses).map(({ relation }) => relation.name));
  const taboo = new Set(operation.uses.map(({ column }) => nameOf(column)));
  // Which rows a view shows is its owner's choice.
  for (const name of reached) for (const column of oracle.viewRowUses.get(name) ?? []) taboo.add(column);
  const sourcesOf = (operation.output ?? []).map(({ sources }) => new Set(sources.map(nameOf)));
  const shown = new Set(sourcesOf.flatMap((sources) => [...sources]));
  const free = [...values.columns].filter((column) => !taboo.has(column));
  const rotate = (list: readonly string[]): readonly string[] => {
    const from = list.length === 0 ? 0 : order % list.length;
    return [...list.slice(from), ...list.slice(0, from)].slice(0, CHANGES_EACH);
  };
  const near = (column: string): boolean => reached.has(column.split('.')[0]!);
  const changes = [
    ...rotate(free.filter((column) => shown.has(column))),
    ...rotate(free.filter((column) => !shown.has(column) && near(column))),
  ];
  const text = operation.text;
  const base = await values.run(text, null, writes);
  if (base.error !== null) return { differences: [], ran: 1 };
  const differences: Difference[] = [];
  for (const changed of changes) {
    const keeps = (index: number): boolean => !(sourcesOf[index]?.has(changed) ?? false);
    const seen = await values.run(text, changed, writes);
    if (seen.error !== null) {
      if (!/timeout/.test(seen.error)) differences.push({ kind: 'told', what: `${changed}: ${seen.error}` });
    } else if (base.tag !== seen.tag) differences.push({ kind: 'told', what: `${changed}: ${base.tag}, ${seen.tag}` });
    else if (canonical(base.rows, keeps) !== canonical(seen.rows, keeps))
      differences.push({ kind: 'told', what: `${changed}: by a row` });
    else if (writes) {
      for (const [table, rows] of base.tables) {
        const cells = values.columnsOf(table);
        const others = (index: number): boolean => `${table}.${cells[index]}` !== changed && !isChild(table, changed);
        if (canonical(rows, others) !== canonical(seen.tables.get(table) ?? [], others))
          differences.push({ kind: 'told', what: `${changed}: by what it wrote to ${table}` });
      }
    }
  }
  if (!writes) {
    for (const [index, output] of (operation.output ?? []).entries()) {
      if (!output.plain) continue;
      // A constant may stand beside the column's own values; a canary in another form may not.
      const cells = new Set(output.sources.flatMap((source) => [...(values.cells.get(nameOf(source)) ?? [])]));
      const strange = base.rows.find(
        ({ [index]: value }) => value != null && !cells.has(value) && values.holdsCanary(value),
      );
      if (strange !== undefined) differences.push({ kind: 'false-plain', what: `${index}: ${strange[index]}` });
    }
  }
  return { differences, ran: 1 + changes.length };
}

/** Rows in whatever order, with the columns that are kept. */
function canonical(rows: readonly (readonly (string | null)[])[], keeps: (index: number) => boolean): string {
  return rows
    .map((row) => JSON.stringify(row.filter((_, index) => keeps(index))))
    .sort()
    .join('\n');
}

/** The dump of a parent shows the rows of its children too. */
function isChild(table: string, changed: string): boolean {
  return (table === 'animals' && changed.startsWith('dogs.')) || (table === 'payments' && changed.startsWith(table));
}
