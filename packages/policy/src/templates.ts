/** Where a new task starts: it parses as it is, and allows one thing. */
export const TASK_TEMPLATE = `kind: Task
# Lower-case letters, digits and dashes. Clients sign in with it as their user name.
name: my-task
# One sentence that says what it is for: reviewers and auditors read it.
purpose: Say what this task is for
resource: demo-shop

# Who may activate it. Nobody else can.
who:
  groups: [analysts]

access:
  # reason: required            # ask for a reason at each activation
  # approvals: { from: [dba], count: 1 }
  ttl: 1h                       # how long an activation lasts, at most 24h
  # when: 'now.hour >= 7 && now.hour < 20'   # CEL; times are UTC

# What is not allowed here is denied.
allow:
  - select: public.orders
  # - select: public.customers
  #   columns: [id, name]

# Allowed, but each statement waits for approval.
hold: []
  # - update: public.orders
  #   columns: [status]
  #   affects: { max: 1 }       # undone if it touches more rows
  #   approvals: { from: [dba], count: 1, timeout: 10m }

# Shown, but not in clear: email, last4, hash, redact or null.
mask:
  - kinds: [card-number, ssn, secret]
  # - columns: public.customers.email
  #   as: email

limits: { rows: 10000, bytes: 20MB, statements: 500, idle: 10m, connections: 2 }
record: { results: masked, readers: [auditors], keep: 400d }
`;

/** Where a new policy starts: it parses as it is. */
export const POLICY_TEMPLATE = `kind: Policy
name: my-policy
# One sentence that says what it is for: authors of tasks read it.
purpose: Say what this policy is for

# The resources on which it holds for every task: by label, by name, or \`all: true\`.
applies:
  resources:
    labels: { env: production }
    # names: [demo-shop]

# Give columns a class, so that masks here and in tasks can speak of the class.
classify:
  - columns: [public.customers.ssn]
    as: pii

# A policy never allows. It only takes away: it denies,
deny:
  - statements: [drop, truncate]
# holds for approval,
hold: []
  # - delete: '*'
  #   approvals: { from: [dba], count: 1, timeout: 10m }
# masks,
mask:
  - class: pii
    as: redact
# and limits.
limits: { rows: 100000 }
record: { readers: [auditors], keep: 400d }
`;

/** Where a new workflow starts: it parses as it is. */
export const WORKFLOW_TEMPLATE = `kind: Workflow
# Lower-case letters, digits and dashes.
name: my-workflow
# One sentence that says what it is for: reviewers and auditors read it.
purpose: Say what this job is for

# Who may activate it. Nobody else can.
who:
  groups: [analysts]

access:
  # reason: required            # ask for a reason at each activation
  # approvals: { from: [dba], count: 1 }
  ttl: 1h                       # how long the whole run lasts, at most 24h

# Tasks, each with its own grant. One without \`after\` may start at once.
steps:
  - task: my-task
  # - task: my-other-task
  #   after: my-task            # starts once that has completed

# What all steps use up together.
limits:
  rows: 10000
`;
