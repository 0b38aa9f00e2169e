import {
  buildCatalog,
  buildRelation,
  type ColumnName,
  type ColumnUse,
  type ColumnUseContext,
  type FunctionCandidate,
  type FunctionUse,
  type OutputColumn,
  type PostgresCatalog,
  type RelationAccess,
  type SqlOperation,
} from '@taskgate/core';

// For tests only: operations and the demo's catalog written by hand, without the analysis that makes them.

/** `public.orders` and its columns as an access. */
export function access(
  verb: RelationAccess['verb'],
  relation: string,
  columns: readonly string[] = [],
  more: Partial<RelationAccess> = {},
): RelationAccess {
  const [schema, name] = relation.split('.') as [string, string];
  const system = schema === 'pg_catalog' || schema === 'information_schema';
  return { verb, relation: { schema, name }, oid: null, columns, system, expands: [], ...more };
}

export function column(text: string): ColumnName {
  const [schema, relation, name] = text.split('.') as [string, string, string];
  return { schema, relation, column: name };
}

/** An output column that shows `source` as it is. */
export function shows(source: string): OutputColumn {
  return { name: source.split('.').at(-1)!, sources: [column(source)], plain: true };
}

export function computed(name: string, ...sources: readonly string[]): OutputColumn {
  return { name, sources: sources.map(column), plain: false };
}

export function use(context: ColumnUseContext, of: string): ColumnUse {
  return { column: column(of), context, position: { line: 1, column: 8 } };
}

/** A call that can only be that function. */
export function call(schema: string | null, name: string, more: Partial<FunctionCandidate> = {}): FunctionUse {
  const builtin = { oid: null, schema: schema ?? 'pg_catalog', name, arguments: null, harmless: false, guarded: false };
  const candidate = { ...builtin, ...more };
  return { schema, name, way: 'call', candidates: [candidate], harmless: candidate.harmless, position: null };
}

export function operation(
  statementClass: SqlOperation['statementClass'],
  more: Partial<SqlOperation> = {},
): SqlOperation {
  return {
    kind: 'sql',
    dialect: 'postgres',
    statementClass,
    label: statementClass.toUpperCase(),
    text: '',
    accesses: [],
    functions: [],
    output: null,
    uses: [],
    effect: null,
    copy: null,
    countsItsWrite: false,
    parameterCount: 0,
    unknowns: [],
    ...more,
  };
}

/** A select of these columns, each shown as it is. */
export function selectOf(relation: string, ...columns: readonly string[]): SqlOperation {
  return operation('select', {
    accesses: [access('select', relation, columns)],
    output: columns.map((name) => shows(`${relation}.${name}`)),
  });
}

const DEMO_TABLES: Readonly<Record<string, readonly string[]>> = {
  customers: ['id', 'name', 'email', 'phone', 'ssn', 'country', 'created_at'],
  orders: ['id', 'customer_id', 'status', 'total_cents', 'created_at'],
  order_items: ['id', 'order_id', 'product', 'quantity', 'price_cents'],
  payments: ['id', 'order_id', 'card_number', 'amount_cents', 'paid_at'],
};

export const DEMO_CATALOG: PostgresCatalog = buildCatalog({
  version: 'demo',
  relations: Object.entries(DEMO_TABLES).map(([name, columns], index) =>
    buildRelation({
      oid: 16_400 + index,
      name,
      columns: Object.fromEntries(columns.map((column) => [column, 'text'])),
    }),
  ),
});
