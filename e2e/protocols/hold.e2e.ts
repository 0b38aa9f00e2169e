import { waitUntil } from '@taskgate/testkit';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  ApiProblem,
  applyDocument,
  as,
  endGrant,
  type HoldView,
  type OpenGrant,
  openGrant,
  waitingHolds,
} from '../api.ts';
import { describeWithPsql, psql, startPsql } from '../psql.ts';
import { targetQuery } from '../target.ts';

let grant: OpenGrant;
beforeAll(async () => {
  grant = await openGrant('fix-order-status');
});
afterAll(() => endGrant(grant.id));

/** The two connections of this grant are free a moment after the clients of the tests before have left. */
function connectOnceFree({ connect, token }: OpenGrant): Promise<pg.Client> {
  const { host, port, user, database } = connect;
  return waitUntil(async () => {
    const client = new pg.Client({ host, port, user, database, password: token });
    await client.connect();
    return client;
  });
}

const statusOf = async (id: number): Promise<string> =>
  (await targetQuery<{ status: string }>('select status from public.orders where id = $1', [id]))[0]!.status;
/** A change that is one whatever the order's status was. */
async function updateOf(id: number): Promise<{ sql: string; to: string }> {
  const to = (await statusOf(id)) === 'shipped' ? 'delivered' : 'shipped';
  return { sql: `update orders set status = '${to}' where id = ${id}`, to };
}
const holdOf = (statement: string): Promise<HoldView> =>
  waitUntil(
    async () => (await waitingHolds()).find((hold) => hold.statement.includes(statement)) ?? null,
    10_000,
    `a hold of \`${statement}\``,
  );
const noHoldOf = (statement: string): Promise<unknown> =>
  waitUntil(
    async () => !(await waitingHolds()).some((hold) => hold.statement.includes(statement)),
    10_000,
    `the end of the hold of \`${statement}\``,
  );

describeWithPsql('a held statement', () => {
  test('waits with a notice and a link, runs once it is approved, and only then', async () => {
    const { sql, to } = await updateOf(41);
    const before = await statusOf(41);
    const running = startPsql(grant, { sql: [sql] });
    const hold = await holdOf(sql);
    await running.says('held for approval by dba');
    expect(running.stderr()).toMatch(/http:\/\/127\.0\.0\.1:\d+\/\S+/);
    expect(await statusOf(41)).toBe(before);
    await as('reviewer').post(`/holds/${hold.id}/approve`, { binding: hold.binding, comment: 'as in the ticket' });
    const { code, stdout } = await running.ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'UPDATE 1\n' });
    expect(await statusOf(41)).toBe(to);
  });

  test('is refused with the reason of the reviewer, and changes nothing', async () => {
    const { sql } = await updateOf(42);
    const before = await statusOf(42);
    const running = startPsql(grant, { sql: [sql] });
    const hold = await holdOf(sql);
    await as('reviewer').post(`/holds/${hold.id}/refuse`, { reason: 'wrong order, see the ticket' });
    const { code, stderr } = await running.ended;
    expect(code).toBe(1);
    expect(stderr).toContain('42501');
    expect(stderr).toContain('refused by');
    expect(stderr).toContain('wrong order, see the ticket');
    expect(await statusOf(42)).toBe(before);
  });

  test('is not approved by whoever asked, nor by who is in none of the groups, nor under another binding', async () => {
    const { sql } = await updateOf(43);
    const running = startPsql(grant, { sql: [sql] });
    const hold = await holdOf(sql);
    for (const person of ['engineer', 'admin', 'auditor'] as const) {
      const error = await as(person)
        .post(`/holds/${hold.id}/approve`, { binding: hold.binding })
        .then(
          () => null,
          (reason: unknown) => reason,
        );
      expect(error, person).toBeInstanceOf(ApiProblem);
      expect([403, 404], person).toContain((error as ApiProblem).problem.status);
    }
    await expect(as('reviewer').post(`/holds/${hold.id}/approve`, { binding: 'f'.repeat(64) })).rejects.toBeInstanceOf(
      ApiProblem,
    );
    await as('reviewer').post(`/holds/${hold.id}/refuse`, { reason: 'done with it' });
    expect((await running.ended).code).toBe(1);
  });

  test('is taken back by Ctrl-C', async () => {
    const { sql } = await updateOf(44);
    const running = startPsql(grant, { sql: [sql] });
    await holdOf(sql);
    await running.says('held for approval');
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect(stderr).toMatch(/57014|taken back/);
    expect(code).toBe(1); // the statement failed, not the connection
    await noHoldOf(sql);
  });

  test('ends with its connection', async () => {
    const { sql } = await updateOf(45);
    const running = startPsql(grant, { sql: [sql] });
    const hold = await holdOf(sql);
    running.child.kill('SIGKILL');
    await running.ended;
    await noHoldOf(sql);
    await expect(as('reviewer').post(`/holds/${hold.id}/approve`, { binding: hold.binding })).rejects.toMatchObject({
      problem: { code: 'invalid-state' },
    });
  });

  test('is approved once: the same statement again is held again', async () => {
    const { sql } = await updateOf(46);
    const first = startPsql(grant, { sql: [sql] });
    const hold = await holdOf(sql);
    await as('reviewer').post(`/holds/${hold.id}/approve`, { binding: hold.binding });
    expect((await first.ended).code).toBe(0);
    await expect(as('reviewer').post(`/holds/${hold.id}/approve`, { binding: hold.binding })).rejects.toMatchObject({
      problem: { code: 'invalid-state' },
    });
    const second = startPsql(grant, { sql: [sql] });
    const again = await holdOf(sql);
    expect(again.id).not.toBe(hold.id);
    await as('reviewer').post(`/holds/${again.id}/refuse`, { reason: 'once is enough' });
    await second.ended;
  });

  test('that touches more rows than `affects` says is rolled back although it was approved', async () => {
    const sql = "update orders set status = 'cancelled' where id in (47, 48)";
    const before = [await statusOf(47), await statusOf(48)];
    const running = startPsql(grant, { sql: [sql] });
    const hold = await holdOf(sql);
    await as('reviewer').post(`/holds/${hold.id}/approve`, { binding: hold.binding });
    const { code, stderr, stdout } = await running.ended;
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/2 rows|at most 1|affects/);
    expect([await statusOf(47), await statusOf(48)]).toEqual(before);
  });

  test('outside of its columns is not held but refused', async () => {
    const result = await psql(grant, { sql: ['update orders set total_cents = 0 where id = 49'] });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('42501');
  });
});

