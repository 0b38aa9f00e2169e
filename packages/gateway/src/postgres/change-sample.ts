import type { CatalogRelation, Decision, MaskName, RelationAccess, SqlOperation } from '@taskgate/core';
import { dataRowValue, decodeDataRow } from '@taskgate/protocol-postgres';
import type { ChangeSample } from '../control-plane.ts';
import type { DecidedStatement, DecisionContext } from './decision-context.ts';
import type { OperationRun } from './operation-run.ts';
import { type Answer, answeredValue } from './target-questions.ts';

const MAX_ROWS = 5;
const MAX_COLUMNS = 12;
const MAX_VALUE_CHARACTERS = 200;
/** NAMEDATALEN - 1: of a longer one the server would say that it cuts it. */
const MAX_NAME_BYTES = 63;

/** A write as the gate runs it to see some of the rows that it changes, and what its result is. */
export interface SamplePlan {
  readonly text: string;
  /** The count, and behind it each column: as it was and as it is, or the one of both that there is. */
  readonly result: DecidedStatement;
  readonly columns: readonly SampleColumn[];
  readonly pairs: boolean;
  readonly only: 'before' | 'after' | null;
  readonly hidden: readonly string[];
  readonly more: number;
}

interface SampleColumn {
  readonly name: string;
  readonly mask: MaskName | null;
}

type Sampling = SamplePlan | { readonly why: string };

export interface SamplePorts {
  readonly context: DecisionContext;
  readonly recordsResults: boolean;
  /** The columns of a table's primary key; empty where it has none that can be relied on. */
  readonly primaryKey: (relationOid: number) => Promise<readonly string[]>;
}

export const unsampled = (why: string): ChangeSample => ({ columns: [], rows: [], note: why });

/**
 * How to see some of the rows that a write changes: it runs inside a WITH, whose outer query still reads the rows as they
 * were (both have one snapshot), and RETURNING says what they are. A row is found again by its primary key. INVARIANT:
 * of the rows comes just what the task itself may select, under the masks that it would be sent with.
 */
export async function planSample(operation: SqlOperation, ports: SamplePorts): Promise<Sampling> {
  const { context } = ports;
  if (!ports.recordsResults) return { why: 'the task says that rows are not recorded' };
  const { plainWrite } = operation;
  const writes = operation.accesses.filter(({ verb }) => verb === 'insert' || verb === 'update' || verb === 'delete');
  const relation = context.catalog.relations.find(({ oid }) => oid === writes[0]?.oid);
  if (plainWrite === undefined || relation === undefined)
    return { why: 'only one plain insert, update or delete of a table can be looked into' };

  const isChild = ({ parents, isPartition }: { readonly parents: readonly number[]; readonly isPartition: boolean }) =>
    parents.includes(relation.oid) && !isPartition;
  const key = context.catalog.relations.some(isChild) ? [] : await ports.primaryKey(relation.oid);
  const updated = writes.filter(({ verb }) => verb === 'update').flatMap(({ columns }) => columns);
  const pairs = writes.some(({ verb }) => verb === 'update');
  if (pairs && (key.length === 0 || key.length > MAX_COLUMNS))
    return { why: 'the table has no primary key by which a row could be found before and after' };
  if (pairs && updated.some((column) => key.includes(column)))
    return { why: 'it changes the primary key, by which a row would be found before and after' };

  const table = `${quoted(relation.schema)}.${quoted(relation.name)}`;
  const decide = async (columns: readonly string[]): Promise<Decision | null> => {
    const same = pairs ? ` where ${key.map((name) => `${quoted(name)} = ${quoted(name)}`).join(' and ')}` : '';
    const decided = await context.decideText(`select ${columns.map(quoted).join(', ')} from ${table}${same}`);
    const decision = decided.length === 1 ? context.decideOperation(decided[0]!.operation, MAX_ROWS) : null;
    return decision?.outcome === 'allow' ? decision : null;
  };
  if (pairs && (await decide(key)) === null)
    return { why: 'the task may not compare the primary key, by which a row would be found before and after' };

  const written = operation.accesses.some(({ verb }) => verb === 'delete')
    ? relation.columns.map(({ name }) => name)
    : relation.columns.map(({ name }) => name).filter((name) => writes.some(({ columns }) => columns.includes(name)));
  const wanted = [...new Set([...key, ...written])];
  const shown: SampleColumn[] = [];
  const hidden: string[] = [];
  let last: Decision | null = null;
  for (const name of wanted) {
    if (shown.length === MAX_COLUMNS) break;
    const decision = await decide([name]);
    if (decision === null) hidden.push(name);
    else {
      shown.push({ name, mask: decision.obligations.outputMasks[0] ?? null });
      last = decision;
    }
  }
  if (last === null) return { why: 'the task may not read any of the columns that it writes' };
  const masks = shown.flatMap(({ mask }) => (pairs ? [mask, mask] : [mask]));
  const only = pairs ? null : writes[0]!.verb === 'delete' ? 'before' : 'after';
  const sources = shown.map(({ name }) => [{ schema: relation.schema, relation: relation.name, column: name }]);
  return {
    text: sampleText(operation.text, plainWrite, { table, key, pairs, only, columns: shown.map(({ name }) => name) }),
    result: {
      operation: {
        ...operation,
        accesses: withRead(operation, relation, [...(pairs ? key : []), ...shown.map(({ name }) => name)]),
        output: [
          { name: 'changed', sources: [], plain: true },
          ...shown.flatMap(({ name }, index) => {
            const column = { name, sources: sources[index]!, plain: true };
            return pairs ? [column, column] : [column];
          }),
        ],
      },
      decision: { ...last, obligations: { ...last.obligations, outputMasks: [null, ...masks] } },
    },
    columns: shown,
    pairs,
    only,
    hidden,
    more: wanted.length - shown.length - hidden.length,
  };
}

