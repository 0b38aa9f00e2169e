import type { CatalogRelation, PostgresCatalog } from '@taskgate/core';

/** The demo's tables with views, an inherited table, a partitioned one, a function and an operator: for tests. */
const INT = 'integer';
const TEXT = 'text';
const WHEN = 'timestamp with time zone';

function relation(
  oid: number,
  name: string,
  columns: Readonly<Record<string, string>>,
  rest: Partial<CatalogRelation> = {},
): CatalogRelation {
  return {
    oid,
    schema: 'public',
    name,
    kind: rest.definition ? 'view' : 'table',
    columns: Object.entries(columns).map(([column, typeName], index) => ({
      name: column,
      attnum: index + 1,
      typeOid: typeName === INT ? 23 : typeName === TEXT ? 25 : 1184,
      typeName,
    })),
    definition: null,
    parents: [],
    hasTriggers: false,
    hasRules: false,
    ...rest,
  };
}

const CUSTOMER = { id: INT, name: TEXT, email: TEXT, phone: TEXT, ssn: TEXT, country: TEXT, created_at: WHEN };

export const SHOP_CATALOG: PostgresCatalog = {
  version: 'shop-1',
  serverVersion: 180004,
  database: 'shop',
  searchPath: ['public'],
  relations: [
    relation(1, 'customers', CUSTOMER),
    relation(2, 'orders', { id: INT, customer_id: INT, status: TEXT, total_cents: INT, created_at: WHEN }),
    relation(3, 'order_items', { id: INT, order_id: INT, sku: TEXT, quantity: INT, price_cents: INT }),
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
    relation(30, 'ruled', { id: INT, note: TEXT }, { hasRules: true }),
    relation(31, 'Odd Name', { 'Mixed Case': TEXT, 'ss n': TEXT }),
    { ...relation(40, 'notes', { id: INT, text: TEXT }), schema: 'private' },
  ],
  functions: [
    { oid: 900, schema: 'public', name: 'wipe', kind: 'function', volatility: 'volatile', securityDefiner: true },
    { oid: 901, schema: 'public', name: 'lower', kind: 'function', volatility: 'volatile', securityDefiner: false },
    {
      oid: 902,
      schema: 'public',
      name: 'close_day',
      kind: 'procedure',
      volatility: 'volatile',
      securityDefiner: false,
    },
  ],
  operators: [
    { schema: 'public', name: '|||' },
    { schema: 'public', name: '@@@' },
  ],
  types: [
    { oid: 800, schema: 'public', name: 'mood', kind: 'enum' },
    { oid: 801, schema: 'public', name: 'positive', kind: 'domain' },
  ],
};
