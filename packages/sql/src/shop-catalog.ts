import {
  buildCatalog,
  buildFunction,
  buildRelation,
  buildType,
  type CatalogRelation,
  type PostgresCatalog,
} from '@taskgate/core';

/** The demo's tables with views, an inherited table, a partitioned one, a function and an operator: for tests. */
const INT = 'integer';
const TEXT = 'text';
const WHEN = 'timestamp with time zone';
const RULE = 'CREATE RULE r AS ON INSERT TO public.ruled DO INSTEAD NOTHING;';
const LOG_RULE = `CREATE RULE log AS ON INSERT TO public.logged WHERE (new.id > 0) DO
  INSERT INTO public.order_items (id, sku) SELECT new.id, customers.ssn FROM public.customers WHERE (public.wipe(new.id) = 1);`;
const BUILTIN = { schema: 'pg_catalog', volatility: 'immutable', language: 'internal' } as const;

function relation(
  oid: number,
  name: string,
  columns: Readonly<Record<string, string>>,
  rest: Omit<Parameters<typeof buildRelation>[0], 'name' | 'columns'> = {},
): CatalogRelation {
  return buildRelation({ oid, name, columns, ...rest });
}

const BADGES = relation(35, 'badges', { id: INT, ssn: TEXT, badge: TEXT });
const GENERATED: CatalogRelation = {
  ...BADGES,
  columns: BADGES.columns.map((column) =>
    column.name === 'badge' ? { ...column, default: 'generated', generatedFrom: ['ssn'] } : column,
  ),
};
const CUSTOMER = { id: INT, name: TEXT, email: TEXT, phone: TEXT, ssn: TEXT, country: TEXT, created_at: WHEN };

export const SHOP_CATALOG: PostgresCatalog = buildCatalog({
  version: 'shop-1',
  relations: [
    relation(1, 'customers', CUSTOMER),
    relation(
      2,
      'orders',
      { id: INT, customer_id: INT, status: TEXT, total_cents: INT, created_at: WHEN },
      {
        triggers: [
          {
            name: 'touched',
            functionOid: 900,
            functionName: 'public.touch',
            timing: 'before',
            forEachRow: true,
            events: ['insert', 'update'],
          },
        ],
      },
    ),
    relation(
      3,
      'order_items',
      { id: INT, order_id: INT, sku: TEXT, quantity: INT, price_cents: INT },
      { foreignKeys: [{ name: 'items_order', references: 2, onDelete: 'cascade', onUpdate: null }] },
    ),
    relation(4, 'payments', { id: INT, order_id: INT, card_number: TEXT, amount_cents: INT, paid_at: WHEN }),
    relation(
      10,
      'contacts',
      { id: INT, mail: TEXT },
      {
        definition:
          " SELECT customers.id,\n    customers.email AS mail\n   FROM public.customers\n  WHERE (customers.country = 'NL'::text);",
      },
    ),
    relation(
      11,
      'labels',
      { id: INT, label: TEXT },
      {
        definition:
          " SELECT customers.id,\n    ((customers.name || ' '::text) || customers.ssn) AS label\n   FROM public.customers;",
      },
    ),
    relation(12, 'contacts_again', { mail: TEXT }, { definition: ' SELECT contacts.mail\n   FROM public.contacts;' }),
    relation(
      13,
      'labels_kept',
      { label: TEXT },
      { kind: 'materialized-view', definition: ' SELECT labels.label\n   FROM public.labels;' },
    ),
    relation(14, 'circle_a', { id: INT }, { definition: ' SELECT circle_b.id\n   FROM public.circle_b;' }),
    relation(15, 'circle_b', { id: INT }, { definition: ' SELECT circle_a.id\n   FROM public.circle_a;' }),
    relation(
      16,
      'wiped',
      { id: INT },
      { definition: ' SELECT public.wipe(customers.id) AS id\n   FROM public.customers;' },
    ),
    relation(20, 'vip_customers', { ...CUSTOMER, tier: TEXT }, { parents: [1] }),
    relation(21, 'events', { id: INT, body: TEXT, at: WHEN }, { kind: 'partitioned-table' }),
    relation(22, 'events_2026', { id: INT, body: TEXT, at: WHEN }, { parents: [21] }),
    relation(
      30,
      'ruled',
      { id: INT, note: TEXT },
      { rules: [{ name: 'r', event: 'insert', instead: true, definition: RULE }] },
    ),
    relation(
      32,
      'logged',
      { id: INT, note: TEXT },
      { rules: [{ name: 'log', event: 'insert', instead: false, definition: LOG_RULE }] },
    ),
    relation(33, 'coded', { id: INT, code: TEXT, amount: 'public.positive' }, { writeFunctions: [900] }),
    GENERATED,
    relation(
      36,
      'coded_view',
      { id: INT, code: TEXT },
      { definition: ' SELECT coded.id,\n    coded.code\n   FROM public.coded;' },
    ),
    relation(
      37,
      'logged_view',
      { id: INT, note: TEXT },
      { definition: ' SELECT logged.id,\n    logged.note\n   FROM public.logged;' },
    ),
    relation(34, 'moods', { id: INT, mood: 'public.mood' }),
    relation(31, 'Odd Name', { 'Mixed Case': TEXT, 'ss n': TEXT }),
    { ...relation(40, 'notes', { id: INT, text: TEXT }), schema: 'private' },
  ],
  functions: [
    buildFunction({ oid: 900, name: 'wipe', arguments: [INT], securityDefiner: true }),
    buildFunction({ oid: 901, name: 'lower', arguments: ['character varying'], result: TEXT }),
    buildFunction({ oid: 902, name: 'close_day', kind: 'procedure', result: 'void' }),
    buildFunction({ oid: 904, name: 'to_mood', arguments: [TEXT], result: 'public.mood' }),
    buildFunction({ oid: 903, name: 'never', arguments: [TEXT, TEXT], result: 'boolean' }),
  ],
  builtinFunctions: [
    buildFunction({ ...BUILTIN, oid: 870, name: 'lower', arguments: [TEXT], result: TEXT }),
    buildFunction({ ...BUILTIN, oid: 3848, name: 'lower', arguments: ['anyrange'], result: 'anyelement' }),
  ],
  operators: ['|||', '@@@'].map((name, index) => ({
    oid: 950 + index,
    schema: 'public',
    name,
    left: TEXT,
    right: TEXT,
    result: 'boolean',
    functionOid: 903,
    functionSchema: 'public',
    functionName: 'never',
  })),
  casts: [
    { source: 'integer', target: 'bigint', context: 'implicit', functionOid: null },
    { source: 'character varying', target: TEXT, context: 'implicit', functionOid: null },
    { source: TEXT, target: 'public.mood', context: 'assignment', functionOid: 904 },
  ],
  types: [
    buildType({ oid: 800, name: 'mood' }),
    buildType({ oid: 801, name: 'positive', kind: 'domain', base: INT, functions: [903] }),
  ],
});