/** What the sample reads is found as any other reading. */
function withRead(
  { accesses }: SqlOperation,
  { oid, schema, name }: CatalogRelation,
  columns: readonly string[],
): SqlOperation['accesses'] {
  const isRead = (access: RelationAccess): boolean => access.verb === 'select' && access.oid === oid;
  const own = accesses.filter(isRead).flatMap((access) => access.columns);
  const read = { verb: 'select', relation: { schema, name }, oid, system: false, expands: [] } as const;
  return [...accesses.filter((access) => !isRead(access)), { ...read, columns: [...new Set([...own, ...columns])] }];
}

function sampleText(
  text: string,
  { target, returns }: NonNullable<SqlOperation['plainWrite']>,
  of: {
    readonly table: string;
    readonly key: readonly string[];
    readonly pairs: boolean;
    readonly only: SamplePlan['only'];
    readonly columns: readonly string[];
  },
): string {
  const now = (column: string): string => `now.taskgate_${of.columns.indexOf(column) + 1}`;
  const shown = of.columns.flatMap((column) =>
    of.pairs
      ? [`was.${quoted(column)} as ${labelled(column, 'before')}`, `${now(column)} as ${labelled(column, 'after')}`]
      : [`${now(column)} as ${labelled(column, of.only ?? 'after')}`],
  );
  const given = of.columns.map((column, index) => `${quoted(target)}.${quoted(column)} as taskgate_${index + 1}`);
  const found = of.key.map((column) => `was.${quoted(column)} = ${now(column)}`).join(' and ');
  return `with taskgate_changed as (
${text}
${returns ? ',' : 'returning'} ${given.join(', ')}
)
select (select pg_catalog.count(*) from taskgate_changed) as changed, ${shown.join(', ')}
from (select * from taskgate_changed limit ${MAX_ROWS}) as now${of.pairs ? ` left join ${of.table} as was on ${found}` : ''}`;
}

/** What came of a plan, masked by `run`; `null` where it does not say how many rows there are. */
export function readSample(
  plan: SamplePlan,
  answer: Answer,
  run: OperationRun,
  context: DecisionContext,
): { readonly rows: number; readonly sample: ChangeSample } | null {
  if (answer.tag === 'SELECT 0') return { rows: 0, sample: { columns: plan.columns, rows: [], note: null } };
  const changed = Number(answeredValue(answer) ?? Number.NaN);
  if (answer.description === null || !Number.isSafeInteger(changed)) return null;
  run.describe(context.results.describe(plan.result, answer.description));
  const rows = answer.rows.map((raw) => {
    const sent = decodeDataRow(run.row(raw));
    const values = Array.from({ length: sent.columnCount - 1 }, (_, index) =>
      shownValue(dataRowValue(sent, index + 1)),
    );
    if (plan.only === 'before') return { before: values, after: null };
    if (plan.only === 'after') return { before: null, after: values };
    const before = values.filter((_, index) => index % 2 === 0);
    // A key is never NULL: the row was not there.
    return { before: before[0] === null ? null : before, after: values.filter((_, index) => index % 2 === 1) };
  });
  const notes = [
    ...(changed > rows.length ? [`${rows.length} of ${changed} rows`] : []),
    ...(plan.hidden.length > 0 ? [`the task may not read ${plan.hidden.slice(0, 20).join(', ')}`] : []),
    ...(plan.more > 0 ? [`${plan.more} more columns`] : []),
  ];
  return {
    rows: changed,
    sample: { columns: plan.columns, rows, note: notes.length === 0 ? null : notes.join('; ') },
  };
}

function shownValue(value: Uint8Array | null): string | null {
  if (value === null) return null;
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  const characters = [...text.slice(0, 2 * MAX_VALUE_CHARACTERS)];
  return characters.length > MAX_VALUE_CHARACTERS ? `${characters.slice(0, MAX_VALUE_CHARACTERS).join('')}…` : text;
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

function labelled(column: string, when: 'before' | 'after'): string {
  const label = `${column} ${when}`;
  return quoted(Buffer.byteLength(label) > MAX_NAME_BYTES ? column : label);
}
