/** The demo's tasks, workflow and policy, as an admin would write them. */
export const DEMO_TASKS: readonly string[] = [
  `kind: Task
name: sales-report
purpose: Figures of orders and customers for the weekly sales report
resource: demo-shop
who: { groups: [analysts] }
access: { ttl: 1h }
allow:
  - select: public.orders
  - select: public.order_items
  - select: public.customers
    columns: [id, name, country, email]
mask:
  - columns: public.customers.email
    as: email
  - kinds: [card-number, ssn, secret]
limits: { rows: 10000 }
record: { results: masked, readers: [auditors] }
`,
  `kind: Task
name: fix-order-status
purpose: Correct the status of a single order after a support case
resource: demo-shop
who: { groups: [support] }
access: { reason: required, ttl: 30m }
allow:
  - select: public.orders
  - select: public.customers
    columns: [id, name, country, email]
hold:
  - update: public.orders
    columns: [status]
    affects: { max: 1 }
    approvals: { from: [dba], count: 1, timeout: 10m }
mask:
  - columns: public.customers.email
    as: email
  - kinds: [card-number, ssn, secret]
limits: { rows: 10000, bytes: 20MB, statements: 500, idle: 10m, connections: 2 }
record: { results: masked, durability: crash, readers: [auditors], keep: 400d }
`,
  `kind: Task
name: shop-admin
purpose: Maintenance of the shop database that no narrower task covers
resource: demo-shop
who: { groups: [support, analysts] }
access: { reason: required, approvals: { from: [dba], count: 1 }, ttl: 30m }
allow:
  - statements: '*'
record: { results: masked, readers: [auditors], keep: 400d }
`,
  `kind: Task
name: nightly-export
purpose: Export of the day's orders for the figures, without names or addresses
resource: demo-shop
who: { machines: [nightly] }
access: { ttl: 1h }
allow:
  - select: public.orders
  - select: public.order_items
  - select: public.customers
    columns: [id, country]
limits: { rows: 20000, connections: 1 }
record: { results: masked, readers: [auditors] }
`,
];

export const DEMO_POLICIES: readonly string[] = [
  `kind: Policy
name: customer-data
purpose: Personal data leaves no production database in clear
applies: { resources: { labels: { env: production } } }
classify:
  - columns: [public.customers.ssn, public.payments.card_number]
    as: pii
deny:
  - statements: [drop, truncate, alter, grant]
mask:
  - class: pii
    as: redact
limits: { rows: 100000 }
record: { readers: [auditors], keep: 400d }
`,
];

export const DEMO_WORKFLOWS: readonly string[] = [
  `kind: Workflow
name: order-correction
purpose: Look into a support case, then correct the status of its order
who: { groups: [support] }
access: { reason: required, ttl: 1h }
steps:
  - { task: sales-report }
  - { task: fix-order-status, after: sales-report }
limits: { rows: 500 }
`,
];
