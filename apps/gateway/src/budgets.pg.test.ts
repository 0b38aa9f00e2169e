import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NO_LIMITS, SecretValue } from '@taskgate/core';
import { migrate } from '@taskgate/db';
import { type ControlPlane, createGrantBudgets, type GrantBudgets } from '@taskgate/gateway';
import { createControlPlane, createServices, type Services } from '@taskgate/services';
import { startTestPostgres, type TestDatabase, type TestPostgres } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// Two gateways' budgets over the real store: never more in all than the limit, whatever happens to either.

let server: TestPostgres;
let database: TestDatabase;
let services: Services;
let folder: string;
const clock = { now: () => Date.now(), monotonicMs: () => performance.now() };

beforeAll(async () => {
  server = await startTestPostgres();
  database = await server.createDatabase();
  await migrate({
    connectionString: database.url,
    directory: path.join(import.meta.dirname, '../../../prisma/migrations'),
  });
  folder = await mkdtemp(path.join(tmpdir(), 'taskgate-budgets-'));
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  services = await createServices({
    databaseUrl: new SecretValue(database.url),
    home: folder,
    settings: {
      webUrl: 'http://127.0.0.1:3000',
      postgresHost: '127.0.0.1',
      postgresPort: 15432,
      consolePort: 18081,
      recordingsDirectory: path.join(folder, 'recordings'),
      spoolDirectory: path.join(folder, 'spool'),
    },
    log,
    poolSize: 5,
  });
});
afterAll(async () => {
  await services.close();
  await database.drop();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

let grants = 0;
async function newGrant(): Promise<string> {
  const id = `grt_${String(++grants).padStart(26, '0')}`;
  await database.query(`set session_replication_role = replica;
    insert into grants (id, "rootId", "ownerIds", "authorityIds", "taskId", "taskRevision", "identityId", state, "ttlMs", "approvalsNeeded", "approverGroups", "stepUp", "requestedAt", "requestExpiresAt")
      values ('${id}', '${id}', '{usr}', '{usr}', 'tsk', 1, 'usr', 'requested', 1, 0, '{}', 'none', now(), now());
    reset session_replication_role`);
  return id;
}

function gateway(name: string, change: Partial<ControlPlane> = {}): GrantBudgets {
  const controlPlane = { ...createControlPlane(services, { gatewayName: name }), ...change };
  return createGrantBudgets({ controlPlane, clock, gatewayName: name, onFailure: () => undefined });
}

const stored = async (grantId: string, dimension: string) =>
  (
    await database.query(
      `select spent::int, reserved::int from grant_budgets where "grantId" = '${grantId}' and dimension = '${dimension}'`,
    )
  )[0];

describe('the budget of a grant', () => {
  it('is never passed by two gateways that race for it, and nothing of it is lost', async () => {
    const grantId = await newGrant();
    const limits = { ...NO_LIMITS, statements: 500 };
    const gates = [gateway('a'), gateway('b')];
    const spenders = gates.map((gate) => gate.open(grantId, limits).budget);
    const spend = async (budget: (typeof spenders)[number]): Promise<number> => {
      while (!budget.hasStatement) if (!(await budget.moreStatements())) return 0;
      budget.spend('statements', 1);
      return 1;
    };
    const spent = await Promise.all(Array.from({ length: 1_000 }, (_, n) => spend(spenders[n % 2]!)));
    const used = spent.reduce((sum, one) => sum + one, 0);
    expect(used).toBeLessThanOrEqual(500);
    await Promise.all(gates.map((gate) => gate.close()));
    expect(await stored(grantId, 'statements')).toEqual({ spent: used, reserved: 0 });
    // What was given back at the end is there for whoever comes next, to the last one.
    const last = gateway('c').open(grantId, limits).budget;
    let rest = 0;
    for (let n = 0; n < 300; n++) rest += await spend(last);
    expect(used + rest).toBe(500);
  });

  it('counts what a killed gateway had reserved as used, once', async () => {
    const grantId = await newGrant();
    const limits = { ...NO_LIMITS, rows: 1_000 };
    const killed = gateway('killed').open(grantId, limits).budget;
    await killed.moreRows();
    const reserved = killed.rows.left;
    expect(reserved).toBeGreaterThan(0);
    killed.spendRow(1);
    const plane = createControlPlane(services, { gatewayName: 'killed' });
    await plane.forfeitBudgets('killed');
    await plane.forfeitBudgets('killed');
    expect(await stored(grantId, 'rows')).toEqual({ spent: reserved, reserved: 0 });
  });

  it('settles a report whose answer was lost once', async () => {
    const grantId = await newGrant();
    let lost = 0;
    const real = createControlPlane(services, { gatewayName: 'd' });
    const gate = gateway('d', {
      reserveBudget: async (report) => {
        const answer = await real.reserveBudget(report);
        if (lost++ % 2 === 0) throw new Error('the answer was lost');
        return answer;
      },
    });
    const { budget } = gate.open(grantId, { ...NO_LIMITS, rows: 100 });
    while (!budget.hasRow) await budget.moreRows();
    for (let n = 0; n < 5; n++) budget.spendRow(1);
    await gate.close();
    await gate.close();
    expect(await stored(grantId, 'rows')).toEqual({ spent: 5, reserved: 0 });
  });

  it('goes on within its slice while the store is away, and on from there when it is back', async () => {
    const grantId = await newGrant();
    let away = false;
    const real = createControlPlane(services, { gatewayName: 'e' });
    const gate = gateway('e', {
      reserveBudget: async (report) => {
        if (away) throw new Error('the store is away');
        return real.reserveBudget(report);
      },
    });
    const { budget } = gate.open(grantId, { ...NO_LIMITS, rows: 1_000 });
    await budget.moreRows();
    away = true;
    while (budget.hasRow) budget.spendRow(1);
    expect(await budget.moreRows()).toBe(false);
    expect(budget.reached()?.message).toContain('the store is away');
    away = false;
    expect(await budget.moreRows()).toBe(true);
    expect(budget.reached()).toBeNull();
    await gate.close();
  });

  it('follows a limit that a policy lowers while sessions are open', async () => {
    const grantId = await newGrant();
    const gate = gateway('f');
    const { budget } = gate.open(grantId, { ...NO_LIMITS, rows: 1_000 });
    await budget.moreRows();
    for (let n = 0; n < 5; n++) budget.spendRow(1);
    budget.setLimits({ ...NO_LIMITS, rows: 7 });
    let more = 0;
    for (;;) {
      while (!budget.hasRow) if (!(await budget.moreRows())) break;
      if (!budget.hasRow) break;
      budget.spendRow(1);
      more += 1;
    }
    expect(more).toBe(2);
    await gate.close();
  });
});
