import { createId } from '@taskgate/core';
import { createSoftwareAuthenticator, type SoftwareAuthenticator } from '@taskgate/testkit';
import type { ServiceContext } from '../context.ts';
import { applyDocuments } from '../documents/apply-documents.ts';
import { createControlPlane } from '../gateway/control-plane.ts';
import type { NewHold } from '../gateway/gateway-holds.ts';
import { activateGrant } from '../grants/activate-grant.ts';
import { requestGrant } from '../grants/request-grant.ts';
import { createGroup } from '../people/create-group.ts';
import { PASSKEY_SITE, registerFor } from './register-for.ts';
import { startTestServices, type TestPerson, type TestServices } from './test-services.ts';

export type { TestPerson } from './test-services.ts';

export const SHOP_DOCUMENTS = `kind: Resource
name: demo-shop
type: postgres
host: 127.0.0.1
port: 1
database: shop
username: shop
tls: { mode: disable }
labels: { env: production }
principals: none
secret: env:SHOP_PASSWORD
---
kind: Policy
name: customer-data
purpose: Personal data leaves no production database in clear
applies: { resources: { labels: { env: production } } }
classify:
  - columns: [public.customers.ssn]
    as: pii
deny:
  - statements: [drop, truncate, alter, grant]
mask:
  - class: pii
    as: redact
limits: { rows: 100000 }
record: { readers: [auditors], keep: 400d }
---
kind: Task
name: sales-report
purpose: Figures for the weekly sales report
resource: demo-shop
who: { groups: [analysts] }
access: { ttl: 1h }
allow:
  - select: public.orders
limits: { rows: 10000, connections: 2 }
record: { readers: [auditors] }
---
kind: Task
name: fix-order-status
purpose: Correct the status of a single order
resource: demo-shop
who: { groups: [analysts] }
access: { reason: required, ticket: required, ttl: 30m }
allow:
  - select: public.orders
hold:
  - update: public.orders
    columns: [status]
    affects: { max: 1 }
    approvals: { from: [dba], count: 2, timeout: 10m }
---
kind: Task
name: shop-admin
purpose: Everything that no narrower task covers
resource: demo-shop
who: { groups: [analysts, dba] }
access: { reason: required, approvals: { from: [dba], count: 2, timeout: 8h }, ttl: 30m }
allow:
  - statements: '*'
`;

/** A store with a resource, a policy, three tasks and the people of the demo. */
export interface TestShop extends TestServices {
  readonly admin: TestPerson;
  readonly engineer: TestPerson;
  readonly otherEngineer: TestPerson;
  readonly reviewers: readonly [TestPerson, TestPerson, TestPerson];
  readonly auditor: TestPerson;
  readonly gateway: ServiceContext;
  readonly timer: ServiceContext;
  readonly controlPlane: ReturnType<typeof createControlPlane>;
  /** An active grant of the engineer's, and its token. */
  activeGrant(task?: string, person?: TestPerson): Promise<{ id: string; token: string }>;
  /** A live session under it. */
  session(grantId: string): Promise<string>;
  /** A statement that waits. */
  hold(sessionId: string, grantId: string, change?: Partial<NewHold>): Promise<string>;
  decisionId(): string;
  /** A passkey of the person's, and the device that has it. */
  passkey(person: TestPerson): Promise<{ id: string; device: SoftwareAuthenticator }>;
  /** The audit rows about something, oldest first. */
  audit(subject: string): Promise<{ action: string; actorId: string | null; before: unknown; after: unknown }[]>;
}

export const BINDING = 'ab'.repeat(32);
/** What the gate forwards once `hold` is approved. */
export const FORWARDED = {
  binding: BINDING,
  statement: "update orders set status = 'paid' where id = $1",
  parameters: ['42'],
};

export async function startTestShop(startMs?: number): Promise<TestShop> {
  const test = await startTestServices(startMs);
  const { services, setup, clock } = test;
  for (const [name, role] of [
    ['analysts', 'engineer'],
    ['dba', 'reviewer'],
    ['auditors', 'auditor'],
  ] as const)
    await createGroup(setup, { name, roles: [role] });
  await applyDocuments(setup, { source: SHOP_DOCUMENTS, secrets: { 'demo-shop': 'a target password' } });
  const engineer = await test.person('engineer', [], ['analysts']);
  const gateway: ServiceContext = { services, actor: { kind: 'system', via: 'gateway' } };
  const controlPlane = createControlPlane(services, { gatewayName: 'gate-1' });
  const newId = <P extends 'ses' | 'dec'>(prefix: P) => createId(prefix, clock.now(), services.randomBytes);
  return {
    ...test,
    admin: await test.person('admin', ['admin']),
    engineer,
    otherEngineer: await test.person('other', [], ['analysts']),
    reviewers: [
      await test.person('reviewer', [], ['dba']),
      await test.person('reviewer2', [], ['dba']),
      await test.person('reviewer3', [], ['dba']),
    ],
    auditor: await test.person('auditor', [], ['auditors']),
    gateway,
    timer: { services, actor: { kind: 'system', via: 'timer' } },
    controlPlane,
    async activeGrant(task = 'sales-report', person = engineer) {
      const { id } = await requestGrant(person.ctx, { task, reason: 'a test', ticket: 'T-1' });
      const { token } = await activateGrant(person.ctx, { id });
      return { id, token };
    },
    async session(grantId) {
      const sessionId = newId('ses');
      await controlPlane.startSession({
        sessionId,
        grantId,
        protocol: 'postgres',
        clientAddress: '192.0.2.7',
        application: 'psql',
        gateway: 'gate-1',
        startedAt: clock.now(),
      });
      return sessionId;
    },
    async hold(sessionId, grantId, change = {}) {
      const { holdId } = await controlPlane.openHold({
        sessionId,
        grantId,
        decisionId: newId('dec'),
        ...FORWARDED,
        statementClass: 'update',
        relations: [{ verb: 'update', schema: 'public', name: 'orders', columns: ['status'] }],
        reasons: [
          {
            code: 'held-by-rule',
            rule: { kind: 'task', name: 'fix-order-status', revision: 1, rule: 'hold.0', line: 9 },
            message: 'updates of `public.orders` are held',
            wouldAllow: null,
            position: null,
          },
        ],
        affectsMax: 1,
        estimate: { rows: 1, scanned: 1 },
        dryRun: null,
        approvals: { from: ['dba'], count: 2, timeoutMs: 600_000 },
        ...change,
      });
      return holdId;
    },
    decisionId: () => newId('dec'),
    async passkey(person) {
      const device = createSoftwareAuthenticator(PASSKEY_SITE);
      return { id: (await registerFor(person.ctx, device)).id, device };
    },
    // Many rows are of one instant of the clock: the transaction and the command in it say which came first.
    audit: (subject) =>
      test.database.query(
        `select action, "actorId", before, after from audit where subject = $1
         order by xmin::text::bigint, cmin::text::bigint`,
        [subject],
      ),
  };
}

/** The code that `work` is refused with; fails where it is not refused. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  const result: unknown = await work.then(
    () => 'it was not refused',
    (error: unknown) => error,
  );
  return result instanceof Error && 'code' in result ? String(result.code) : String(result);
}