test('an approval binds to the parameters: they are shown, and others need another one', async () => {
  const client = await connectOnceFree(grant);
  try {
    const sql = 'update orders set status = $1 where id = $2';
    const first = client.query(sql, ['paid', 51]);
    const hold = await holdOf(sql);
    const shown = await as('reviewer').get<{ parameters: readonly string[] }>(`/holds/${hold.id}`);
    expect(shown.parameters).toEqual(['paid', '51']);
    await as('reviewer').post(`/holds/${hold.id}/approve`, { binding: hold.binding });
    expect((await first).rowCount).toBe(1);
    const second = client.query(sql, ['paid', 52]).catch((error: unknown) => error);
    const other = await holdOf(sql);
    expect(other.binding).not.toBe(hold.binding);
    await as('reviewer').post(`/holds/${other.id}/refuse`, { reason: 'not this one' });
    expect(await second).toMatchObject({ code: '42501' });
  } finally {
    await client.end();
  }
});

test('a hold that nobody answers times out and is refused', async () => {
  await applyDocument(`kind: Task
name: e2e-short-hold
purpose: A hold that times out at once
resource: demo-shop
who: { groups: [support] }
access: { ttl: 10m }
allow:
  - select: public.orders
hold:
  - update: public.orders
    columns: [status]
    approvals: { from: [dba], count: 1, timeout: 2s }
`);
  const short = await openGrant('e2e-short-hold');
  const { host, port, user, database } = short.connect;
  const client = new pg.Client({ host, port, user, database, password: short.token });
  await client.connect();
  try {
    const before = await statusOf(53);
    await expect(client.query("update orders set status = 'paid' where id = 53")).rejects.toMatchObject({
      code: '42501',
      message: expect.stringContaining('answered in time'),
    });
    expect(await statusOf(53)).toBe(before);
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  } finally {
    await client.end();
    await endGrant(short.id);
  }
});
