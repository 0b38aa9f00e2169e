import { createCipheriv, createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildCatalog, buildRelation, type PostgresCatalog } from '@taskgate/core';
import { compilePolicySet, decide, policyApplies, reachOf } from '@taskgate/policy';
import { createRecordingWriter, type NewRecordingEvent } from '@taskgate/recording';
import { isAllowedSystemRelation, sqlAnalyzer } from '@taskgate/sql';
import { requireTaskGrant } from '../grants/grant-row.ts';
import { toResourceFacts } from '../grants/load-terms.ts';
import { loadPoliciesInForce } from '../policies/load-policies-in-force.ts';
import { readTaskDocument } from '../tasks/task-documents.ts';
import type { TestPerson } from './test-services.ts';
import type { TestShop } from './test-shop.ts';

const text = (...columns: readonly string[]): Record<string, string> =>
  Object.fromEntries(columns.map((column) => [column, 'text']));

export const SHOP_CATALOG: PostgresCatalog = {
  ...buildCatalog({
    relations: [
      buildRelation({ oid: 16_401, name: 'customers', columns: text('id', 'name', 'email', 'ssn', 'country') }),
      buildRelation({ oid: 16_402, name: 'orders', columns: text('id', 'customer_id', 'status', 'total_cents') }),
      buildRelation({ oid: 16_403, name: 'payments', columns: text('id', 'order_id', 'card_number') }),
    ],
  }),
  version: 'shop-1',
};

/** Makes it what the shop's database looks like; gives the resource's id. */
export async function setShopCatalog(shop: TestShop, catalog: PostgresCatalog = SHOP_CATALOG): Promise<string> {
  const { db } = shop.services;
  const { id } = await db.resource.findUniqueOrThrow({ where: { name: 'demo-shop' } });
  await db.catalogVersion.updateMany({ where: { resourceId: id }, data: { current: false } });
  await db.catalogVersion.create({
    data: {
      resourceId: id,
      version: catalog.version,
      readAt: new Date(shop.clock.now()),
      current: true,
      content: JSON.parse(JSON.stringify(catalog)),
    },
  });
  return id;
}

export interface RecordedStatements {
  readonly sessionId: string;
  readonly decisionIds: readonly string[];
}

/** One ended session with these statements, decided, recorded and indexed as the gateway does it. */
export async function recordStatements(
  shop: TestShop,
  options: {
    readonly statements: readonly string[];
    readonly task?: string;
    readonly person?: TestPerson;
    readonly catalog?: PostgresCatalog;
    /** An active one of that task; a new one unless given. */
    readonly grantId?: string;
  },
): Promise<RecordedStatements> {
  const { services, clock, controlPlane } = shop;
  const catalog = options.catalog ?? SHOP_CATALOG;
  const task = options.task ?? 'sales-report';
  const grantId = options.grantId ?? (await shop.activeGrant(task, options.person ?? shop.engineer)).id;
  const sessionId = `ses_${shop.decisionId().slice(4)}`;
  const { sessionKey, wrappedKey } = await controlPlane.startSession({
    sessionId,
    grantId,
    protocol: 'postgres',
    clientAddress: '192.0.2.7',
    application: 'psql',
    gateway: 'gate-1',
    startedAt: clock.now(),
  });
  const key = sessionKey.reveal((base64) => Buffer.from(base64, 'base64'));
  const writer = createRecordingWriter({
    header: { sessionId, createdAt: clock.now(), wrappedKey },
    sha256: (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
    seal: (plaintext, seq) => {
      const nonce = Buffer.alloc(12);
      nonce.writeBigUInt64BE(BigInt(seq), 4);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      cipher.setAAD(Buffer.from(`${sessionId}:${seq}`));
      return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    },
  });
  const grant = requireTaskGrant(
    await services.db.grant.findUniqueOrThrow({
      where: { id: grantId },
      include: { task: { include: { resource: true } } },
    }),
  );
  const revision = await services.db.taskRevision.findUniqueOrThrow({
    where: { taskId_revision: { taskId: grant.taskId, revision: grant.taskRevision } },
  });
  const resource = toResourceFacts(grant.task.resource);
  const set = compilePolicySet({
    task: { name: task, revision: grant.taskRevision, document: readTaskDocument(grant.document ?? revision.source) },
    policies: (await loadPoliciesInForce(services.db)).filter(({ document }) => policyApplies(document, resource)),
    resource,
    catalog,
    isAllowedSystemRelation,
  });
  const analyzer = await sqlAnalyzer(catalog.serverVersion);
  const chunks = [writer.headerBytes];
  const operations = options.statements.map((statement, seq) => {
    const operation = analyzer.analyze(statement, catalog)[0]!;
    const decision = decide(operation, set);
    const event = {
      kind: 'operation',
      at: clock.now(),
      decisionId: shop.decisionId(),
      statementClass: operation.statementClass,
      label: operation.label,
      relations: reachOf(operation, set),
      decision: { outcome: decision.outcome, reasons: decision.reasons },
      catalogVersion: catalog.version,
      fingerprint: createHash('sha256').update(statement).digest('hex'),
      via: 'simple',
      secret: { statement, parameters: [] },
    } satisfies NewRecordingEvent;
    chunks.push(writer.append(event));
    const { secret: _, decision: __, kind: ___, ...indexed } = event;
    return { ...indexed, seq, outcome: decision.outcome, reasons: decision.reasons };
  });
  await mkdir(services.settings.spoolDirectory, { recursive: true });
  await writeFile(join(services.settings.spoolDirectory, `${sessionId}.tgr`), Buffer.concat(chunks));
  await controlPlane.indexSession(sessionId, {
    operations,
    outcomes: operations.map(({ decisionId, outcome }) => ({
      decisionId,
      outcome: outcome === 'deny' ? ('refused' as const) : ('done' as const),
      tag: null,
      rows: 1,
      bytes: 1,
      maskedCells: 0,
      durationMs: 1,
      sqlstate: null,
    })),
    upTo: operations.length,
    end: {
      at: clock.now(),
      reason: 'client-closed',
      detail: null,
      interrupted: false,
      head: { count: operations.length, hash: 'ab'.repeat(32) },
      bytesIn: 1,
      bytesOut: 1,
    },
  });
  return { sessionId, decisionIds: operations.map(({ decisionId }) => decisionId) };
}
