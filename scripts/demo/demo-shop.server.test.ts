import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecretValue } from '@taskgate/core';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@taskgate/embedded-postgres';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureRoleAndDatabase } from '../serve/embedded-server.ts';
import { DEMO_SHOP_DATABASE, DEMO_SHOP_ROLE, installDemoShop } from './demo-shop.ts';

let folder: string;
let server: EmbeddedPostgres;
let url: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'demo-shop-'));
  chmodSync(folder, 0o711);
  server = await startEmbeddedPostgres({
    dataDirectory: join(folder, 'data'),
    port: 0,
    superuserPassword: new SecretValue('superuser'),
    log: () => undefined,
  });
  url = await ensureRoleAndDatabase(server, DEMO_SHOP_ROLE, "it's/secret", DEMO_SHOP_DATABASE, {
    mayCreateRoles: true,
  });
  await installDemoShop(server);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('the demo shop', () => {
  it('holds what the contract promises, owned by a role that is no superuser', async () => {
    expect(
      await query(`select (select count(*)::int from customers) as customers, (select count(*)::int from orders) as orders,
                          (select count(*) > 5000 from order_items) as items, (select count(*) > 3000 from payments) as payments`),
    ).toEqual([{ customers: 1000, orders: 5000, items: true, payments: true }]);
    expect(
      await query('select current_user as me, rolsuper, rolcreaterole from pg_roles where rolname = current_user'),
    ).toEqual([{ me: DEMO_SHOP_ROLE, rolsuper: false, rolcreaterole: true }]);
    expect(await query("select distinct tableowner from pg_tables where schemaname = 'public'")).toEqual([
      { tableowner: DEMO_SHOP_ROLE },
    ]);
  });

  it('keeps what people changed when it is installed again, and goes on counting after its own rows', async () => {
    await query("update orders set status = 'refunded' where id = 1");
    await ensureRoleAndDatabase(server, DEMO_SHOP_ROLE, 'another', DEMO_SHOP_DATABASE);
    await installDemoShop(server);
    expect(await query('select status from orders where id = 1')).toEqual([{ status: 'refunded' }]);
    expect(
      await query(
        "insert into orders (customer_id, status, total_cents, created_at) values (1, 'pending', 1, now()) returning id",
      ),
    ).toEqual([{ id: 5001 }]);
  });
});
