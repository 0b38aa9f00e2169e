import type { AccessVerb, SqlOperation } from '@taskgate/core';
import { type CompiledPolicySet, relationKey } from './compile-policy-set.ts';
import { flattenAccesses } from './match-rule.ts';
import { matchesColumn } from './name-pattern.ts';

/** One relation that an operation reaches, views' own relations included, for the recording and its index. */
export interface ReachedRelation {
  readonly verb: AccessVerb;
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
  /** Classes of those columns, by the policies that it was decided by; missing where no column has one. */
  readonly classes?: Readonly<Record<string, readonly string[]>>;
}

/** More are not indexed: the recording holds the statement itself. */
const MAX_RELATIONS = 500;

/**
 * What the operation reaches, one entry for each pair of verb and relation, through views too: who read a table by a
 * view has read the table.
 */
export function reachOf(operation: SqlOperation, set: CompiledPolicySet): readonly ReachedRelation[] {
  const reached = new Map<string, { verb: AccessVerb; schema: string; name: string; columns: Set<string> }>();
  for (const { verb, relation, columns } of flattenAccesses(operation.accesses)) {
    const key = `${verb}\0${relationKey(relation)}`;
    const known = reached.get(key);
    if (known === undefined) {
      if (reached.size >= MAX_RELATIONS) break;
      reached.set(key, { verb, schema: relation.schema, name: relation.name, columns: new Set(columns) });
    } else for (const column of columns) known.columns.add(column);
  }
  return [...reached.values()].map(({ verb, schema, name, columns }) => {
    const names = [...columns];
    const classes = classesOf(set, schema, name, names);
    return { verb, schema, name, columns: names, ...(classes === null ? {} : { classes }) };
  });
}

/** Which of the columns are of which class; what shares rows with a relation shares its classes, as it does its masks. */
function classesOf(
  set: CompiledPolicySet,
  schema: string,
  name: string,
  columns: readonly string[],
): NonNullable<ReachedRelation['classes']> | null {
  if (set.classes.size === 0) return null;
  const relations = [{ schema, name }, ...(set.kin.get(relationKey({ schema, name })) ?? [])];
  const found: Record<string, string[]> = {};
  for (const [label, patterns] of set.classes) {
    const of = columns.filter((column) =>
      relations.some((relation) =>
        patterns.some((pattern) =>
          matchesColumn(pattern, { schema: relation.schema, relation: relation.name, column }),
        ),
      ),
    );
    if (of.length > 0) found[label] = of;
  }
  return Object.keys(found).length === 0 ? null : found;
}
