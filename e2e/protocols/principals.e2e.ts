import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntil } from '@taskgate/testkit';
import { expect, inject, test } from 'vitest';
import { as, endGrant, openGrant } from '../api.ts';
import { describeWithPsql, psql, startPsql } from '../psql.ts';
import { targetQuery } from '../target.ts';

const rolesOf = (task: string): Promise<{ name: string }[]> =>
  targetQuery<{ name: string }>("select rolname as name from pg_roles where rolname like 'tg\\_%' and rolname ~ $1", [
    task,
  ]);

describeWithPsql('a grant at the target itself', () => {
  test('is a role of its own, which psql sees, the target’s log names, and the end of the grant drops', async () => {
    const grant = await openGrant('sales-report');
    const role = `tg_sales-report_${grant.id.slice(-12)}`;
    expect((await psql(grant, { sql: ['select current_user'] })).stdout.trim()).toBe(role);
    const log = readFileSync(join(inject('system').home, 'logs/demo-shop.log'), 'utf8');
    expect(log).toContain(`${role}@shop`);
    // What is not granted does not depend on the gate: asked past it, with the same rights.
    const refused = await targetQuery(`set role "${role}"; select ssn from public.customers`).catch(
      (error: { code?: string }) => error.code,
    );
    expect(refused).toBe('42501');

    const running = startPsql(grant, { sql: ['select count(*) from generate_series(1, 100000000000)'] });
    await waitUntil(
      async () =>
        (await targetQuery("select 1 from pg_stat_activity where usename = $1 and state = 'active'", [role])).length >
        0,
      15_000,
      'the statement at the target',
    );
    await endGrant(grant.id);
    await waitUntil(
      async () => !(await rolesOf('sales-report')).some(({ name }) => name === role),
      10_000,
      'the role to be dropped',
    );
    expect(await targetQuery('select 1 from pg_stat_activity where usename = $1', [role])).toEqual([]);
    await running.ended;
  });

  test('has no role where its task needs an owner, and the task’s page says so', async () => {
    const admin = as('admin');
    expect(await admin.get('/tasks/shop-admin/principal')).toMatchObject({
      kind: 'credential',
      reason: expect.stringContaining('`create`'),
    });
    expect(await admin.get('/tasks/sales-report/principal')).toMatchObject({
      kind: 'own',
      privileges: expect.arrayContaining(['SELECT (country, email, id, name) on public.customers']),
    });
    expect(await admin.get('/resources/demo-shop')).toMatchObject({ wallTwo: { state: 'partial', lacking: [] } });
  });
});
