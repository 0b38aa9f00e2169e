import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { SecretValue } from '@taskgate/core';
import { readTestCatalog, startTestPostgres, type TestDatabase } from '@taskgate/testkit';
import { type AnalysisPoolLimits, createAnalysisPool } from '../analysis/analysis-pool.ts';
import { createLiveSessions } from '../live-sessions.ts';
import type { Log } from '../ports.ts';
import { createCancelRegistry } from '../postgres/cancel-registry.ts';
import { createDecisionContexts } from '../postgres/decision-context.ts';
import { createGrantBudgets } from '../postgres/grant-budgets.ts';
import { listenPostgres } from '../postgres/postgres-listener.ts';
import type { SessionPorts } from '../postgres/run-postgres-session.ts';
import { createRandomPool } from '../random-pool.ts';
import { createOperationJournal } from '../recording/operation-journal.ts';
import { createFolderArchive } from '../recording/recording-archive.ts';
import { createSpool } from '../recording/spool.ts';
import { createSpoolIndexer } from '../recording/spool-indexer.ts';
import { createMemoryControlPlane, type MemoryControlPlane, type MemoryGrant } from './memory-control-plane.ts';

const SCHEMA = `
  create table public.customers (id int primary key, name text, email text, phone text, ssn text, country text, created_at timestamptz default now());
  create table public.orders (id int primary key, customer_id int references public.customers, status text, total_cents int, created_at timestamptz default now());
  create table public.order_items (id int primary key, order_id int, sku text, quantity int, price_cents int);
  create table public.payments (id int primary key, order_id int, card_number text, amount_cents int, paid_at timestamptz);
  insert into public.customers select i, 'Customer ' || i, 'customer' || i || '@example.com', '+1 555 ' || i, '123-45-' || (1000 + i), 'NL' from generate_series(1, 20) i;
  insert into public.orders select i, 1 + i % 20, 'open', i * 100 from generate_series(1, 100) i;
  create view public.customer_mail as select id, email from public.customers;`;

const policyFixture = (name: string): string =>
  fs.readFileSync(path.join(import.meta.dirname, '../../../policy/src/fixtures', name), 'utf8');

/** What listens, over an in-memory control plane that knows one resource. */
export interface Door {
  readonly port: number;
  readonly controlPlane: MemoryControlPlane;
  readonly ports: SessionPorts;
  readonly spoolDirectory: string;
  readonly archiveDirectory: string;
  readonly logLines: string[];
  close(): Promise<void>;
}

export interface DoorOptions {
  readonly analysis?: Partial<AnalysisPoolLimits>;
  readonly renewCatalogMs?: number;
  /** Where the spool lies, when it is not in a temporary folder of its own. */
  readonly spoolDirectory?: string;
  readonly authenticationDeadlineMs?: number;
}

export interface TestDoor extends Door {
  readonly database: TestDatabase;
  readonly grant: GrantOf;
  close(): Promise<void>;
}

/** A real listener before a real Postgres, over the in-memory control plane. */
export async function openTestDoor(
  options: DoorOptions & {
    /** Where sessions are connected to, in place of the server that the catalog is read from. */
    readonly target?: { readonly host: string; readonly port: number };
  } = {},
): Promise<TestDoor> {
  const postgres = await startTestPostgres();
  const database = await postgres.createDatabase();
  await database.query(SCHEMA);
  const target: Parameters<typeof openDoor>[0] = {
    credential: {
      host: options.target?.host ?? postgres.host,
      port: options.target?.port ?? postgres.port,
      database: database.name,
      tls: { mode: 'disable', ca: null },
      username: postgres.user,
      secret: new SecretValue(postgres.password),
    },
    readCatalog: () => readTestCatalog(database),
  };
  const door = await openDoor(target, options);
  return {
    ...door,
    database,
    grant: grantOf(door, database.name),
    async close() {
      await door.close();
      await database.drop();
      await postgres.stop();
    },
  };
}

export type GrantOf = (
  task: 'sales-report' | 'fix-order-status' | 'shop-admin',
  options?: { limits?: Record<string, number>; ttlMs?: number; policies?: readonly string[]; source?: string },
) => MemoryGrant;

export function grantOf(door: Door, database: string): GrantOf {
  return (task, options = {}) =>
    door.controlPlane.addGrant({
      task,
      taskSource: options.source ?? policyFixture(`${task}.task.yaml`),
      policySources: options.policies ?? [policyFixture('customer-data.policy.yaml')],
      database,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      ...(options.ttlMs === undefined ? {} : { ttlMs: options.ttlMs }),
    });
}

/** A real listener before whatever the credential opens. */
export async function openDoor(
  target: Parameters<typeof createMemoryControlPlane>[0],
  options: DoorOptions = {},
): Promise<Door> {
  const controlPlane = createMemoryControlPlane(target);
  const clock = { now: () => Date.now(), monotonicMs: () => performance.now() };
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'taskgate-door-'));
  const spoolDirectory = options.spoolDirectory ?? path.join(folder, 'spool');
  const archiveDirectory = path.join(folder, 'recordings');
  const logLines: string[] = [];
  const line = (message: string, fields?: object): void => {
    logLines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  };
  const log: Log = { info: line, warn: line, error: line };
  const spool = createSpool(spoolDirectory);
  const journal = createOperationJournal({
    directory: spoolDirectory,
    writer: 0,
    key: await controlPlane.journalKey(),
    randomBytes: (length) => randomBytes(length),
  });
  const live = createLiveSessions({ clock, controlPlane });
  const analysis = createAnalysisPool(options.analysis);
  const stopping = new AbortController();
  controlPlane.watch((event) => live.onEvent(event), stopping.signal);
  const ports: SessionPorts = {
    controlPlane,
    clock,
    randomBytes: createRandomPool((length) => randomBytes(length)),
    spool,
    journal,
    log,
    gatewayName: 'test-gateway',
    contexts: createDecisionContexts(controlPlane, clock, analysis, options.renewCatalogMs),
    budgets: createGrantBudgets({ controlPlane, clock, gatewayName: 'test-gateway', onFailure: () => undefined }),
    cancels: createCancelRegistry((length) => randomBytes(length), { index: 0, count: 1, forward: () => undefined }),
    live,
    indexer: createSpoolIndexer({ spool, archive: createFolderArchive(archiveDirectory), controlPlane, log }),
  };
  const listener = await listenPostgres({
    host: '127.0.0.1',
    port: 0,
    tls: { context: tls.createSecureContext(), binding: null },
    ports,
    ...(options.authenticationDeadlineMs === undefined
      ? {}
      : { authenticationDeadlineMs: options.authenticationDeadlineMs }),
  });
  return {
    port: listener.port,
    controlPlane,
    ports,
    spoolDirectory,
    archiveDirectory,
    logLines,
    async close() {
      const closing = listener.close();
      await live.endAll();
      journal.close();
      await closing;
      await ports.budgets.close();
      await ports.indexer.drain(AbortSignal.timeout(5_000));
      stopping.abort();
      await analysis.close();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
