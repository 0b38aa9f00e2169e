import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findClientProgram, pgbenchPath, runCommand, waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { as, endGrant, type OpenGrant, openGrant, signIn } from '../api.ts';
import { type SecondGateway, secondGateway } from '../gateway-process.ts';
import { ROOT } from '../system.ts';
import { targetQuery } from '../target.ts';

const KILLS = Number(process.env.E2E_KILLS ?? 8);
const CLIENTS = 4;
/** In every statement of this test, so that the target's log can be told apart. */
const MARK = `crash-${process.pid}-${Date.now()}`;

interface SessionView {
  readonly id: string;
  readonly gateway: string;
  readonly recording: string;
  readonly endedAt: string | null;
}
interface TimelineView {
  readonly operations: readonly {
    readonly statement: string | null;
    readonly outcome: string;
    readonly result: { readonly outcome: string } | null;
  }[];
  readonly nextAfter: number | null;
}

describe.skipIf(findClientProgram('pgbench') === null)('kill -9 of a gateway of two processes', () => {
  let gateway: SecondGateway;
  let grant: OpenGrant;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'taskgate-crash-'));
    gateway = await secondGateway(inject('system'), `gateway-${MARK}`, { processes: 2 });
    await targetQuery("alter system set log_statement = 'all'");
    await targetQuery('select pg_reload_conf()');
    grant = await openGrant('shop-admin');
    await gateway.start();
  });
  afterAll(async () => {
    await targetQuery('alter system reset log_statement');
    await targetQuery('select pg_reload_conf()');
    await gateway?.remove();
    await endGrant(grant.id);
    rmSync(folder, { recursive: true, force: true });
  });

  test(`at ${KILLS} random moments loses no statement that ran: every one is recorded, those without outcome are unknown, every recording verifies`, {
    timeout: 60_000 + KILLS * 15_000,
  }, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      const bench = startBench();
      const running = `select 1 from pg_stat_activity where query like '%${MARK}%' and pid <> pg_backend_pid()`;
      await waitUntil(async () => (await targetQuery(running)).length > 0, 15_000, 'traffic at the target');
      await delay(Math.random() * 600); // the random moment, not a wait for something
      await gateway.kill();
      await bench;
      await gateway.start();
    }

    const sessions = await waitUntil(allEnded, 30_000, 'the end of every session that was killed');
    const recorded = new Map<string, number>();
    const outcomes = new Map<string, number>();
    for (const { id } of sessions)
      for (const operation of await timelineOf(id)) {
        if (operation.outcome !== 'allow' || operation.statement === null) continue;
        add(recorded, normal(operation.statement));
        // The page shows no result, or says `unknown`: never that it was done.
        add(outcomes, operation.result?.outcome ?? 'unknown');
      }
    const ran = await statementsAtTarget();
    expect(ran.size).toBeGreaterThan(KILLS);
    const lost = [...ran].filter(([text, count]) => count > (recorded.get(text) ?? 0));
    expect(lost).toEqual([]);
    const total = [...recorded.values()].reduce((sum, count) => sum + count, 0);
    expect(outcomes.get('done')).toBeGreaterThan(0);
    // Each kill leaves at most one statement a client without an outcome.
    expect(outcomes.get('unknown') ?? 0).toBeLessThanOrEqual(KILLS * CLIENTS);
    expect(total).toBeGreaterThan(0);
    await verifyAll(sessions);
  });

  function startBench(): Promise<unknown> {
    const script = join(folder, 'script.sql');
    writeFileSync(
      script,
      [
        '\\set id random(100, 5000)',
        '\\set n random(1, 1000000000)',
        'begin;',
        `select status from public.orders where id = :id and customer_id <> :n and '${MARK}' <> '';`,
        `update public.orders set total_cents = total_cents where id = :id and customer_id <> :n and '${MARK}' <> '';`,
        'end;',
      ].join('\n'),
    );
    const { host, user, database } = grant.connect;
    const child = spawn(
      pgbenchPath(),
      [
        ...['-n', '-M', 'simple', '-f', script, '-c', String(CLIENTS), '-R', '200', '-T', '60'],
        ...['-h', host, '-p', String(gateway.port), '-U', user, database],
      ],
      { env: { ...process.env, PGPASSWORD: grant.token }, stdio: 'ignore' },
    );
    return new Promise((resolve) => child.once('close', resolve));
  }

  async function allEnded(): Promise<readonly SessionView[] | null> {
    const items: SessionView[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: { items: readonly SessionView[]; nextCursor: string | null } = await as('auditor').get(
        `/sessions?task=shop-admin&limit=200${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      items.push(...page.items);
      cursor = page.nextCursor;
    }
    const mine = items.filter((session) => session.gateway === gateway.name);
    return mine.length > 0 && mine.every(({ endedAt, recording }) => endedAt !== null && recording !== 'live')
      ? mine
      : null;
  }

  async function timelineOf(id: string): Promise<TimelineView['operations']> {
    const operations: TimelineView['operations'][number][] = [];
    for (let after: number | null = null; ; ) {
      const query: string = after === null ? '' : `&after=${after}`;
      const page: TimelineView = await as('auditor').get(`/sessions/${id}/timeline?limit=500${query}`);
      operations.push(...page.operations);
      if (page.nextAfter === null) return operations;
      after = page.nextAfter;
    }
  }

  /** Texts and how often each ran, from the target's own log. */
  async function statementsAtTarget(): Promise<ReadonlyMap<string, number>> {
    const sentinel = `${MARK}-end`;
    await targetQuery(`select '${sentinel}'`);
    const file = join(inject('system').home, 'logs/demo-shop.log');
    const log = await waitUntil(
      () => {
        const text = readFileSync(file, 'utf8');
        return text.includes(sentinel) ? text : null;
      },
      10_000,
      "the target's log",
    );
    const found = new Map<string, number>();
    for (const line of log.split('\n')) {
      const statement = /LOG: {2}(?:statement|execute [^:]*): (.*)$/.exec(line)?.[1];
      if (statement?.includes(`'${MARK}'`) && !statement.includes('pg_stat_activity')) add(found, normal(statement));
    }
    return found;
  }

  async function verifyAll(sessions: readonly SessionView[]): Promise<void> {
    const token = await signIn('auditor');
    const files: string[] = [];
    for (const { id } of sessions) {
      const response = await fetch(`${inject('system').webUrl}/api/v1/sessions/${id}/recording`, {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(response.status, id).toBe(200);
      const file = join(folder, `${id}.tgr`);
      writeFileSync(file, Buffer.from(await response.arrayBuffer()));
      files.push(file);
    }
    const result = await runCommand(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      join(ROOT, 'apps/cli/src/main.ts'),
      'verify',
      ...files,
    ]);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout.match(/consistent: /g)).toHaveLength(files.length);
  }
});

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

const normal = (statement: string): string => statement.trim().replace(/;$/, '');
